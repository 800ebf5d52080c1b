import type { AttemptOutcome, LeasedDelivery, WebhookTarget } from '../core/webhooks/outbox.ts'
import { judgedAddress, RefusedTarget, type Resolve } from './address.ts'
import { pauseAfter, retryAfterSeconds, type Backoff } from './backoff.ts'
import type { Connect, Received } from './connection.ts'
import { signatureHeaders } from './signature.ts'

/** How events are sent. */
export interface Sending {
  readonly resolve: Resolve
  readonly connect: Connect
  readonly allowPrivateTargets: boolean
  readonly backoff: Backoff
  /** From the look-up of the name to the end of the answer, in milliseconds. */
  readonly deadlineMs: number
  /** Whole seconds since 1970. */
  readonly now: () => number
  readonly userAgent: string
}

/** How one request ended: with an answer, or why without. */
type Ended = { readonly received: Received } | { readonly error: string }

const deadlineOver = 'No answer in time'

/** `promise`, or a rejection once the signal fires: a name server may never answer. */
function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new Error(deadlineOver))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}

/** It was judged when it was saved, but perhaps under the development option. @throws {RefusedTarget} */
function checkUrl({ protocol, username, password }: URL): void {
  if (protocol !== 'https:' || username !== '' || password !== '')
    throw new RefusedTarget('The address is not https, or holds a password')
}

async function post(
  event: LeasedDelivery,
  target: WebhookTarget,
  sending: Sending,
  signal: AbortSignal,
): Promise<Received> {
  const url = new URL(target.url)
  if (!sending.allowPrivateTargets) checkUrl(url)
  const address = await until(signal, judgedAddress(url, sending.resolve, sending.allowPrivateTargets))
  const { eventId: id, payload } = event
  const headers = {
    'content-type': 'application/json',
    'content-length': `${new TextEncoder().encode(payload).length}`,
    'user-agent': sending.userAgent,
    ...signatureHeaders(target.secrets, { id, timestamp: sending.now(), payload }),
  }
  return sending.connect({ url, address, headers, body: payload, signal })
}

/** In words of ours: an error of the network may name what nobody outside should read. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof RefusedTarget) return error.message
  if (signal.aborted) return deadlineOver
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{3,40}$/.test(code)
    ? `No connection: ${code}`
    : 'No connection'
}

function outcomeOf(ended: Ended, attempts: number, { backoff, now }: Sending): AttemptOutcome {
  const status = 'received' in ended ? ended.received.status : null
  if (status !== null && status >= 200 && status < 300) return { status, error: null, retryIn: null }
  if (status === 410) return { status, error: 'The receiver is gone', retryIn: null, gone: true }
  const error = 'error' in ended ? ended.error : `The receiver answered ${status}`
  const asked = 'received' in ended ? retryAfterSeconds(ended.received.retryAfter, now()) : 0
  return { status, error, retryIn: pauseAfter(attempts, backoff, asked) }
}

/** Tries once to send an event. `stop` ends it early: then `null`, for nobody knows. */
export async function attempt(
  event: LeasedDelivery,
  target: WebhookTarget,
  sending: Sending,
  stop: AbortSignal,
): Promise<AttemptOutcome | null> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), sending.deadlineMs)
  const signal = AbortSignal.any([deadline.signal, stop])
  const ended: Ended = await post(event, target, sending, signal).then(
    (received) => ({ received }),
    (error: unknown) => ({ error: reasonOf(error, signal) }),
  )
  clearTimeout(timer)
  if (stop.aborted && 'error' in ended) return null
  return outcomeOf(ended, event.attempts + 1, sending)
}
