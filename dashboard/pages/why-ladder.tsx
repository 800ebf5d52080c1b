import type { JSX } from 'preact'
import type { Diagnosis } from '../../src/core/index.ts'
import type { DiagnosticCheck, DiagnosticWarning } from '../../src/core/diagnosis/diagnosis.ts'
import { Icon, type IconName } from '../icons.tsx'
import { dateOf } from '../times.ts'
import { whyWords as text } from '../why-words.ts'
import { words } from '../words.ts'
import { Mend } from './why-mend.tsx'

type State = keyof typeof text.states

const icons: Readonly<Record<State, IconName | null>> = {
  passed: 'check',
  warned: 'alert',
  failed: 'x',
  not_reached: null,
}

function stateOf({ state, facts }: DiagnosticCheck): State {
  return state === 'passed' && 'warning' in facts ? 'warned' : state
}

/** The value of a rung, in few words. */
function factOf({ check, facts }: DiagnosticCheck): string | null {
  const { length, app, kid, licenseId, licenseKeyId, revision, newestRevision, expiresAt, tier } = facts
  switch (check) {
    case 'form':
      return typeof length === 'number' ? text.characters(words.count(length)) : null
    case 'app':
      return typeof app === 'string' ? app : null
    case 'signing_key':
      return typeof kid === 'string' ? text.signedBy(kid.slice(0, 6)) : null
    case 'license':
      return typeof licenseId === 'string' ? `${licenseId.slice(0, 12)}…` : null
    case 'license_key':
      return typeof licenseKeyId === 'string' ? `${licenseKeyId.slice(0, 12)}…` : null
    case 'revision':
      return typeof revision === 'number' ? text.revision(revision, newestRevision) : null
    case 'token_end':
    case 'end':
      return typeof expiresAt === 'number' ? dateOf(expiresAt) : null
    case 'tier':
      return typeof tier === 'string' ? tier : null
    default:
      return null
  }
}

/** The first sentence of the server, and the others. */
function sentencesOf({ sentence }: DiagnosticCheck): readonly [first: string, rest: string] {
  const end = sentence.indexOf('. ') + 1
  return end === 0 ? [sentence, ''] : [sentence.slice(0, end), sentence.slice(end + 1)]
}

/** Warnings with a remedy. */
const remedied: readonly DiagnosticWarning[] = ['in_grace', 'old_text', 'older_revision', 'stale_features']

/** The words of the server for a terminal, with its commands as code. */
function Remedy({ remedy }: { readonly remedy: string }): JSX.Element {
  const parts = remedy.split('`').map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))
  return <>{parts}</>
}

interface RungProps {
  readonly check: DiagnosticCheck
  readonly diagnosis: Diagnosis
  /** True for the rung that the remedy is about. */
  readonly isMended: boolean
  readonly name: string
}

function Rung({ check, diagnosis, isMended, name }: RungProps): JSX.Element {
  const state = stateOf(check)
  const icon = icons[state]
  const fact = state === 'failed' ? null : factOf(check)
  const isPlain = state === 'passed' || state === 'not_reached'
  const { remedy } = diagnosis
  const [first, rest] = isPlain ? ['', ''] : sentencesOf(check)
  return (
    <li class="rung" data-state={state}>
      <span class="knot">{icon !== null && <Icon name={icon} size={state === 'failed' ? 16 : 13} />}</span>
      <div class="rung-body">
        <div class="rung-line">
          <h2>
            <span class="unseen">{text.states[state]}: </span>
            {isPlain ? text.rungs[check.check] : first}
          </h2>
          {fact !== null && <span class="fact">{fact}</span>}
        </div>
        {rest !== '' && <p class="more">{rest}</p>}
        {(isMended || check.facts['warning'] === 'superseded') && (
          <Mend diagnosis={diagnosis} check={check} name={name} />
        )}
        {isMended && remedy !== null && (
          <details class="terminal">
            <summary>{text.terminal}</summary>
            <p>
              <Remedy remedy={remedy} />
            </p>
          </details>
        )}
      </div>
    </li>
  )
}

/** Each check, from the text to the license. It is red at the one that failed, and the button that mends it is there. */
export function Ladder({
  diagnosis,
  name,
}: {
  readonly diagnosis: Diagnosis
  /** The known things to ask for again after an act. */
  readonly name: string
}): JSX.Element {
  const { checks } = diagnosis
  const mended =
    checks.find(({ state }) => state === 'failed') ??
    checks.find(({ facts }) => remedied.includes(facts['warning'] as DiagnosticWarning))
  return (
    <ol class="ladder">
      {checks.map((check) => (
        <Rung key={check.check} check={check} diagnosis={diagnosis} isMended={check === mended} name={name} />
      ))}
    </ol>
  )
}
