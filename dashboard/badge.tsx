import type { JSX } from 'preact'
import type { License } from '../src/core/index.ts'
import { Icon, type IconName } from './icons.tsx'
import { pageWords } from './page-words.ts'

const icons: Readonly<Record<License['status'], IconName>> = {
  active: 'check',
  expired: 'alert',
  revoked: 'x',
}
const states = { active: 'passed', expired: 'warned', revoked: 'failed' } as const

/** The state of a license, by word, shape and colour. */
export function Badge({ status }: { readonly status: License['status'] }): JSX.Element {
  return (
    <span class="badge" data-state={states[status]}>
      <Icon name={icons[status]} size={13} /> {pageWords.license.states[status]}
    </span>
  )
}
