import type { AttemptOutcome, LeasedDelivery, WebhookTarget } from '../core/webhooks/outbox.ts'
import type { Connect, WebhookResponse } from './connect.ts'
import { ForbiddenTarget, resolveTarget, type Resolve } from './ip-address.ts'
import { pauseAfter, retryAfterSeconds, type RetrySchedule } from './retry-schedule.ts'
import { signatureHeaders } from './signature.ts'

export interface AttemptOptions {
  readonly resolve: Resolve
  readonly connect: Connect
  readonly allowPrivateTargets: boolean
  readonly schedule: RetrySchedule
  /** The time from the name look-up to the end of the response, in milliseconds. */
  readonly deadlineMs: number
  /** Returns whole seconds since 1970. */
  readonly now: () => number
  readonly userAgent: string
}

/** The response to one request, or the reason why there is none. */
type RequestResult = { readonly response: WebhookResponse } | { readonly error: string }

const deadlineOver = 'No answer in time'

/** Rejects as soon as the signal fires, because a name server may never respond. */
function withSignal<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error(deadlineOver))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Checks the URL again, because it may have been saved under the development option. @throws {ForbiddenTarget} */
function checkUrl({ protocol, username, password }: URL): void {
  if (protocol !== 'https:' || username !== '' || password !== '')
    throw new ForbiddenTarget('The address is not https, or holds a password')
}

function headersOf(
  { eventId, payload }: LeasedDelivery,
  { secrets }: WebhookTarget,
  { now, userAgent }: AttemptOptions,
): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'content-length': `${new TextEncoder().encode(payload).length}`,
    'user-agent': userAgent,
    ...signatureHeaders(secrets, { id: eventId, timestamp: now(), payload }),
  }
}

async function post(
  delivery: LeasedDelivery,
  target: WebhookTarget,
  options: AttemptOptions,
  signal: AbortSignal,
): Promise<WebhookResponse> {
  const { resolve, connect, allowPrivateTargets } = options
  const url = new URL(target.url)
  if (!allowPrivateTargets) checkUrl(url)
  const addresses = await withSignal(signal, resolveTarget(url, resolve, allowPrivateTargets))
  const headers = headersOf(delivery, target, options)
  return connect({ url, address: addresses[0], addresses, headers, body: delivery.payload, signal })
}

/** Returns a text of Heartwood, because the message of a network error may name an internal host. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof ForbiddenTarget) return error.message
  if (signal.aborted) return deadlineOver
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{3,40}$/.test(code)
    ? `No connection: ${code}`
    : 'No connection'
}

function outcomeOf(
  result: RequestResult,
  attempts: number,
  { schedule, now }: AttemptOptions,
): AttemptOutcome {
  const response = 'response' in result ? result.response : null
  const status = response?.status ?? null
  if (status !== null && status >= 200 && status < 300) return { status, error: null, retryIn: null }
  if (status === 410) return { status, error: 'The receiver is gone', retryIn: null, gone: true }
  const error = 'error' in result ? result.error : `The receiver answered ${status}`
  const atLeast = retryAfterSeconds(response?.retryAfter ?? null, now())
  return { status, error, retryIn: pauseAfter(attempts, schedule, atLeast) }
}

/** Sends an event once. Returns `null` if `stop` ends the attempt before a response: then its outcome is unknown. */
export async function attemptDelivery(
  delivery: LeasedDelivery,
  target: WebhookTarget,
  options: AttemptOptions,
  stop: AbortSignal,
): Promise<AttemptOutcome | null> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), options.deadlineMs)
  const signal = AbortSignal.any([deadline.signal, stop])
  const begin = performance.now()
  const result: RequestResult = await post(delivery, target, options, signal).then(
    (response) => ({ response }),
    (error: unknown) => ({ error: reasonOf(error, signal) }),
  )
  clearTimeout(timer)
  if (stop.aborted && 'error' in result) return null
  const durationMs = performance.now() - begin
  return { ...outcomeOf(result, delivery.attempts + 1, options), durationMs }
}
