import { CompactSign, base64url, compactVerify } from 'jose'
import { LicensingError } from '../errors.ts'
import { maxInstant } from '../time.ts'
import { readJti } from './jti.ts'

export { readJti, type Jti } from './jti.ts'

/** The claims of a license token (RFC 7519), in their order in the token. Times are whole seconds since 1970. */
export interface LicenseClaims {
  /** The installation id of the license, a UUID in lower case. */
  readonly sub: string
  /** The app's slug. */
  readonly aud: string
  readonly iss: string
  readonly iat: number
  /** Absent for a license that never expires. */
  readonly exp?: number
  readonly jti: string
  /** The license's UUID. It stays the same in every token of the license. */
  readonly lic_id: string
  readonly tier: string
  readonly customer_id: string
  readonly features: readonly string[]
  /** Numbers by slug, 0 to 2^53 - 1; absent if there are none. */
  readonly limits?: Readonly<Record<string, number>>
  /** The license covers versions of the program that were released until then; absent if it covers all. */
  readonly updates_until?: number
}

/** A public key that may have signed a token. */
export interface VerificationKey {
  /** Its thumbprint (RFC 7638). */
  readonly kid: string
  readonly publicKey: CryptoKey
}

/** The issuer and audience that a token must have. */
export interface ExpectedToken {
  /** The app's slug. */
  readonly audience: string
  readonly issuer: string
}

/** Characters. No legal license makes a longer token, and later versions need room for more claims. */
export const maxTokenLength: number = 32 * 1024

const part = /^[A-Za-z0-9_-]+$/
/** The last characters whose unused bits are zero (RFC 4648 section 3.5), by length modulo four. */
const lastCharacter: Readonly<Record<number, RegExp>> = { 0: /./, 2: /[AQgw]$/, 3: /[AEIMQUYcgkosw048]$/ }
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Fixed, because the depth that a stack can take differs between runtimes. */
const maxDepth = 32

function invalid(): LicensingError {
  return new LicensingError('invalid_token', 'Invalid license token')
}

/** True for base64url in the one spelling that RFC 4648 gives. */
export function isBase64url(text: string): boolean {
  return part.test(text) && lastCharacter[text.length % 4]?.test(text) === true
}

function splitToken(token: unknown): [string, string, string] {
  if (typeof token !== 'string' || token.length > maxTokenLength) throw invalid()
  const parts = token.split('.', 4)
  if (parts.length !== 3 || !parts.every(isBase64url)) throw invalid()
  return parts as [string, string, string]
}

/**
 * Accepts only the spelling of `JSON.stringify`: no white space, no duplicate names, no other form of a number.
 * @throws {LicensingError} `invalid_token`
 */
export function parseStrictly(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isObject && JSON.stringify(value) === text && isWithinDepth(value, maxDepth))
      return value as Record<string, unknown>
  } catch {
    // Falls through, because every cause gets the same error.
  }
  throw invalid()
}

/** A token with the right grammar and header. Nothing has checked its signature. */
export interface UnverifiedToken {
  readonly kid: string | undefined
  /** The encoded parts. */
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** Reads the grammar and the header of a token. @throws {LicensingError} `invalid_token` */
export function parseToken(token: unknown): UnverifiedToken {
  const [header, payload, signature] = splitToken(token)
  return { kid: parseHeader(header), header, payload, signature }
}

/** Reads claims for an app from the payload of a token. The caller has verified its signature. @throws {LicensingError} `invalid_token` */
export function readClaims(payload: Uint8Array, expected: ExpectedToken): LicenseClaims {
  const claims = parseStrictly(payload)
  if (!isClaims(claims) || claims.iss !== expected.issuer || claims.aud !== expected.audience) throw invalid()
  return claims as unknown as LicenseClaims
}

function parseHeader(encoded: string): string | undefined {
  const { alg, typ, kid, ...others } = parseStrictly(base64url.decode(encoded))
  const isKid = kid === undefined || typeof kid === 'string'
  if (alg !== 'RS256' || typ !== 'JWT' || !isKid || Object.keys(others).length > 0) throw invalid()
  return kid
}

/** True for whole seconds since 1970, up to the year 9999. */
export function isInstant(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxInstant
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isLimits(value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject && Object.values(value).every((limit) => Number.isSafeInteger(limit) && limit >= 0)
}

/** Claims with other names are ignored (RFC 7519 section 4), so that tokens of later versions stay good. */
function isClaims(claims: Record<string, unknown>): boolean {
  const texts = [claims.sub, claims.aud, claims.iss, claims.lic_id, claims.tier, claims.customer_id]
  return (
    texts.every((text) => typeof text === 'string') &&
    isInstant(claims.iat) &&
    (claims.exp === undefined || isInstant(claims.exp)) &&
    typeof claims.jti === 'string' &&
    readJti(claims.jti) !== null &&
    isTexts(claims.features) &&
    (claims.limits === undefined || isLimits(claims.limits)) &&
    (claims.updates_until === undefined || isInstant(claims.updates_until))
  )
}

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((member) => isWithinDepth(member, depth - 1))
}

async function verifiedBytes(token: string, keys: readonly VerificationKey[]): Promise<Uint8Array> {
  for (const { publicKey } of keys) {
    const verified = await compactVerify(token, publicKey, { algorithms: ['RS256'] }).catch(() => null)
    if (verified !== null) return verified.payload
  }
  throw invalid()
}

/** True if a value has the form of a license token. It checks neither signature nor app. */
export function isTokenText(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    const [header, claims] = splitToken(value)
    parseHeader(header)
    return isClaims(parseStrictly(base64url.decode(claims)))
  } catch {
    return false
  }
}

/** Signs claims with RS256 (RFC 7518). The same claims and key give the same bytes on every runtime. */
export async function signToken(claims: LicenseClaims, kid: string, privateKey: CryptoKey): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(claims))
  return new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid }).sign(privateKey)
}

/**
 * Verifies a license token: its grammar (RFC 7515 section 7.1, with one spelling only), its signature under one of `keys`,
 * its issuer and audience, and the type of every claim that it knows. It does not check the time: see `decide`.
 *
 * It ignores a claim that it does not know, and refuses a header member that it does not know. A later version may add a
 * claim, and programs in the field go on. A later version adds a header member for a token that they must refuse.
 *
 * The token cannot choose the algorithm, which is RS256. Its `kid` only selects among `keys`.
 *
 * @throws {LicensingError} `invalid_token`, with one message for every cause.
 *
 * @example
 * ```ts
 * import { verifyToken, type LicenseClaims } from 'heartwood'
 * import { importSPKI } from 'jose'
 *
 * async function claimsOf(token: string, kid: string, publicKeyPem: string): Promise<LicenseClaims> {
 *   const publicKey = await importSPKI(publicKeyPem, 'RS256')
 *   return verifyToken(token, [{ kid, publicKey }], { audience: 'desktop-app', issuer: 'license-server' })
 * }
 * ```
 */
export async function verifyToken(
  token: unknown,
  keys: readonly VerificationKey[],
  expected: ExpectedToken,
): Promise<LicenseClaims> {
  // The client's 20 kB have no room for `parseToken`.
  const kid = parseHeader(splitToken(token)[0])
  const candidates = kid === undefined ? keys : keys.filter((key) => key.kid === kid)
  return readClaims(await verifiedBytes(token as string, candidates), expected)
}
