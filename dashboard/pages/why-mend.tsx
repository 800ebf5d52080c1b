import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Diagnosis, License } from '../../src/core/index.ts'
import type {
  DiagnosticCause,
  DiagnosticCheck,
  DiagnosticWarning,
} from '../../src/core/diagnosis/diagnosis.ts'
import { licensing } from '../api.ts'
import { forget } from '../data.ts'
import { names, useLicense, useTiers } from '../known.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { dateOf, days, now } from '../times.ts'
import { complain, say } from '../toasts.tsx'
import { pageWords } from '../page-words.ts'
import { whyWords as text } from '../why-words.ts'
import { gained } from './claims.tsx'
import { Handout } from './handout.tsx'
import { quickly, reinstate, update } from './license-changes.ts'
import { ChangeTier, Extend } from './license-dialogs.tsx'

type Reason = DiagnosticCause | DiagnosticWarning
type Means = 'extend' | 'send' | 'reinstate' | 'tier' | 'key' | 'regenerate' | 'successor'

/** The means against each reason. A reason without any is mended outside of this page. */
const means: Readonly<Partial<Record<Reason, Means>>> = {
  cut_off_text: 'send',
  altered_text: 'send',
  key_retired: 'send',
  key_compromised: 'send',
  bad_signature: 'send',
  invalidated: 'send',
  token_expired: 'send',
  license_expired: 'extend',
  license_revoked: 'reinstate',
  license_key_revoked: 'key',
  license_key_expired: 'key',
  license_key_rolled: 'key',
  old_text: 'key',
  seats_full: 'key',
  seat_given_back: 'key',
  seat_lost: 'key',
  seat_lapsed: 'key',
  seat_replaced: 'key',
  seat_moved: 'key',
  missing_tier: 'tier',
  stale_features: 'regenerate',
  superseded: 'successor',
}

/** Asks again why. The button may be gone then, so the focus goes to the verdict. */
function askAgain(name: string): void {
  forget(name)
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
}

interface MeansProps {
  readonly app: string
  readonly license: License
  readonly name: string
}

function AtKey({ app, id }: { readonly app: string; readonly id: string }): JSX.Element {
  return (
    <>
      <p class="more">{text.hints.key}</p>
      <div class="actions">
        <a class="button" href={to(['apps', app, 'license-keys', id])}>
          {text.toKey}
        </a>
      </div>
    </>
  )
}

function MayNot({ scope }: { readonly scope: string }): JSX.Element {
  return <p class="quiet">{text.mayNot(scope)}</p>
}

function Prolong({ app, license, name }: MeansProps): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const { expiresAt } = license
  const end = Math.max(expiresAt ?? 0, now()) + days(365)
  const extend = async (): Promise<void> => {
    try {
      await update({ app, license }, { expiresAt: end })
      askAgain(name)
      say(pageWords.license.extended(dateOf(end)))
    } catch (error) {
      complain(error)
    }
  }
  return (
    <>
      <button type="button" class="primary" onClick={() => void extend()}>
        {text.extendTo(dateOf(end))}
      </button>
      <button type="button" onClick={() => setOpen(true)}>
        {text.otherDate}
      </button>
      {isOpen && (
        <Extend
          app={app}
          license={license}
          onClose={() => {
            setOpen(false)
            forget(name)
          }}
        />
      )}
    </>
  )
}

function Reinstate({ app, license, name }: MeansProps): JSX.Element {
  const act = async (): Promise<void> => {
    await reinstate({ app, license })
    askAgain(name)
  }
  return (
    <button type="button" class="primary" onClick={() => void quickly(act, pageWords.license.reinstated)}>
      {text.reinstate}
    </button>
  )
}

function GiveTier({ app, license, name }: MeansProps): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const close = (): void => {
    setOpen(false)
    forget(name)
  }
  return (
    <>
      <button type="button" class="primary" onClick={() => setOpen(true)}>
        {text.giveTier}
      </button>
      {isOpen && <ChangeTier app={app} license={license} onClose={close} />}
    </>
  )
}

function Regenerate({ app, license, name }: MeansProps): JSX.Element {
  const tiers = useTiers(app).value.value
  const news = gained(
    license,
    tiers?.find(({ id }) => id === license.tierId),
  )
  const act = async (): Promise<void> => {
    await licensing.licenses.regenerate(app, license.id)
    forget(names.license(app, license.id))
    askAgain(name)
  }
  return (
    <button type="button" onClick={() => void quickly(act, pageWords.license.regenerated)}>
      {news.length > 0 ? text.regenerate(news.join(', ')) : pageWords.license.regenerate}
    </button>
  )
}

const changes = { extend: Prolong, reinstate: Reinstate, tier: GiveTier, regenerate: Regenerate }

/** The means that need the license. What belongs to a license key is changed there. */
function OfLicense({
  by,
  app,
  id,
  name,
}: {
  by: Means
  app: string
  id: string
  name: string
}): JSX.Element | null {
  const { value: license } = useLicense(app, id).value
  if (license === undefined) return null
  const { licenseKeyId, status } = license
  // The token has ended: its license may have ended, or been revoked, as well.
  const wanted = by !== 'send' || status === 'active' ? by : status === 'revoked' ? 'reinstate' : 'extend'
  if (wanted === 'send')
    return (
      <>
        <p class="more">{text.hints.send}</p>
        <Handout app={app} license={license} />
      </>
    )
  if (licenseKeyId !== null && (wanted === 'extend' || wanted === 'tier'))
    return <AtKey app={app} id={licenseKeyId} />
  if (!may('licenses:write')) return <MayNot scope="licenses:write" />
  const Change = changes[wanted as keyof typeof changes]
  return (
    <>
      <p class="more">{text.hints[wanted as keyof typeof changes]}</p>
      <div class="actions">
        <Change app={app} license={license} name={name} />
      </div>
    </>
  )
}

interface MendProps {
  readonly diagnosis: Diagnosis
  readonly check: DiagnosticCheck
  readonly name: string
}

/** The button that mends what a rung says, if the person may press it. */
export function Mend({ diagnosis, check: { state, facts }, name }: MendProps): JSX.Element | null {
  const { app, cause, licenseId, checks } = diagnosis
  const reason = (state === 'failed' ? cause : facts['warning']) as Reason | null
  const by = reason === null ? undefined : means[reason]
  if (app === null || by === undefined) return null
  const keyId =
    facts['licenseKeyId'] ?? checks.find(({ check }) => check === 'license_key')?.facts['licenseKeyId']
  if (by === 'key') return typeof keyId === 'string' ? <AtKey app={app} id={keyId} /> : null
  if (by === 'successor')
    return typeof facts['successorId'] === 'string' ? (
      <p>
        <a href={to(['apps', app, 'licenses', facts['successorId']])}>{text.toSuccessor}</a>
      </p>
    ) : null
  if (licenseId === null) return null
  return <OfLicense by={by} app={app} id={licenseId} name={name} />
}
