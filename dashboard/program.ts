import { createLicenseClient } from '../src/client/client.ts'
import type { ClientLicense } from '../src/client/license.ts'
import type { DiagnosticCheck } from '../src/core/diagnosis/diagnosis.ts'
import type { License } from '../src/core/index.ts'
import { base } from './place.ts'
import { days } from './times.ts'
import { renewed, stampOf } from './stamp.ts'

/** The server's knowledge of a token. */
export interface ServerFacts {
  /** `null` if no license is behind the token. */
  readonly license: License | null
  readonly checks: readonly DiagnosticCheck[]
}

/** A program, and the token that it has. */
export interface Program {
  readonly app: string
  readonly issuer: string
  readonly token: string
  /** The public key that the program was built with, in PEM. */
  readonly key: string
  readonly followsKeys: boolean
  readonly maxOfflineDays: number | null
}

/** The program's clock in seconds since 1970, and the days since it reached its server. */
export interface Moment {
  readonly clock: number
  readonly offlineDays: number
}

/** The server's word at the last contact: a code of a refusal, `null` for a new token; absent if there was no contact. */
export interface Seen {
  readonly license: ClientLicense
  readonly said?: string | null
}

const statuses: Readonly<Record<string, number>> = { invalid_token: 401, not_found: 404 }

/** Checks that fail at any time, because nobody knows since when. */
const timeless: readonly string[] = ['form', 'app', 'issuer', 'signature', 'cut_off', 'license']

function codeOf({ facts }: DiagnosticCheck): string {
  return String(facts['code'])
}

/** The refusal that the server would have given at a time, as it checks; `null` if it would have renewed the token. */
export function refusalAt(
  { license, checks }: ServerFacts,
  exp: number | undefined,
  at: number,
): string | null {
  const failed = checks.find(({ state }) => state === 'failed')
  if (failed !== undefined && timeless.includes(failed.check)) return codeOf(failed)
  if (failed?.check === 'signing_key' && at >= Number(failed.facts['retiredAt'] ?? 0)) return codeOf(failed)
  if (exp !== undefined && at >= exp) return 'token_expired'
  if (license === null) return 'not_found'
  const { revokedAt, revokedCause, expiresAt, tierId } = license
  if (revokedAt !== null && at >= revokedAt)
    return (revokedCause ?? 'key_revoked') === 'key_revoked' ? 'license_revoked' : 'license_released'
  if (expiresAt !== null && at >= expiresAt) return 'token_expired'
  return tierId === null ? 'missing_tier' : null
}

function refusal(code: string): Response {
  const status = statuses[code] ?? 400
  return new Response(JSON.stringify({ error: { code, message: code } }), { status })
}

function endIn(token: string): number | undefined {
  try {
    const [, payload = ''] = token.split('.')
    const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: number }
    return exp
  } catch {
    return undefined
  }
}

/**
 * Runs the client of the program on its token: once at its last contact with the server, and then offline at its clock. Its
 * server is this page, which gives the refusals of the real one. It signs a new token with a key that lives in this page alone.
 */
export async function see(
  program: Program,
  facts: ServerFacts,
  { clock, offlineDays }: Moment,
): Promise<Seen> {
  const { app, issuer, token, key, followsKeys, maxOfflineDays } = program
  const stamp = await stampOf()
  const contact = clock - days(offlineDays)
  let now = contact
  let isOnline = true
  let said: string | null | undefined
  const server = async (url: string): Promise<Response> => {
    if (!isOnline) throw new TypeError('offline')
    // The keys are public, so the client gets the real ones.
    if (url.endsWith('/trust.json')) return fetch(new URL(`api/v1/apps/${app}/trust.json`, base))
    said = refusalAt(facts, endIn(token), contact)
    if (said !== null || facts.license === null) return refusal(said ?? 'not_found')
    const data = { token: await renewed(stamp, client.license.claims!, facts.license, contact) }
    return new Response(JSON.stringify({ data }))
  }
  const client = await createLicenseClient({
    baseUrl: 'https://licenses.example.com',
    app,
    issuer,
    publicKeys: [key, stamp.publicKey],
    ...(followsKeys && { refreshKeys: { from: 'trust.json' } }),
    ...(maxOfflineDays !== null && { maxOfflineDays }),
    token,
    background: false,
    now: () => now * 1000,
    fetch: server,
  })
  const { claims } = client.license
  // Before its issue, a token reached no server.
  if (claims === null || contact >= claims.iat) await client.refresh()
  now = clock
  isOnline = offlineDays === 0
  await client.refresh({ ifDue: true })
  const { license } = client
  client.close()
  return { license, ...(said !== undefined && { said }) }
}
