import type { JSX } from 'preact'
import type { SigningKey } from '../../src/core/index.ts'
import { CopyText } from '../copy-text.tsx'
import { Icon, type IconName } from '../icons.tsx'
import { keysWords as text } from '../keys-words.ts'
import { shortKid, stateOf } from '../signing.ts'
import { dateOf, exactly, now } from '../times.ts'

type State = ReturnType<typeof stateOf>

const icons: Readonly<Record<State, IconName>> = {
  active: 'check',
  in_grace: 'alert',
  retired: 'x',
  compromised: 'alert',
}
const badges: Readonly<Record<State, string>> = {
  active: 'passed',
  in_grace: 'warned',
  retired: 'over',
  compromised: 'failed',
}

function StateBadge({ state }: { readonly state: State }): JSX.Element {
  return (
    <span class="badge" data-state={badges[state]}>
      <Icon name={icons[state]} size={13} /> {text.states[state]}
    </span>
  )
}

interface Frame {
  readonly from: number
  readonly to: number
}

function frameOf(keys: readonly SigningKey[], today: number): Frame {
  const from = Math.min(...keys.map(({ createdAt }) => createdAt))
  const last = Math.max(today, ...keys.map(({ acceptedUntil }) => acceptedUntil ?? 0))
  // A key of today has a width too.
  return { from, to: Math.max(last, from + 3_600) }
}

function placeOf({ from, to }: Frame, at: number): string {
  return `${((Math.min(to, Math.max(from, at)) - from) / (to - from)) * 100}%`
}

function Bar({
  signingKey,
  frame,
  today,
}: {
  signingKey: SigningKey
  frame: Frame
  today: number
}): JSX.Element {
  const { createdAt, retiredAt, acceptedUntil, state } = signingKey
  const end = state === 'active' ? today : (retiredAt ?? createdAt)
  const span = (kind: string, from: number, to: number): JSX.Element => (
    <span
      class={`span ${kind}`}
      style={{
        insetInlineStart: placeOf(frame, from),
        insetInlineEnd: `calc(100% - ${placeOf(frame, to)})`,
      }}
    />
  )
  return (
    <div class="key-bar" data-state={stateOf(signingKey)} aria-hidden="true">
      {span('reign', createdAt, end)}
      {acceptedUntil !== null && span('grace', end, acceptedUntil)}
      <i style={{ insetInlineStart: placeOf(frame, today) }} />
    </div>
  )
}

function sentenceOf(key: SigningKey): string {
  const { createdAt, retiredAt, acceptedUntil, state } = key
  if (state === 'active') return text.signsSince(dateOf(createdAt))
  if (retiredAt === null) return text.signedOnce(dateOf(createdAt))
  const signed = text.signed(dateOf(createdAt), dateOf(retiredAt))
  if (acceptedUntil !== null) return `${signed}, ${text.acceptedUntil(dateOf(acceptedUntil))}`
  return stateOf(key) === 'compromised' ? `${signed}; ${text.revoked}` : signed
}

/** Every key with its time: it signs, then it may be accepted for a while, then it is over. */
export function KeyLine({ keys }: { readonly keys: readonly SigningKey[] }): JSX.Element {
  const today = now()
  const frame = frameOf(keys, today)
  return (
    <ol class="key-line" aria-label={text.line}>
      {keys.map((key) => (
        <li key={key.kid}>
          <div class="key-head">
            <code title={key.kid}>{shortKid(key.kid)}</code>
            <StateBadge state={stateOf(key)} />
            <CopyText
              isQuiet
              text={key.publicKeyPem}
              label={text.copyPem}
              name={text.copyPemOf(shortKid(key.kid))}
            />
          </div>
          <Bar signingKey={key} frame={frame} today={today} />
          <p class="quiet" title={exactly(key.createdAt)}>
            {sentenceOf(key)}
          </p>
        </li>
      ))}
    </ol>
  )
}
