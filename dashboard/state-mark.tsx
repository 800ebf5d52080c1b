import type { JSX } from 'preact'
import { Icon, type IconName } from './icons.tsx'

export type MarkState = 'passed' | 'warned' | 'failed'

const icons: Readonly<Record<MarkState, IconName>> = { passed: 'check', warned: 'alert', failed: 'x' }

/** A state by word, shape and colour. */
export function StateMark({
  state,
  children,
}: {
  readonly state: MarkState
  readonly children: string
}): JSX.Element {
  return (
    <span class="badge" data-state={state}>
      <Icon name={icons[state]} size={13} /> {children}
    </span>
  )
}
