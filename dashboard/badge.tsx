import type { JSX } from 'preact'
import type { License } from '../src/core/index.ts'
import { pageWords } from './page-words.ts'
import { StateMark } from './state-mark.tsx'

const states = { active: 'passed', expired: 'warned', revoked: 'failed' } as const

/** The state of a license, by word, shape and colour. */
export function Badge({ status }: { readonly status: License['status'] }): JSX.Element {
  return <StateMark state={states[status]}>{pageWords.license.states[status]}</StateMark>
}
