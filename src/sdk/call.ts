import { openLimit, type Limit } from './limit.ts'
import type { CallOptions, Settings } from './options.ts'
import { RemoteError } from './remote-error.ts'
import { errorOf, receive, resultOf, type Reader, type Received } from './response.ts'
import { retryPause } from './retry-pause.ts'

/** One call of the API. */
export interface Call<Result> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base address, with its query. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: object
  /** True if the call shows no credential: the route is public, or the body has the credential. */
  readonly isOpen?: boolean
  /** True if the call changes nothing. A page of another origin may not send an Idempotency-Key on such a POST. */
  readonly isRead?: boolean
  readonly headers?: Readonly<Record<string, string>>
  readonly read: Reader<Result>
}

/** The outcome of one attempt: a response, or the failure to get one. */
type Outcome = Received | RemoteError

/** 128 random bits. `crypto.randomUUID` is missing in pages over plain http. */
function newIdempotencyKey(): string {
  return crypto.getRandomValues(new BigUint64Array(2)).join('-')
}

function headersOf<Result>(
  { authorization }: Settings,
  { method, body, isOpen, isRead, headers }: Call<Result>,
  { idempotencyKey }: CallOptions,
): Record<string, string> {
  return {
    ...(isOpen !== true && authorization !== null && { authorization }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(method === 'POST' && isRead !== true && { 'idempotency-key': idempotencyKey ?? newIdempotencyKey() }),
    ...headers,
  }
}

/** Every attempt of a call sends the same, with one Idempotency-Key. */
function requestOf<Result>(settings: Settings, call: Call<Result>, options: CallOptions): RequestInit {
  return {
    method: call.method,
    headers: headersOf(settings, call, options),
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
    // Only a session needs the field, and not every runtime knows it.
    ...(settings.authorization === null && { credentials: 'same-origin' }),
    redirect: 'manual',
  }
}

async function attempt(settings: Settings, url: string, init: RequestInit): Promise<Outcome> {
  try {
    return await receive(await settings.fetch(url, init))
  } catch (cause) {
    if (cause instanceof RemoteError) throw cause
    return new RemoteError(
      'no_connection',
      'The server gave no whole response: check the connection and baseUrl',
      {
        cause,
      },
    )
  }
}

/** Too many requests, or too busy; a proxy that found no server. */
const passing: readonly number[] = [429, 502, 503, 504]

/**
 * True if another attempt may end otherwise. An attempt that got no response may still be running on the server, which
 * refuses its repetition then.
 */
function isPassing(outcome: Outcome, wasUnanswered: boolean): boolean {
  if (outcome instanceof RemoteError) return true
  return (
    passing.includes(outcome.status) ||
    (wasUnanswered && outcome.status === 409 && errorOf(outcome).code === 'idempotency_in_progress')
  )
}

/** True for a response that says that an earlier attempt, whose response was lost, did the work: the thing is gone. */
function isDoneBefore<Result>({ method }: Call<Result>, received: Received, wasUnanswered: boolean): boolean {
  const isGone = received.status === 404 && errorOf(received).code === 'not_found'
  return method === 'DELETE' && wasUnanswered && isGone
}

function settle<Result>(call: Call<Result>, outcome: Outcome, wasUnanswered: boolean): Result {
  if (outcome instanceof RemoteError) throw outcome
  if (outcome.status >= 200 && outcome.status < 300) return resultOf(outcome, call.read)
  if (isDoneBefore(call, outcome, wasUnanswered)) return undefined as Result
  throw errorOf(outcome)
}

async function attempts<Result>(
  settings: Settings,
  call: Call<Result>,
  options: CallOptions,
  limit: Limit,
): Promise<Result> {
  const { retries = settings.retries } = options
  const init = { ...requestOf(settings, call, options), signal: limit.signal }
  let wasUnanswered = false
  for (let count = 0; ; count++) {
    limit.signal.throwIfAborted()
    const outcome = await limit.during(attempt(settings, settings.baseUrl + call.path, init))
    const isLast = count >= retries || !isPassing(outcome, wasUnanswered)
    const headers = outcome instanceof RemoteError ? null : outcome.headers
    const wait = retryPause(count, headers, settings.pacing.random)
    // A wait beyond the time limit would only hide the answer that has come.
    if (isLast || wait >= limit.left()) return settle(call, outcome, wasUnanswered)
    wasUnanswered ||= outcome instanceof RemoteError
    await limit.during(settings.pacing.pause(wait, limit))
  }
}

/**
 * Makes a call, and repeats it where that is safe.
 *
 * @throws {RemoteError} the refusal of the API, or `no_connection`, `timed_out`, `invalid_response`.
 * @throws the reason of the caller's signal.
 */
export async function makeCall<Result>(
  settings: Settings,
  call: Call<Result>,
  options: CallOptions,
): Promise<Result> {
  const limit = openLimit(options.timeoutMs ?? settings.timeoutMs, options.signal)
  try {
    return await attempts(settings, call, options, limit)
  } finally {
    limit.close()
  }
}
