import { jtiOf } from './issue-token.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { sha256Hex, uuidOf } from '../ids.ts'
import { readJti, type Jti } from '../token/jti.ts'
import { acceptedKeys } from '../keys/signing-keys.ts'
import type { AppRecord } from '../storage/index.ts'
import { maxTokenLength, verifyToken, type LicenseClaims } from '../token/token.ts'

/** A good token of an app, and what its `jti` says. */
export interface AuthenticToken {
  readonly claims: LicenseClaims
  readonly jti: Jti
}

function invalidToken(): LicensingError {
  return new LicensingError('invalid_token', 'Invalid license token')
}

function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}

/** Whether this server made the `jti`, for this app: its MAC holds. */
export async function isOwnJti(context: Context, app: AppRecord, text: string, jti: Jti): Promise<boolean> {
  return sameText(await jtiOf(context, app, { id: jti.licenseId, revision: jti.revision }), text)
}

/** The claims of a token whose signature holds under a key that is accepted now, verified once for these very keys. */
async function verifiedClaims(context: Context, app: AppRecord, token: unknown): Promise<LicenseClaims> {
  const keys = await acceptedKeys(context, app.id)
  const verify = (): Promise<LicenseClaims> =>
    verifyToken(token, keys, { audience: app.slug, issuer: app.issuer })
  if (typeof token !== 'string' || token.length > maxTokenLength) return verify()
  const name = [app.id, ...keys.map(({ kid }) => kid), await sha256Hex(token)].join(' ')
  return context.runtime.caches.verifiedTokens.get(name, verify)
}

/**
 * Verifies a token of an app: grammar, signature under an accepted key of that app, issuer and audience, and that its
 * `jti` was made by this server for the license in `lic_id`. Neither its time nor the license is looked at.
 *
 * @throws {LicensingError} `invalid_token`, the same for every cause.
 */
export async function authenticateToken(
  context: Context,
  app: AppRecord,
  token: unknown,
): Promise<AuthenticToken> {
  const claims = await verifiedClaims(context, app, token)
  const jti = readJti(claims.jti)
  if (jti === null || uuidOf(jti.licenseId) !== claims.lic_id) throw invalidToken()
  if (!(await isOwnJti(context, app, claims.jti, jti))) throw invalidToken()
  return { claims, jti }
}
