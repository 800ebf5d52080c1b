import type { ComponentChildren, JSX } from 'preact'
import type { Status } from '../../src/core/index.ts'
import { adopt } from '../adopt.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { forget, useKnown } from '../data.ts'
import { Icon } from '../icons.tsx'
import { logWords } from '../log-words.ts'
import { base } from '../place.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { ago, now } from '../times.ts'
import css from '../style/status.css' with { type: 'text' }
import { words } from '../words.ts'
import { LatestRefusals, RefusedCodes } from './status-refusals.tsx'
import { Told } from './status-told.tsx'

adopt(css)

const text = logWords.status
const name = 'status'
/** Seconds by which an event may wait, and clocks may differ. */
const patience = 300
const clockTolerance = 60

interface Seen extends Status {
  readonly version: string
  /** The time of this computer at the response. */
  readonly here: number
}

/** The remote client tells no version, so the health check does. */
async function versionOf(signal: AbortSignal): Promise<string> {
  const response = await fetch(new URL('api/health', base), { signal })
  const { version } = (await response.json()) as { readonly version: string }
  return version
}

async function load(signal: AbortSignal): Promise<Seen> {
  const [status, version] = await Promise.all([licensing.withOptions({ signal }).status(), versionOf(signal)])
  return { ...status, version, here: now() }
}

/** The clocks of a server and of a browser agree to the second at best. */
function clockOff({ clock, here }: Seen): number {
  const off = Math.abs(clock - here)
  return off > clockTolerance ? off : 0
}

function isLate({ clock, webhooks: { oldestDueAt } }: Seen): boolean {
  return oldestDueAt !== null && clock - oldestDueAt > patience
}

/** The troubles of a server, the worst first, each as a sentence without its dot. */
function troublesOf(seen: Seen): readonly string[] {
  const { storage, signing, webhooks } = seen
  return [
    storage === 'ok' ? null : text.storageDown,
    ...webhooks.webhookQueueFull.map(text.full),
    ...webhooks.disabled.map(text.disabled),
    isLate(seen) ? text.late : null,
    clockOff(seen) > 0 ? text.clockOff : null,
    signing.waiting > signing.running * 10 ? text.busy : null,
  ].filter((trouble) => trouble !== null)
}

function headingOf(troubles: readonly string[]): string {
  const [first = text.well, ...more] = troubles
  return more.length === 0 ? `${first}.` : `${text.several(troubles.length)}.`
}

function Part({
  label,
  isWell,
  children,
}: {
  readonly label: string
  readonly isWell: boolean
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <div data-state={isWell ? 'passed' : 'failed'}>
      <dt>
        <Icon name={isWell ? 'check' : 'alert'} /> {label}
      </dt>
      <dd>{children}</dd>
    </div>
  )
}

function Webhooks({ seen }: { readonly seen: Seen }): JSX.Element {
  const { due, oldestDueAt, disabled, webhookQueueFull } = seen.webhooks
  const troubles = [...webhookQueueFull.map(text.full), ...disabled.map(text.disabled)]
  return (
    <Part label={text.webhooks} isWell={due !== null && troubles.length === 0 && !isLate(seen)}>
      {due === null && text.unknownDue}
      {due === 0 && text.onTime}
      {due !== null && due > 0 && text.due(due, ago(oldestDueAt ?? seen.clock))}
      {troubles.map((trouble) => (
        <p key={trouble}>{trouble}.</p>
      ))}
    </Part>
  )
}

function Parts({ seen }: { readonly seen: Seen }): JSX.Element {
  const { storage, signing } = seen
  const off = clockOff(seen)
  const isIdle = signing.running + signing.waiting === 0
  return (
    <dl class="parts">
      <Part label={text.storage} isWell={storage === 'ok'}>
        {storage === 'ok' ? text.storageUp : `${text.storageDown}.`}
      </Part>
      <Part label={text.signing} isWell={signing.waiting <= signing.running * 10}>
        {isIdle ? text.idle : text.waiting(signing.running, signing.waiting)}
      </Part>
      <Webhooks seen={seen} />
      <Part label={text.clock} isWell={off === 0}>
        {off === 0 ? text.agrees : text.differs(off)}
      </Part>
    </dl>
  )
}

function Page(): JSX.Element {
  const known = useKnown(name, load)
  return (
    <Shown known={known.value} name={name}>
      {(seen) => {
        const troubles = troublesOf(seen)
        return (
          <article class="status">
            <header class="lead">
              <p class="eyebrow">{text.eyebrow(seen.version)}</p>
              <Title key={headingOf(troubles)}>{headingOf(troubles)}</Title>
              {troubles.length > 1 && (
                <ul class="sub">
                  {troubles.map((trouble) => (
                    <li key={trouble}>{trouble}.</li>
                  ))}
                </ul>
              )}
              <p class="sub small">
                {text.asOf(ago(seen.here))}{' '}
                <button type="button" class="link" onClick={() => forget(name)}>
                  {text.again}
                </button>
              </p>
            </header>
            <Parts seen={seen} />
            <RefusedCodes refusals={seen.refusals} clock={seen.clock} />
            {may('catalogue:read') && <Told clock={seen.clock} />}
            <LatestRefusals refusals={seen.refusals} />
            <AsCode code={{ call: 'GET /status', typescript: 'await licensing.status()' }} />
          </article>
        )
      }}
    </Shown>
  )
}

/** The state of the server. It asks when the page opens or somebody wishes, because a page that asks by itself keeps its session. */
export function StatusPage(): JSX.Element {
  if (may('keys:write')) return <Page />
  return (
    <div class="lead">
      <Title>{words.states.forbidden}</Title>
      <p class="sub">{text.notAllowed}</p>
    </div>
  )
}
