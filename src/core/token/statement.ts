import { base64url, compactVerify } from 'jose'
import { maxRecoveryKeys } from './statement-limits.ts'
import { isBase64url, isInstant, parseStrictly, type ExpectedToken, type VerificationKey } from './token.ts'

// Programs in the field read these statements for ever. A reader ignores a member after the known ones, as it ignores a claim
// that it does not know. A signature with another header counts for nothing, so a header is the way to say "not for old
// programs".

/** A public RSA key as a JWK (RFC 7517), with these members in this order and no others. */
export interface RsaJwk {
  readonly kty: 'RSA'
  readonly n: string
  readonly e: 'AQAB'
}

/** The recovery keys of an app. */
export interface RecoverySet {
  /** The number of different recovery keys that must sign. */
  readonly threshold: number
  /** The thumbprints of the recovery keys (RFC 7638). */
  readonly kids: readonly string[]
}

/** The payload of a statement, with its members in this order. Times are whole seconds since 1970. */
export interface KeyStatement {
  /** The app's issuer. */
  readonly iss: string
  /** The app's slug. */
  readonly aud: string
  /** Rises by one, from 1. */
  readonly seq: number
  /** SHA-256 of the payload before it, in base64url; `null` for the first. */
  readonly prev: string | null
  readonly iat: number
  /** The key that signs license tokens from now on. */
  readonly key: RsaJwk
  /** By kid: the time after which that key signs no more. */
  readonly retired: Readonly<Record<string, number>>
  /** The kids whose tokens are all refused. */
  readonly revoked: readonly string[]
  readonly recovery: RecoverySet | null
}

/** One signature over a statement (RFC 7515 section 7.2.1). */
export interface StatementSignature {
  /** The header, in base64url: see {@link protectedHeader}. */
  readonly protected: string
  /** With the signature of a recovery key: its public half, which its kid proves. */
  readonly header?: { readonly jwk: RsaJwk }
  readonly signature: string
}

/** A statement as a JWS in General JSON Serialization (RFC 7515 section 7.2.1). */
export interface SignedStatement {
  /** {@link payloadOf} in base64url. */
  readonly payload: string
  readonly signatures: readonly StatementSignature[]
}

/** The contents of `trust.json`: every statement of an app, by `seq`. */
export interface TrustFile {
  readonly v: 1
  readonly statements: readonly SignedStatement[]
}

/** A statement that its own key has signed. Its place in the chain is not checked yet: see {@link warrantOf}. */
export interface ReadStatement extends KeyStatement, VerificationKey {
  /** SHA-256 of the payload, in base64url. It is the `prev` of the next statement. */
  readonly hash: string
  readonly signatures: readonly StatementSignature[]
  readonly payload: string
  /** The signatures that were verified so far, without any other member, by their protected headers. */
  readonly counted: Map<string, StatementSignature>
}

/** The keys that may sign the next statement. */
export interface Authority {
  /** Before the first statement the keys that a program was built with, then the key of the last statement. */
  readonly signers: readonly VerificationKey[]
  /** The recovery set of the last statement; `null` if it has none, and before the first. */
  readonly recovery: RecoverySet | null
}

const names = 'iss,aud,seq,prev,iat,key,retired,revoked,recovery'
const digest = /^[\w-]{43}$/
/** Its highest bit is set, and its base64url is the one that RFC 4648 gives, so no key has two spellings. 2,048 to 16,384 bits. */
const modulus = /^[g-z0-9_-][\w-]{341,2730}$/

async function sha256(bytes: Uint8Array): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource)))
}

/** The thumbprint of an RSA key (RFC 7638 section 3). */
export function thumbprintOf({ e, kty, n }: { readonly [Name in keyof RsaJwk]: string }): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify({ e, kty, n })))
}

/** The protected header of the signature by this key: the one header that counts. */
export function protectedHeader(kid: string): string {
  return base64url.encode(JSON.stringify({ alg: 'RS256', typ: 'keystatement+jwt', kid }))
}

/** The JSON text of a statement, in the one spelling that counts. */
export function payloadOf(statement: KeyStatement): string {
  const { iss, aud, seq, prev, iat, key, retired, revoked, recovery } = statement
  const { kty, n, e } = key
  const set = recovery && { threshold: recovery.threshold, kids: recovery.kids }
  return JSON.stringify({ iss, aud, seq, prev, iat, key: { kty, n, e }, retired, revoked, recovery: set })
}

function isKid(value: unknown): boolean {
  return typeof value === 'string' && digest.test(value)
}

function areKids(value: unknown): boolean {
  return Array.isArray(value) && value.every(isKid) && new Set(value).size === value.length
}

/** True if both have the same JSON, with their members in the same order. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function isRecovery(value: unknown): boolean {
  if (value === null) return true
  const { threshold, kids } = Object(value) as RecoverySet
  const isEnough = Number.isInteger(threshold) && threshold > 0 && threshold <= kids.length
  const isFew = kids.length <= maxRecoveryKeys
  return isFew && areKids(kids) && isEnough && isSame(value, { threshold, kids })
}

function isRetired(value: unknown): boolean {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject && Object.entries(value).every(([kid, time]) => isKid(kid) && isInstant(time))
}

/** True for a key of 2,048 to 16,384 bits, in the one spelling that counts. */
export function isRsaJwk(value: unknown): value is RsaJwk {
  const { n } = Object(value) as RsaJwk
  return (
    typeof n === 'string' && modulus.test(n) && isBase64url(n) && isSame(value, { kty: 'RSA', n, e: 'AQAB' })
  )
}

function isStatement(value: object): value is KeyStatement {
  const { seq, prev, iat, key, retired, revoked, recovery } = value as KeyStatement
  return (
    Object.keys(value).slice(0, 9).join() === names &&
    Number.isSafeInteger(seq) &&
    seq > 0 &&
    (seq === 1 ? prev === null : isKid(prev)) &&
    isInstant(iat) &&
    isRsaJwk(key) &&
    isRetired(retired) &&
    areKids(revoked) &&
    isRecovery(recovery)
  )
}

function importKey(key: RsaJwk): Promise<CryptoKey> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return crypto.subtle.importKey('jwk', { ...key }, algorithm, true, ['verify'])
}

/** The signature with the one header of this key. A repeated header does not count. */
function signatureOf(
  { signatures }: Pick<SignedStatement, 'signatures'>,
  kid: string,
): StatementSignature | undefined {
  const header = protectedHeader(kid)
  return signatures.find((one) => one.protected === header)
}

async function isSignedBy(
  read: Pick<ReadStatement, 'payload' | 'signatures' | 'counted'>,
  { kid, publicKey }: VerificationKey,
  header?: StatementSignature['header'],
): Promise<boolean> {
  const found = signatureOf(read, kid)
  if (found === undefined || !isBase64url(found.signature)) return false
  const { protected: name, signature } = found
  // The compact form has the same signing input.
  const token = `${name}.${read.payload}.${signature}`
  return compactVerify(token, publicKey, { algorithms: ['RS256'] }).then(
    () => read.counted.set(name, { protected: name, ...(header && { header }), signature }).size > 0,
    () => false,
  )
}

/**
 * Reads one statement of an app, and verifies that the key which it names has signed it. It reads nothing but the one spelling
 * of {@link payloadOf}; a later version may add members after the known ones.
 *
 * Resolves to `null` for any fault.
 */
export async function readStatement(signed: unknown, expected: ExpectedToken): Promise<ReadStatement | null> {
  try {
    const { payload, signatures } = signed as SignedStatement
    if (!isBase64url(payload)) return null
    const bytes = base64url.decode(payload)
    const statement = parseStrictly(bytes)
    if (!isStatement(statement) || statement.iss !== expected.issuer || statement.aud !== expected.audience)
      return null
    const kid = await thumbprintOf(statement.key)
    const publicKey = await importKey(statement.key)
    const read = {
      ...statement,
      kid,
      publicKey,
      hash: await sha256(bytes),
      payload,
      signatures,
      counted: new Map(),
    }
    return (await isSignedBy(read, read)) ? read : null
  } catch {
    return null
  }
}

async function isSignedByRecoveryKey(read: ReadStatement, kid: string): Promise<boolean> {
  const jwk = signatureOf(read, kid)?.header?.jwk
  if (!isRsaJwk(jwk) || (await thumbprintOf(jwk)) !== kid) return false
  return isSignedBy(read, { kid, publicKey: await importKey(jwk) }, { jwk })
}

async function isRecovered(read: ReadStatement, recovery: RecoverySet | null): Promise<boolean> {
  let signed = 0
  for (const kid of recovery?.kids ?? [])
    if (await isSignedByRecoveryKey(read, kid).catch(() => false)) signed++
  return recovery !== null && signed >= recovery.threshold
}

/**
 * The right by which a statement follows: a `recovery` by enough recovery keys, otherwise a `succession` by one of the signers.
 * A signer may revoke itself alone, and changes no recovery set that stands. Neither ends the key that it names.
 *
 * Resolves to `null` if it has no such right. The caller compares `seq` and `prev`.
 */
export async function warrantOf(
  read: ReadStatement,
  { signers, recovery }: Authority,
): Promise<'succession' | 'recovery' | null> {
  const { kid, retired, revoked } = read
  if (revoked.includes(kid) || Object.hasOwn(retired, kid)) return null
  if (await isRecovered(read, recovery)) return 'recovery'
  if (recovery !== null && !isSame(read.recovery, recovery)) return null
  for (const signer of signers)
    if (revoked.every((one) => one === signer.kid) && (await isSignedBy(read, signer))) return 'succession'
  return null
}
