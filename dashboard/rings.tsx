import type { JSX } from 'preact'

/** The logo: year rings, cut open at the heart. */
export function Mark({ size = 26 }: { readonly size?: number }): JSX.Element {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16.4 1.6c8 .1 14 6.400 14 14.300 0 8.200-6.300 14.500-14.400 14.500C7.900 30.400 1.600 24.200 1.600 16 1.600 7.900 8 1.500 16.400 1.600z" />
      <path d="M16.700 5.800c5.700.2 9.700 4.700 9.600 10.200-.1 5.900-4.500 10.200-10.300 10.200-5.900 0-10.300-4.300-10.200-10.200.1-5.800 4.800-10.400 10.900-10.200z" />
      <path d="M16.900 10.200c3.300.2 5.300 2.700 5.200 5.900-.1 3.400-2.600 5.900-6 5.900-3.500 0-6-2.600-5.900-6 .1-3.300 3-6 6.700-5.800z" />
      <circle class="heart" cx="16.300" cy="16.100" r="2.300" />
    </svg>
  )
}
