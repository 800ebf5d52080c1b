import type {
  DiagnosisKind,
  DiagnosticCause,
  DiagnosticCheckName,
  DiagnosticWarning,
} from '../../../src/core/index.ts'
import type { Desk } from './desk.ts'

/** A thing that a customer sends, and what the person at support must learn. */
export interface Case {
  readonly name: string
  readonly text: (desk: Desk) => string | Promise<string>
  readonly kind: DiagnosisKind
  /** The first check that fails; `null` if none does. */
  readonly failing: DiagnosticCheckName | null
  readonly cause: DiagnosticCause | null
  /** Words of the remedy; `null` for none. */
  readonly remedy: RegExp | null
  readonly warning?: DiagnosticWarning
  /** Number of candidates. Then there is no check. */
  readonly candidates?: number
  /** The cause for a live API key, if that sees less than the host. */
  readonly causeForLiveKey?: DiagnosticCause
}

export type Words = readonly [
  failing: DiagnosticCheckName | null,
  cause: DiagnosticCause | null,
  remedy: RegExp | null,
]

export const good: Words = [null, null, null]

/** A case. */
export function about(
  kind: DiagnosisKind,
  name: string,
  text: Case['text'],
  [failing, cause, remedy]: Words,
  more: Partial<Pick<Case, 'warning' | 'candidates' | 'causeForLiveKey'>> = {},
): Case {
  return { name, text, kind, failing, cause, remedy, ...more }
}

export const askForMore: RegExp = /^Ask the customer/
export const newest: RegExp =
  /^Send the customer the newest token: `heartwood licenses get lic_\w+ --app desktop-app`, or GET /
