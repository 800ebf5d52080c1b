import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Diagnosis, License } from '../../src/core/index.ts'
import type { SigningKey } from '../../src/core/keys/app-keys.ts'
import { licensing } from '../api.ts'
import { useKnown } from '../data.ts'
import { Icon, type IconName } from '../icons.tsx'
import { names, useApp, useLicense } from '../known.ts'
import type { Moment, Program, Seen, ServerFacts } from '../program.ts'
import { isSecretKey, may } from '../session.ts'
import { dateOf, days, now } from '../times.ts'
import { complain } from '../toasts.tsx'
import { whyWords as text } from '../why-words.ts'
import { Dial } from './dial.tsx'

/** The verdict of the program's default policy, as the page draws it. */
const looks = { allow: 'passed', warn: 'warned', block: 'failed' } as const
const icons: Readonly<Record<keyof typeof looks, IconName>> = { allow: 'check', warn: 'alert', block: 'x' }

/** The stretch of time that the clock goes over, in days from its middle, today. */
interface Range {
  readonly from: number
  readonly to: number
}

function rangeOf({ license }: ServerFacts, today: number): Range {
  const ends = [license?.expiresAt ?? today, today]
  const starts = [license?.issuedAt ?? today, today - days(30)]
  return { from: Math.min(...starts) - days(2), to: Math.max(...ends) + days(20) }
}

const samples = 36

/** A line of time with a piece for each stretch in which the program stays in one state. */
function useStrip(
  program: Program,
  facts: ServerFacts,
  range: Range,
  offlineDays: number,
): readonly string[] {
  const [strip, setStrip] = useState<readonly string[]>([])
  useEffect(() => {
    const looking = new AbortController()
    const { from, to } = range
    const look = async (): Promise<void> => {
      const { see } = await import('../program.ts')
      const pieces: string[] = []
      for (let at = 0; at < samples && !looking.signal.aborted; at++) {
        const clock = Math.round(from + ((at + 0.5) / samples) * (to - from))
        const { license } = await see(program, facts, { clock, offlineDays })
        pieces.push(looks[license.verdict])
      }
      if (!looking.signal.aborted) setStrip(pieces)
    }
    const timer = setTimeout(() => void look().catch(complain), 200)
    return () => {
      looking.abort()
      clearTimeout(timer)
    }
  }, [program, facts, range, offlineDays])
  return strip
}

function useSeen(program: Program, facts: ServerFacts, { clock, offlineDays }: Moment): Seen | null {
  const [seen, setSeen] = useState<Seen | null>(null)
  useEffect(() => {
    let isWanted = true
    const look = async (): Promise<void> => {
      const { see } = await import('../program.ts')
      const next = await see(program, facts, { clock, offlineDays })
      if (isWanted) setSeen(next)
    }
    look().catch(complain)
    return () => {
      isWanted = false
    }
  }, [program, facts, clock, offlineDays])
  return seen
}

function saidOf({ said }: Seen): JSX.Element {
  if (said === undefined) return <>{text.silence}</>
  return said === null ? <>{text.newToken}</> : <code>{said}</code>
}

function Screen({ seen }: { readonly seen: Seen }): JSX.Element {
  const { state, verdict, reason, action, changesAt, features } = seen.license
  return (
    <div class="screen">
      <p class="verdict" role="status" data-state={looks[verdict]}>
        <Icon name={icons[verdict]} size={18} /> {state.replaceAll('_', ' ')}
      </p>
      <p class="reason">{reason}.</p>
      <dl>
        <dt>{text.asksFor}</dt>
        <dd>{action === 'none' ? text.none : <code>{action}</code>}</dd>
        <dt>{text.changes}</dt>
        <dd>{changesAt === null ? text.neverChanges : text.changesOn(dateOf(changesAt))}</dd>
        <dt>{text.features}</dt>
        <dd>{features.join(', ') || text.none}</dd>
        <dt>{text.server}</dt>
        <dd>{saidOf(seen)}</dd>
      </dl>
    </div>
  )
}

const limits = [null, 7, 14, 30, 90] as const

interface RunProps {
  readonly app: string
  readonly issuer: string
  readonly token: string
  readonly keys: readonly Pick<SigningKey, 'kid' | 'state' | 'publicKeyPem'>[]
  readonly facts: ServerFacts
}

function Controlled({ app, issuer, token, keys, facts }: RunProps): JSX.Element {
  const today = useMemo(now, [])
  const range = useMemo(() => rangeOf(facts, today), [facts, today])
  const [clock, setClock] = useState(today)
  const [offlineDays, setOffline] = useState(0)
  const [key, setKey] = useState(keys[0]!.publicKeyPem)
  const [maxOfflineDays, setLimit] = useState<number | null>(null)
  const [followsKeys, setFollows] = useState(false)
  const program = useMemo<Program>(
    () => ({ app, issuer, token, key, followsKeys, maxOfflineDays }),
    [app, issuer, token, key, followsKeys, maxOfflineDays],
  )
  const seen = useSeen(program, facts, { clock, offlineDays })
  const strip = useStrip(program, facts, range, offlineDays)
  return (
    <>
      {seen === null ? <div class="screen" aria-busy="true" /> : <Screen seen={seen} />}
      <Dial
        label={text.clock}
        told={clock === today ? text.now : dateOf(clock)}
        value={Math.round((clock - today) / days(1))}
        min={Math.round((range.from - today) / days(1))}
        max={Math.round((range.to - today) / days(1))}
        strip={strip}
        onValue={(value) => setClock(today + days(value))}
      />
      <Dial
        label={text.offline}
        told={offlineDays === 0 ? text.atOnce : text.daysBefore(offlineDays)}
        value={offlineDays}
        min={0}
        max={60}
        onValue={setOffline}
      />
      <label class="choice">
        <span>{text.builtWith}</span>
        <select value={key} onChange={(event) => setKey(event.currentTarget.value)}>
          {keys.map(({ kid, state, publicKeyPem }) => (
            <option key={kid} value={publicKeyPem}>
              {text.keyState[state]} {kid.slice(0, 6)}
            </option>
          ))}
        </select>
      </label>
      <label class="choice">
        <span>{text.maxOffline}</span>
        <select
          value={maxOfflineDays ?? ''}
          onChange={({ currentTarget: { value } }) => setLimit(value === '' ? null : Number(value))}
        >
          {limits.map((limit) => (
            <option key={limit} value={limit ?? ''}>
              {limit === null ? text.never : text.afterDays(limit)}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={followsKeys}
          onChange={(event) => setFollows(event.currentTarget.checked)}
        />
        <span>{text.follows}</span>
      </label>
      {clock !== today && (
        <button type="button" class="link" onClick={() => setClock(today)}>
          {text.toNow}
        </button>
      )}
    </>
  )
}

interface PanelProps {
  readonly app: string
  readonly diagnosis: Diagnosis
  /** The pasted token; `null` if something else led here. */
  readonly token: string | null
}

/** All keys of an app, for those who may see them; otherwise the active one. */
function useKeys(app: string): RunProps['keys'] | undefined {
  const active = useApp(app).value.value?.publicKeyPem
  const mayList = isSecretKey() && may('catalogue:read')
  const all = useKnown(names.signingKeys(app), async (signal) =>
    mayList ? licensing.withOptions({ signal }).apps.keys(app) : [],
  ).value
  if (all.value !== undefined && all.value.length > 0) return all.value
  const isOver = all.value !== undefined || all.error !== null
  return active === undefined || !isOver ? undefined : [{ kid: '', state: 'active', publicKeyPem: active }]
}

type Found = PanelProps & { readonly token: string; readonly license: License | null }

function Run({ app, diagnosis: { checks }, token, license }: Found): JSX.Element | null {
  const keys = useKeys(app)
  const issuer = useApp(app).value.value?.issuer
  const facts = useMemo<ServerFacts>(() => ({ license, checks }), [license, checks])
  if (keys === undefined || issuer === undefined) return null
  return <Controlled app={app} issuer={issuer} token={token} keys={keys} facts={facts} />
}

/** The newest token comes at a click alone. */
function TakeNewest({
  app,
  id,
  onToken,
}: {
  app: string
  id: string
  onToken: (token: string) => void
}): JSX.Element {
  const take = async (): Promise<void> => {
    try {
      const token = await licensing.licenses.token(app, id)
      if (token !== null) onToken(token)
    } catch (error) {
      complain(error)
    }
  }
  return (
    <>
      <p class="note">{text.needsToken}</p>
      <button type="button" onClick={() => void take()}>
        {text.takeNewest}
      </button>
    </>
  )
}

function OfLicense({ id, ...panel }: PanelProps & { readonly id: string }): JSX.Element | null {
  const { app, token: given } = panel
  const { value: license } = useLicense(app, id).value
  const [fetched, setFetched] = useState<string | null>(null)
  const token = given ?? fetched
  if (license === undefined) return null
  if (token !== null) return <Run {...panel} token={token} license={license} />
  if (license.status !== 'active' || !isSecretKey()) return <p class="note">{text.needsPasting}</p>
  return <TakeNewest app={app} id={id} onToken={setFetched} />
}

/** The real client of programs, run on a token under a clock and a network of one's choice. */
export function ProgramPanel(props: PanelProps): JSX.Element {
  const { diagnosis, token } = props
  const { licenseId } = diagnosis
  return (
    <section class="card program" aria-labelledby="program">
      <h2 id="program" class="eyebrow">
        {text.program}
      </h2>
      {!isSecureContext && <p class="note">{text.insecure}</p>}
      {isSecureContext && licenseId !== null && <OfLicense {...props} id={licenseId} />}
      {isSecureContext && licenseId === null && token !== null && (
        <Run {...props} token={token} license={null} />
      )}
      <p class="note">{text.programLead}</p>
    </section>
  )
}
