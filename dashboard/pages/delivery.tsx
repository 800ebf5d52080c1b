import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DeliveryAttempt, WebhookDeliveryDetail } from '../../src/core/index.ts'
import { eventTypes } from '../../src/core/runtime/events.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { copy } from '../clipboard.ts'
import { askAgain } from '../data.ts'
import { answerOf, deliveryNames, forgetDeliveries, useDelivery } from '../deliveries.ts'
import { Icon } from '../icons.tsx'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { now } from '../times.ts'
import { complain, say } from '../toasts.tsx'
import { webhookWords } from '../webhook-words.ts'
import { When } from '../when.tsx'
import { Fact } from '../fact.tsx'

const text = webhookWords.delivery

interface Sent {
  readonly app: string
  readonly delivery: WebhookDeliveryDetail
}

/** The one true sentence of a delivery. */
function Verdict({ delivery }: { readonly delivery: WebhookDeliveryDetail }): JSX.Element {
  const { state, attempts, lastAttemptAt, nextAttemptAt } = delivery
  if (state === 'pending')
    return (
      <p class="sub">
        {text.waits(attempts)}. {text.next} <When at={nextAttemptAt ?? now()} />.
      </p>
    )
  const verdict =
    state === 'delivered' ? text.arrived(attempts) : attempts === 0 ? text.unsent : text.failed(attempts)
  return (
    <p class="sub">
      {verdict}
      {lastAttemptAt !== null && (
        <>
          , <When at={lastAttemptAt} />
        </>
      )}
      {state === 'failed' ? `: ${answerOf(delivery) ?? ''}.` : '.'}
    </p>
  )
}

function Facts({ app, delivery }: Sent): JSX.Element {
  const { id, eventId, licenseId, createdAt } = delivery
  return (
    <dl class="facts">
      <Fact name={text.made}>
        <When at={createdAt} />
      </Fact>
      {licenseId !== null && (
        <Fact name={text.license}>
          <a href={to(['apps', app, 'licenses', licenseId])}>
            <code>{licenseId}</code>
          </a>
        </Fact>
      )}
      <Fact name={text.event}>
        <code>{eventId}</code>
      </Fact>
      <Fact name={text.id}>
        <code>{id}</code>
      </Fact>
    </dl>
  )
}

function Attempt({ attempt }: { readonly attempt: DeliveryAttempt }): JSX.Element {
  const { attemptedAt, status, error, durationMs } = attempt
  const isGood = error === null
  return (
    <li data-state={isGood ? 'passed' : 'failed'}>
      <When at={attemptedAt} />
      <span class="answer" data-state={isGood ? 'passed' : 'failed'}>
        <Icon name={isGood ? 'check' : 'x'} size={14} />{' '}
        {status === null ? (error ?? text.noAnswer) : text.status(status)}
      </span>{' '}
      {durationMs !== null && <span class="quiet">{text.after(durationMs)}</span>}
    </li>
  )
}

function Attempts({ attempts }: { readonly attempts: readonly DeliveryAttempt[] }): JSX.Element {
  return (
    <section class="card slim" aria-labelledby="attempts">
      <h2 id="attempts">{text.attempts}</h2>
      {attempts.length === 0 ? (
        <p class="quiet">{text.none}</p>
      ) : (
        <ol class="history">
          {attempts.toReversed().map((attempt, at) => (
            <Attempt key={attempts.length - at} attempt={attempt} />
          ))}
        </ol>
      )}
      {attempts.length >= 10 && <p class="quiet">{text.lastTen}</p>}
    </section>
  )
}

/** The body with line breaks, for people. */
function prettyOf(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return payload
  }
}

function Block({ label, content }: { readonly label: string; readonly content: string }): JSX.Element {
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      <code>{content}</code>
    </pre>
  )
}

function Body({ payload }: { readonly payload: string }): JSX.Element {
  const [isRaw, setRaw] = useState(false)
  const [isCopied, setCopied] = useState(false)
  return (
    <section>
      <h2>{text.body}</h2>
      <div class="code wrapped">
        <Block label={text.body} content={isRaw ? payload : prettyOf(payload)} />
        <div class="choices">
          <button type="button" onClick={() => setRaw(!isRaw)}>
            {isRaw ? text.pretty : text.raw}
          </button>
          <button type="button" onClick={() => void copy(payload).then(setCopied)}>
            <Icon name={isCopied ? 'check' : 'copy'} /> {isCopied ? text.copied : text.copyBody}
          </button>
        </div>
      </div>
    </section>
  )
}

const snippet = `import { Webhook } from 'standardwebhooks'

// body: ${text.checkHint}
const webhook = new Webhook(process.env.WEBHOOK_SECRET)
const event = webhook.verify(body, request.headers)`

/** The headers of an attempt. Nobody keeps a signature. */
function headersOf({ eventId, lastAttemptAt }: WebhookDeliveryDetail): string {
  return [
    'content-type: application/json',
    `webhook-id: ${eventId}`,
    `webhook-timestamp: ${lastAttemptAt ?? `(${text.madeEachTime})`}`,
    `webhook-signature: v1,… (${text.madeEachTime})`,
  ].join('\n')
}

function Check({ delivery }: { readonly delivery: WebhookDeliveryDetail }): JSX.Element {
  return (
    <>
      <section>
        <h2>{text.headers}</h2>
        <div class="code">
          <Block label={text.headers} content={headersOf(delivery)} />
        </div>
      </section>
      <section>
        <h2>{text.check}</h2>
        <p class="quiet">
          {text.bodyLead} {text.checkLead}
        </p>
        <div class="code">
          <Block label={text.check} content={snippet} />
        </div>
      </section>
    </>
  )
}

function Again({ app, delivery: { id, state } }: Sent): JSX.Element {
  const send = async (): Promise<void> => {
    try {
      await licensing.webhooks.retry(app, id)
      forgetDeliveries(app)
      say(text.sent)
    } catch (error) {
      complain(error)
    }
  }
  return (
    <div class="actions">
      <button type="button" class={state === 'failed' ? 'primary' : ''} onClick={() => void send()}>
        {text.send}
      </button>
    </div>
  )
}

/** Asks again while the next attempt is near. */
function usePolling(name: string, delivery: WebhookDeliveryDetail): void {
  const { state, nextAttemptAt } = delivery
  const isNear = state === 'pending' && (nextAttemptAt ?? 0) - now() < 20
  useEffect(() => {
    if (!isNear) return
    const timer = setInterval(() => askAgain(name), 1_500)
    return () => clearInterval(timer)
  }, [name, isNear])
}

function Delivery({ app, delivery }: Sent): JSX.Element {
  const { id, type, lastAttempts, payload } = delivery
  usePolling(deliveryNames.one(app, id), delivery)
  return (
    <article class="events">
      <nav class="crumbs" aria-label={webhookWords.where}>
        <a href={to(['apps', app, 'webhooks'])}>{webhookWords.title}</a>
        <span aria-hidden="true">/</span>
        <a href={to(['apps', app, 'webhooks'], { state: delivery.state })}>
          {webhookWords.list.states[delivery.state]}
        </a>
      </nav>
      <header class="lead">
        <p class="eyebrow">{eventTypes[type] ?? ''}</p>
        <Title>{type}</Title>
        <Verdict delivery={delivery} />
      </header>
      <Facts app={app} delivery={delivery} />
      {may('webhooks:write') && <Again app={app} delivery={delivery} />}
      <div class="columns">
        <div>
          <Body payload={payload} />
          <Check delivery={delivery} />
        </div>
        <Attempts attempts={lastAttempts} />
      </div>
      <AsCode
        code={{
          call: `GET /apps/${app}/webhook-deliveries/${id}`,
          typescript: `await licensing.webhooks.delivery('${app}', '${id}')`,
          cli: `webhooks delivery ${id} --app ${app}`,
        }}
      />
    </article>
  )
}

export function DeliveryPage({ app, id }: { readonly app: string; readonly id: string }): JSX.Element {
  const known = useDelivery(app, id)
  return (
    <Shown known={known.value} name={deliveryNames.one(app, id)}>
      {(delivery) => <Delivery app={app} delivery={delivery} />}
    </Shown>
  )
}
