import type { VerifiedToken } from './key-ring.ts'
import type { Settings } from './options.ts'
import { until } from './timer.ts'

/** What came of asking the server for a new token. Only `token` and `refused` are its word; a token is yet to be verified. */
export type Answer =
  | { readonly outcome: 'token'; readonly token: string }
  | { readonly outcome: 'refused'; readonly code: string }
  | { readonly outcome: 'unreachable'; readonly retryAfter: number | null }

const patience = 10_000
const longestBody = 256 * 1024
/** For how long the server may ask to be left alone, and for how long anybody else, in seconds. */
const longestWait = { ours: 86_400, foreign: 3_600 }
const codeForm = /^[a-z][a-z0-9_]{0,62}$/
/** Refusals that mean something, by the one status that each comes with: a stranger's error must not pass for ours. */
const statusOf: Readonly<Record<string, number>> = {
  license_revoked: 400,
  token_expired: 400,
  token_mismatch: 400,
  missing_tier: 400,
  invalid_token: 401,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function parse(text: string): unknown {
  try {
    return text.length > longestBody ? undefined : JSON.parse(text)
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
  return code !== null && Object.hasOwn(statusOf, code) && statusOf[code] === status
}

/** Retry-After (RFC 9110 section 10.2.3) in seconds; the form with a date is left to our own waiting. */
function retryAfter(response: Response, isOurs: boolean): number | null {
  const text = response.headers.get('retry-after') ?? ''
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), longestWait[isOurs ? 'ours' : 'foreign']) : null
}

async function readAnswer(response: Response): Promise<Answer> {
  const body = parse(await response.text())
  const token = fieldOf(fieldOf(body, 'data'), 'token')
  if (response.status === 200 && typeof token === 'string') return { outcome: 'token', token }
  const code = codeOf(body)
  if (isRefusal(response.status, code)) return { outcome: 'refused', code }
  return { outcome: 'unreachable', retryAfter: retryAfter(response, code !== null) }
}

/** Gives a request ten seconds, or less when the client is closed. */
export function deadline(closing: AbortSignal): AbortSignal {
  return AbortSignal.any([closing, AbortSignal.timeout(patience)])
}

/**
 * Asks the license server for a new token, by the present one. Never throws: whatever is not the server's own answer (no
 * connection, a captive portal, a proxy, an overloaded server) is an outage.
 */
export async function askForToken(
  settings: Settings,
  held: VerifiedToken,
  signal: AbortSignal,
): Promise<Answer> {
  const { appUrl, fetch } = settings
  // Never redirected: the token in the body is for this server alone.
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ current_token: held.text }),
    ...({ redirect: 'error', credentials: 'omit', cache: 'no-store' } as const),
    signal,
  }
  try {
    return await until(signal, async () =>
      readAnswer(await fetch(`${appUrl}/licenses/${held.licenseId}/regenerate`, init)),
    )
  } catch {
    return { outcome: 'unreachable', retryAfter: null }
  }
}
