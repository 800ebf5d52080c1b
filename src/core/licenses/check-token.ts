import { base64url } from 'jose'
import type { Context, GenuineToken } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { after, type Eventual } from '../eventual.ts'
import { uuidOf } from '../ids.ts'
import { acceptedKeys } from '../keys/signing-keys.ts'
import { requireApp } from '../lookup.ts'
import type { OnApp } from '../outcomes.ts'
import { sha256, type SignatureKey } from '../runtime/crypto.ts'
import type { AppRecord, LicenseRecord, NumericDate, SigningKeyRecord } from '../storage/index.ts'
import { decide, type Decision, type LicenseState, type TokenState } from '../token/decision.ts'
import { readJti, type Jti } from '../token/jti.ts'
import {
  maxTokenLength,
  parseToken,
  readClaims,
  type LicenseClaims,
  type UnverifiedToken,
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
export function isOwnJti(context: Context, app: AppRecord, text: string, jti: Jti): boolean {
  return isSameText(jtiOf(context, app, { id: jti.licenseId, revision: jti.revision }), text)
}

/** The first of the keys under which the signature of a token is right. */
function signerOf(
  { kid, header, payload, signature }: UnverifiedToken,
  keys: readonly SignatureKey[],
): Eventual<SignatureKey | null> {
  const signed = new TextEncoder().encode(`${header}.${payload}`)
  const bytes = base64url.decode(signature)
  const candidates = kid === undefined ? keys : keys.filter((key) => key.kid === kid)
  const tryFrom = (at: number): Eventual<SignatureKey | null> => {
    const key = candidates[at]
    if (key === undefined) return null
    return after(key.verifies(signed, bytes), (isRight) => (isRight ? key : tryFrom(at + 1)))
  }
  return tryFrom(0)
}

/** A copy, because a part of a text keeps the whole text in memory. */
function ownText(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text))
}

/** The part of a verified token that decides. @throws {LicensingError} `invalid_token` if its `jti` is not the app's own. */
function genuineToken(context: Context, app: AppRecord, key: SignatureKey, payload: string): GenuineToken {
  const claims = claimsIn(app, payload)
  const jti = readJti(claims.jti)
  if (jti === null || uuidOf(jti.licenseId) !== claims.lic_id) throw invalidToken()
  if (!isOwnJti(context, app, claims.jti, jti)) throw invalidToken()
  const licenseId = ownText(jti.licenseId)
  const { revision } = jti
  const { iat, exp, updates_until } = claims
  return {
    key,
    licenseId,
    revision,
    iat,
    ...(exp !== undefined && { exp }),
    ...(updates_until !== undefined && { updates_until }),
  }
}

/** The claims in the payload of a token whose signature was verified. @throws {LicensingError} `invalid_token` */
function claimsIn({ slug, issuer }: AppRecord, payload: string): LicenseClaims {
  return readClaims(base64url.decode(payload), { audience: slug, issuer })
}

function nullIfInvalid<Value>(work: () => Value): Value | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof LicensingError && error.code === 'invalid_token') return null
    throw error
  }
}

/** An app, and its signing keys. */
export interface TokenIssuer {
  readonly app: AppRecord
  readonly keys: readonly SigningKeyRecord[]
}

function verifyUnder(
  context: Context,
  app: AppRecord,
  keys: readonly SignatureKey[],
  token: unknown,
): Eventual<GenuineToken | null> {
  const parsed = nullIfInvalid(() => parseToken(token))
  if (parsed === null) return null
  return after(signerOf(parsed, keys), (key) =>
    key === null ? null : nullIfInvalid(() => genuineToken(context, app, key, parsed.payload)),
  )
}

/**
 * Checks that a token is genuine: its grammar, its signature under an accepted key of the app, its issuer and audience, and
 * that its `jti` belongs to the license in `lic_id`. It checks neither time nor license. `null` for every other token.
 *
 * The memory holds genuine tokens only, each by the app's id and the whole token. The keys are asked for every time.
 */
export function findGenuineToken(
  context: Context,
  { app, keys }: TokenIssuer,
  token: unknown,
): Eventual<GenuineToken | null> {
  if (typeof token !== 'string' || token.length > maxTokenLength) return null
  const accepted = acceptedKeys(context, keys)
  const { genuineTokens } = context.runtime.caches
  const name = sha256(`${app.id} ${token}`)
  const known = genuineTokens.find(name)
  if (known !== undefined && accepted.includes(known.key)) return known
  return after(verifyUnder(context, app, accepted, token), (genuine) => {
    if (genuine !== null) genuineTokens.keep(name, genuine)
    return genuine
  })
}

/** As {@link findGenuineToken}, with all claims of the token. @throws {LicensingError} `invalid_token`, with one message for every cause. */
export async function authenticateToken(
  context: Context,
  app: AppRecord,
  token: unknown,
): Promise<AuthenticToken> {
  const keys = await context.storage.listSigningKeys(app.id)
  const genuine = await findGenuineToken(context, { app, keys }, token)
  if (genuine === null) throw invalidToken()
  const { key, licenseId, revision } = genuine
  return {
    claims: claimsIn(app, parseToken(token).payload),
    jti: { licenseId, revision },
    kid: key.kid,
  }
}

/** Decides on a token of this server, at present. Without its license, on the token alone. */
export function decideOwnToken(
  context: Context,
  token: TokenState,
  revision: number,
  license?: LicenseState,
  releasedAt?: NumericDate,
): Decision {
  const now = context.runtime.now()
  return decide({ token, revision, license, isIssuer: true, releasedAt, now })
}

/** True if `invalidatePrevious` has refused the token since. An expired or revoked license is another matter. */
function isInvalidated(context: Context, { claims, jti }: AuthenticToken, license: LicenseRecord): boolean {
  return decideOwnToken(context, claims, jti.revision, license).code === 'invalid_token'
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
  onApp: OnApp = () => {},
): Promise<TokenCredential> {
  const record = await requireApp(context, app, 'public')
  onApp(record)
  const authentic = await authenticateToken(context, record, token)
  const license = await context.storage.findLicense(record.id, authentic.jti.licenseId)
  if (license !== null && isInvalidated(context, authentic, license)) throw invalidToken()
  return new TokenCredential(record, authentic, license)
}
