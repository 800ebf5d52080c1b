import type { JSX } from 'preact'

/** Says why an act is not offered. */
export function Lack({ children }: { readonly children: string }): JSX.Element {
  return <p class="note">{children}</p>
}
