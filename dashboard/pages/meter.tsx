import type { JSX } from 'preact'

/** Small boxes: as many are full as seats are taken. The words beside them say the numbers. */
export function Meter({ used, all }: { readonly used: number; readonly all: number }): JSX.Element | null {
  if (all > 10) return null
  return (
    <span class="meter" aria-hidden="true">
      {Array.from({ length: Math.max(all, used) }, (_, at) => (
        <i key={at} data-full={at < used} data-over={at >= all} />
      ))}
    </span>
  )
}
