import type { ClientSettings } from './options.ts'
import { timeLimit } from './platform.ts'
import { readBody } from './response-body.ts'
import { until } from './timer.ts'
import type { TokenProblem, VerifiedToken } from './trusted-keys.ts'

/** Anything that is not the server's own word. `retryAfter` is in seconds. */
interface Outage {
  readonly outcome: 'unreachable'
  readonly retryAfter: number | null
  /** Set if the address is wrong. That is no word about the license. */
  readonly code?: 'no_such_route'
}

interface RefusedRenewal {
  readonly outcome: 'refused'
  readonly code: string
  /** True if it is about another license than the program's. */
  readonly isOther?: boolean
}

/** The server's response. Its data may be of any shape. */
export type Reply = { readonly outcome: 'data'; readonly data: unknown } | RefusedRenewal | Outage

/** The server's response to a renewal. Its token is yet to be verified. */
export type RenewalResponse = { readonly outcome: 'token'; readonly token: string } | RefusedRenewal | Outage

/** The result of a renewal, after its token has been verified. */
export type RenewalResult =
  { readonly outcome: 'refreshed'; readonly next: VerifiedToken } | RefusedRenewal | Outage

const patience = 10_000
/** The longest pause in seconds that Heartwood's server may ask for, and that a proxy may. */
const maxRetryAfter = { ours: 86_400, foreign: 3_600 }
const codeForm = /^[a-z][a-z0-9_]{0,62}$/
/** Each refusal has one status, so that a stranger's error cannot pass for ours. */
const refusals: Readonly<Record<number, string>> = {
  400: 'license_revoked license_released license_key_revoked license_key_expired token_expired token_mismatch missing_tier',
  401: 'invalid_token invalid_license_key unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'seat_limit_reached release_limit_reached conflict',
  422: 'validation_error',
}

export const outage: Outage = { outcome: 'unreachable', retryAfter: null }

export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The code of Heartwood's own error envelope; `null` for any other body. */
function codeOf(body: unknown): string | null {
  const error = fieldOf(body, 'error')
  const code = fieldOf(error, 'code')
  const isEnvelope = typeof code === 'string' && typeof fieldOf(error, 'message') === 'string'
  return isEnvelope && codeForm.test(code) ? code : null
}

function isRefusal(status: number, code: string | null): code is string {
  return code !== null && refusals[status]?.split(' ').includes(code) === true
}

/** Messages of version 0.1.0 beside `not_found` for a path that is none of its own, and for an app that it does not have. */
const notAboutLicense: readonly unknown[] = ['Not found', 'App not found']

/** True if a license server responded, but not for this license: `baseUrl` is wrong, or a proxy changes the path. */
function isWrongAddress(status: number, body: unknown): boolean {
  const code = codeOf(body)
  const isMisread =
    code === 'not_found' && notAboutLicense.includes(fieldOf(fieldOf(body, 'error'), 'message'))
  return status === 404 && (code === 'no_such_route' || isMisread)
}

/** Retry-After (RFC 9110 section 10.2.3) in seconds. For the form with a date our own backoff is enough. */
function retryAfter(response: Response, isOurs: boolean): number | null {
  const text = response.headers.get('retry-after') ?? ''
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), maxRetryAfter[isOurs ? 'ours' : 'foreign']) : null
}

async function readResponse(response: Response): Promise<Reply> {
  const body = parse(await readBody(response))
  const data = fieldOf(body, 'data')
  // The `fetch` of a program may give no `ok`.
  if (response.status <= 201 && typeof data === 'object') return { outcome: 'data', data }
  const code = codeOf(body)
  if (isWrongAddress(response.status, body)) return { ...outage, code: 'no_such_route' }
  if (isRefusal(response.status, code)) return { outcome: 'refused', code }
  return { outcome: 'unreachable', retryAfter: retryAfter(response, code !== null) }
}

/** Gives a request ten seconds, or less if the client is closed. */
export function deadline(closing: AbortSignal): AbortSignal {
  return timeLimit(closing, patience)
}

/**
 * Sends a POST to the license server. Never throws: without the server's own response (no connection, a captive portal, a
 * proxy, an overloaded server) it is an outage. `path` is below that of the app.
 */
export async function ask(
  { appUrl, fetch, program }: ClientSettings,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<Reply> {
  const init = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(program !== null && { 'heartwood-client': program }),
    },
    body: JSON.stringify(body),
    // The credential in the body is for this server alone.
    redirect: 'error',
    credentials: 'omit',
    cache: 'no-store',
    signal,
  } as const
  try {
    return await until(signal, async () => readResponse(await fetch(appUrl + path, init)))
  } catch {
    return outage
  }
}

/** The token of a reply, which is yet to be verified. */
export function tokenOf(reply: Reply): RenewalResponse {
  if (reply.outcome !== 'data') return reply
  const token = fieldOf(reply.data, 'token')
  return typeof token === 'string' ? { outcome: 'token', token } : outage
}

/** Asks the license server for a new token, and shows it the present one. Never throws. */
export async function requestRenewal(
  settings: ClientSettings,
  { licenseId, text }: VerifiedToken,
  signal: AbortSignal,
): Promise<RenewalResponse> {
  return tokenOf(await ask(settings, `/licenses/${licenseId}/regenerate`, { current_token: text }, signal))
}

/** Sorts out what is no token for this program. */
export function validate(found: VerifiedToken | TokenProblem): RenewalResult {
  if (found === 'unknown_key') return { outcome: 'refused', code: found }
  if (found === 'foreign') return { outcome: 'refused', code: 'foreign_token' }
  // The text was no token, or its key could not be fetched: the server has not spoken yet.
  return typeof found === 'string' ? outage : { outcome: 'refreshed', next: found }
}

/** Accepts the token of a response if it verified as `found`, is of the same license, and is newer. */
export function validateRenewal(asked: VerifiedToken, found: VerifiedToken | TokenProblem): RenewalResult {
  const result = validate(found)
  if (result.outcome !== 'refreshed') return result
  const { licenseId, revision } = result.next
  return licenseId === asked.licenseId && revision > asked.revision ? result : outage
}
