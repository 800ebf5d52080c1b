import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { WebhookDeliveryDetail } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { forget } from '../data.ts'
import { forgetDeliveries } from '../deliveries.ts'
import { Icon } from '../icons.tsx'
import { names } from '../known.ts'
import { to } from '../router.ts'
import { complain } from '../toasts.tsx'
import { webhookWords } from '../webhook-words.ts'

const text = webhookWords.endpoint

/** A receiver has 15 seconds. */
const looks = 40
const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 500))

/** Sends a test event, and resolves after its first attempt, or after 20 seconds. */
async function sendTest(app: string, signal: AbortSignal): Promise<WebhookDeliveryDetail> {
  const { webhooks } = licensing.withOptions({ signal })
  const { id } = await webhooks.test(app)
  let delivery = await webhooks.delivery(app, id)
  for (let look = 0; look < looks && delivery.lastAttempts.length === 0; look++) {
    await pause()
    signal.throwIfAborted()
    delivery = await webhooks.delivery(app, id)
  }
  return delivery
}

function answerOf({ lastAttempts }: WebhookDeliveryDetail): string {
  const last = lastAttempts.at(-1)
  if (last === undefined) return text.unsent
  const { status, error, durationMs } = last
  const time = durationMs === null ? '' : text.after(durationMs)
  return status === null ? text.noAnswer(error ?? '') : text.answered(status, time)
}

interface TestEventProps {
  readonly app: string
  /** A webhook that is off takes no event. */
  readonly isOff: boolean
  /** The acts beside it. */
  readonly children: ComponentChildren
}

/** Sends a test event, and shows what the receiver answered. */
export function TestEvent({ app, isOff, children }: TestEventProps): JSX.Element {
  const [isBusy, setBusy] = useState(false)
  const [sent, setSent] = useState<WebhookDeliveryDetail | null>(null)
  const flight = useRef<AbortController | null>(null)
  useEffect(() => () => flight.current?.abort(), [])
  const send = async (): Promise<void> => {
    const { signal } = (flight.current = new AbortController())
    setBusy(true)
    setSent(null)
    try {
      setSent(await sendTest(app, signal))
    } catch (error) {
      if (signal.aborted) return
      complain(error)
    }
    setBusy(false)
    forgetDeliveries(app)
    // The answer may have switched the webhook off.
    forget(names.app(app))
  }
  const isGood = sent?.state === 'delivered'
  return (
    <>
      <div class="actions">
        {!isOff && (
          <button type="button" disabled={isBusy} onClick={() => void send()}>
            <Icon name="send" /> {text.test}
          </button>
        )}
        {children}
      </div>
      <p role="status" class="answer" data-state={isGood ? 'passed' : 'failed'}>
        {isBusy && text.testing}
        {sent !== null && (
          <>
            <Icon name={isGood ? 'check' : 'alert'} size={14} /> {answerOf(sent)}{' '}
            <a href={to(['apps', app, 'webhooks', sent.id])}>{text.look}</a>
          </>
        )}
      </p>
    </>
  )
}
