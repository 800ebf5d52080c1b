import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { App, WebhookSecret } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { Secret, type HeldSecret } from '../secret.tsx'
import { may } from '../session.ts'
import { StateMark } from '../state-mark.tsx'
import { dateOf } from '../times.ts'
import { complain, say } from '../toasts.tsx'
import { Typed } from '../typed.tsx'
import { webhookWords } from '../webhook-words.ts'
import { maySetAddress, setAddress } from '../webhook-address.ts'
import { TestEvent } from './test-event.tsx'

const text = webhookWords.endpoint
const { secret: secretText } = webhookWords

type ActProps = { readonly app: App; readonly onClose: () => void }

function ChangeAddress({ app: { slug, webhookUrl }, onClose }: ActProps): JSX.Element {
  const [address, setNext] = useState(webhookUrl ?? '')
  const next = address.trim() === '' ? null : address.trim()
  const act = async (): Promise<void> => {
    await setAddress(slug, next)
    say(next === null ? text.stopped : text.saved, () => setAddress(slug, webhookUrl))
  }
  return (
    <Dialog
      title={text.dialog}
      lead={text.dialogLead}
      action={next === null && webhookUrl !== null ? text.stop : text.save}
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.url}>
        <input
          type="url"
          value={address}
          required={webhookUrl === null}
          maxLength={2048}
          placeholder="https://shop.example.com/licenses"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setNext(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  )
}

/** Seconds for which the old secret signs too. */
const overlaps = [86_400, 604_800, 3_600, 0] as const

type Overlap = (typeof overlaps)[number]

type RollProps = ActProps & { readonly onRolled: (secret: WebhookSecret) => void }

function RollSecret({ app: { slug }, onClose, onRolled }: RollProps): JSX.Element {
  const [overlap, setOverlap] = useState<Overlap>(86_400)
  const time = secretText.overlaps[overlap]
  return (
    <Dialog
      title={secretText.title}
      lead={secretText.lead}
      action={overlap === 0 ? secretText.actNow : secretText.act(time)}
      isDanger={overlap === 0}
      onAct={async () => onRolled(await licensing.webhooks.rollSecret(slug, { overlapSeconds: overlap }))}
      onClose={onClose}
    >
      <Field label={secretText.overlap}>
        <select
          value={overlap}
          onChange={({ currentTarget: { value } }) => setOverlap(Number(value) as Overlap)}
        >
          {overlaps.map((each) => (
            <option key={each} value={each}>
              {secretText.overlaps[each]}
            </option>
          ))}
        </select>
      </Field>
      {overlap === 0 && (
        <>
          <p class="small">{secretText.atOnce}</p>
          <Typed text={slug} />
        </>
      )}
    </Dialog>
  )
}

/** A secret that the person has asked for, or has just made. */
interface Asked extends HeldSecret {
  readonly label: string
  readonly hint: string
}

function askedOf({ secret, previousExpiresAt }: WebhookSecret, isNew: boolean): Asked {
  const both = previousExpiresAt === null ? [] : [secretText.both(dateOf(previousExpiresAt))]
  return {
    text: secret,
    ends: ['whsec_', ''],
    label: isNew ? secretText.new : secretText.label,
    hint: (isNew ? both : [...both, secretText.shown]).join(' '),
  }
}

function Acts({ app }: { readonly app: App }): JSX.Element {
  const [open, setOpen] = useState<'address' | 'roll' | null>(null)
  const [secret, setSecret] = useState<Asked | null>(null)
  const show = async (): Promise<void> => {
    try {
      setSecret(askedOf(await licensing.webhooks.secret(app.slug), false))
    } catch (error) {
      complain(error)
    }
  }
  const close = (): void => setOpen(null)
  return (
    <>
      <TestEvent app={app.slug} isOff={app.webhookDisabledAt !== null}>
        {maySetAddress() && (
          <button type="button" onClick={() => setOpen('address')}>
            {text.change}
          </button>
        )}
      </TestEvent>
      <h3>{secretText.heading}</h3>
      <div class="actions">
        <button type="button" onClick={() => void show()}>
          {secretText.show}
        </button>
        <button type="button" onClick={() => setOpen('roll')}>
          {secretText.roll}
        </button>
      </div>
      {secret !== null && (
        <Secret
          key={secret.text}
          label={secret.label}
          secret={secret}
          hint={secret.hint}
          onGone={() => setSecret(null)}
        />
      )}
      {open === 'address' && <ChangeAddress app={app} onClose={close} />}
      {open === 'roll' && (
        <RollSecret app={app} onClose={close} onRolled={(made) => setSecret(askedOf(made, true))} />
      )}
    </>
  )
}

/** Teaches what webhooks are, where an app has none. */
function Nothing({ app }: { readonly app: App }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const { slug } = app
  const webhookUrl = 'https://shop.example.com/licenses'
  return (
    <>
      <p>{text.noneLead}</p>
      {maySetAddress() ? (
        <div class="actions">
          <button type="button" class="primary" onClick={() => setOpen(true)}>
            {text.set}
          </button>
        </div>
      ) : (
        <p class="quiet">{text.noneMayNot}</p>
      )}
      <AsCode
        code={{
          call: `PUT /apps/${slug}`,
          body: { webhook_url: webhookUrl },
          typescript: `await licensing.apps.update('${slug}', { webhookUrl: '${webhookUrl}' })`,
        }}
      />
      {isOpen && <ChangeAddress app={app} onClose={() => setOpen(false)} />}
    </>
  )
}

function StateOf({ webhookUrl, webhookDisabledAt, webhookQueueFullAt }: App): JSX.Element {
  if (webhookUrl === null) return <StateMark state="warned">{text.none}</StateMark>
  if (webhookDisabledAt !== null) return <StateMark state="failed">{text.off}</StateMark>
  if (webhookQueueFullAt !== null) return <StateMark state="failed">{text.full}</StateMark>
  return <StateMark state="passed">{text.on}</StateMark>
}

/** The receiver of an app's events: its address, its state, its secret. */
export function Endpoint({ app }: { readonly app: App }): JSX.Element {
  return (
    <aside class="card slim" aria-labelledby="endpoint">
      <div class="card-head">
        <h2 id="endpoint">{text.title}</h2>
        <StateOf {...app} />
      </div>
      {app.webhookUrl === null ? (
        <Nothing app={app} />
      ) : (
        <>
          <p>
            <code>{app.webhookUrl}</code>
          </p>
          {may('webhooks:write') ? <Acts app={app} /> : <p class="quiet">{text.mayNot}</p>}
        </>
      )}
    </aside>
  )
}
