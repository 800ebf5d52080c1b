import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { sha256Hex, uuidOf } from '../ids.ts'
import { acceptedKeys } from '../keys/signing-keys.ts'
import { requireApp } from '../lookup.ts'
import type { AppRecord, LicenseRecord, NumericDate } from '../storage/index.ts'
import { decide, type Decision } from '../token/decision.ts'
import { readJti, type Jti } from '../token/jti.ts'
import {
  maxTokenLength,
  verifyToken,
  type ExpectedToken,
  type LicenseClaims,
  type VerificationKey,
  type VerifiedToken,
} from '../token/token.ts'
import { jtiOf } from './issue-token.ts'

/** The claims of an app's genuine token, its parsed `jti`, and the `kid` of the key that verified it. */
export interface AuthenticToken {
  readonly claims: LicenseClaims
  readonly jti: Jti
  readonly kid: string
}

/**
 * A license token that was verified for one request. `licenses.renew` accepts it in place of the token, and then neither
 * verifies the token nor reads app, keys and license again. `licenses.authenticate` makes it.
 *
 * Use it at once. A change to the license ends what it proves, but a later rotation of the keys does not.
 */
export class TokenCredential {
  readonly app: AppRecord
  readonly token: AuthenticToken
  /** The license as it was read with the token; `null` if it does not exist. */
  readonly license: LicenseRecord | null

  constructor(app: AppRecord, token: AuthenticToken, license: LicenseRecord | null) {
    this.app = app
    this.token = token
    this.license = license
  }
}

export function invalidToken(): LicensingError {
  return new LicensingError('invalid_token', 'Invalid license token')
}

/** Compares in constant time, so that the time tells nothing of the MAC. */
export function isSameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}

/** True if the MAC of a `jti` is right: a server with this app's secret made it. */
export async function isOwnJti(context: Context, app: AppRecord, text: string, jti: Jti): Promise<boolean> {
  return isSameText(await jtiOf(context, app, { id: jti.licenseId, revision: jti.revision }), text)
}

async function verifyUnderOne(
  token: unknown,
  keys: readonly VerificationKey[],
  expected: ExpectedToken,
): Promise<VerifiedToken> {
  for (const key of keys) {
    const claims = await verifyToken(token, [key], expected).catch(() => null)
    if (claims !== null) return { claims, kid: key.kid }
  }
  throw invalidToken()
}

/** Verifies a token once under the keys accepted now. Other keys make another cache entry. */
async function verified(context: Context, app: AppRecord, token: unknown): Promise<VerifiedToken> {
  const keys = await acceptedKeys(context, app.id)
  const verify = (): Promise<VerifiedToken> =>
    verifyUnderOne(token, keys, { audience: app.slug, issuer: app.issuer })
  if (typeof token !== 'string' || token.length > maxTokenLength) return verify()
  const name = [app.id, ...keys.map(({ kid }) => kid), await sha256Hex(token)].join(' ')
  return context.runtime.caches.verifiedTokens.get(name, verify)
}

/**
 * Checks that a token is genuine: its grammar, its signature under an accepted key of the app, its issuer and audience, and
 * that its `jti` belongs to the license in `lic_id`. It checks neither time nor license.
 *
 * @throws {LicensingError} `invalid_token`, with one message for every cause.
 */
export async function authenticateToken(
  context: Context,
  app: AppRecord,
  token: unknown,
): Promise<AuthenticToken> {
  const { claims, kid } = await verified(context, app, token)
  const jti = readJti(claims.jti)
  if (jti === null || uuidOf(jti.licenseId) !== claims.lic_id) throw invalidToken()
  if (!(await isOwnJti(context, app, claims.jti, jti))) throw invalidToken()
  return { claims, jti, kid }
}

/** Decides on a token of this server, at present. Without its license, on the token alone. */
export function decideOwnToken(
  context: Context,
  { claims, jti }: AuthenticToken,
  license?: LicenseRecord,
  releasedAt?: NumericDate,
): Decision {
  const now = context.runtime.now()
  return decide({ token: claims, revision: jti.revision, license, isIssuer: true, releasedAt, now })
}

/** True if `invalidatePrevious` has refused the token since. An expired or revoked license is another matter. */
function isInvalidated(context: Context, token: AuthenticToken, license: LicenseRecord): boolean {
  return decideOwnToken(context, token, license).code === 'invalid_token'
}

/**
 * Verifies the token of a license for a renewal. It says nothing about the license's state, except that the token has not
 * been invalidated.
 *
 * @throws {LicensingError} `not_found` for the app; `invalid_token`, the same for every cause.
 */
export async function authenticateRenewal(
  context: Context,
  app: string,
  token: unknown,
): Promise<TokenCredential> {
  const record = await requireApp(context, app, 'read')
  const authentic = await authenticateToken(context, record, token)
  const license = await context.storage.findLicense(record.id, authentic.jti.licenseId)
  if (license !== null && isInvalidated(context, authentic, license)) throw invalidToken()
  return new TokenCredential(record, authentic, license)
}
