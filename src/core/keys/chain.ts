import { base64url } from 'jose'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { sha256 } from '../runtime/crypto.ts'
import type { AppRecord, KeyStatementRecord, NumericDate, SigningKeyRecord } from '../storage/index.ts'
import {
  payloadOf,
  protectedHeader,
  readStatement,
  warrantOf,
  type KeyStatement,
  type RecoverySet,
  type RsaJwk,
  type SignedStatement,
  type StatementSignature,
} from '../token/statement.ts'
import { signStatement } from './recovery-key.ts'
import { privateKeyOf, publicJwk } from './signing-keys.ts'
import { withSigningSlot } from './signing-queue.ts'

/**
 * Lets recovery keys sign the payload of a statement, a JSON text. `signWithRecoveryKey` makes such a signature. The keys may
 * be anywhere, and it may take as long as it likes.
 */
export type Recover = (payload: string) => Promise<readonly StatementSignature[]>

/** The statements of an app. */
export interface Chain {
  readonly statements: readonly KeyStatementRecord[]
  /** The first statement as long as it is derived, and not stored. */
  readonly derived: readonly KeyStatementRecord[]
  readonly last: KeyStatement
  /** The `prev` of the next statement. */
  readonly hash: string
}

/** The contents of the next statement. */
export interface Succession {
  readonly key: SigningKeyRecord
  readonly retired: Readonly<Record<string, NumericDate>>
  readonly revoked: readonly string[]
  readonly recovery: RecoverySet | null
}

/** The makers of its signatures. */
export interface Signers {
  /** Signing keys of the app, whose private halves are still there. */
  readonly keys: readonly SigningKeyRecord[]
  /** Only for a statement that recovery keys must sign. */
  readonly recover?: Recover | undefined
}

async function jwkOf({ publicKeyPem }: SigningKeyRecord): Promise<RsaJwk> {
  const { n = '' } = await publicJwk(publicKeyPem)
  return { kty: 'RSA', n, e: 'AQAB' }
}

function signBy(context: Context, key: SigningKeyRecord, payload: string): Promise<StatementSignature> {
  const sign = async (): Promise<StatementSignature> =>
    signStatement(payload, key.kid, await privateKeyOf(context, key))
  return withSigningSlot(context, (slot) => (slot === null ? sign() : slot.run(sign)))
}

function recordOf(
  { id }: AppRecord,
  seq: number,
  payload: string,
  signatures: readonly StatementSignature[],
  createdAt: NumericDate,
): KeyStatementRecord {
  return { appId: id, seq, payload, signatures: JSON.stringify(signatures), createdAt }
}

/** Rows alone determine it, so every server derives the same bytes until a rotation stores them. */
async function firstStatement(
  context: Context,
  app: AppRecord,
  key: SigningKeyRecord,
): Promise<KeyStatementRecord> {
  const payload = payloadOf({
    iss: app.issuer,
    aud: app.slug,
    seq: 1,
    prev: null,
    iat: key.createdAt,
    key: await jwkOf(key),
    retired: {},
    revoked: [],
    recovery: null,
  })
  // Anybody may ask for it, so it is signed once.
  const signature = await context.runtime.caches.signedTokens.get(`${key.kid} ${sha256(payload)}`, async () =>
    JSON.stringify(await signBy(context, key, payload)),
  )
  return recordOf(app, 1, payload, [JSON.parse(signature) as StatementSignature], key.createdAt)
}

/** The chain of an app. `active` is its key as it was read before: otherwise a rotation could fall between the two. */
export async function readChain(context: Context, app: AppRecord, active: SigningKeyRecord): Promise<Chain> {
  const stored = await context.storage.listKeyStatements(app.id)
  const derived = stored.length > 0 ? [] : [await firstStatement(context, app, active)]
  const statements = [...stored, ...derived]
  const { payload } = statements.at(-1)!
  return { statements, derived, last: JSON.parse(payload) as KeyStatement, hash: sha256(payload) }
}

/** A record as a JWS in General JSON Serialization. */
export function signedStatementOf({ payload, signatures }: KeyStatementRecord): SignedStatement {
  return {
    payload: base64url.encode(payload),
    signatures: JSON.parse(signatures) as readonly StatementSignature[],
  }
}

/** The error for a statement that recovery keys must sign, at the places where they cannot. */
export function recoveryRequired(command: string): LicensingError {
  return new LicensingError('recovery_required', `A recovery key of the app must sign this: run ${command}`)
}

/** Each signature of a recovery key of the app, once. */
async function recoverySignatures(
  { kids }: RecoverySet,
  recover: Recover,
  payload: string,
): Promise<readonly StatementSignature[]> {
  const given = await recover(payload)
  return kids.flatMap((kid) => given.find((one) => one.protected === protectedHeader(kid)) ?? [])
}

/** Reads what recovery keys have signed as programs will: nobody can correct a statement that they refuse. */
async function checkRecovery(
  app: AppRecord,
  recovery: RecoverySet,
  record: KeyStatementRecord,
): Promise<void> {
  const expected = { issuer: app.issuer, audience: app.slug }
  const read = await readStatement(signedStatementOf(record), expected)
  if (read !== null && (await warrantOf(read, { signers: [], recovery })) !== null) return
  const reason = `The signatures are not those of ${recovery.threshold} recovery keys of the app`
  throw new LicensingError('recovery_required', reason)
}

/**
 * The records to write for the next statement: the first one too, if it is not stored yet.
 *
 * @throws {LicensingError} `recovery_required` if `recover` gives too few signatures.
 */
export async function nextStatements(
  context: Context,
  app: AppRecord,
  chain: Chain,
  { key, retired, revoked, recovery }: Succession,
  signers: Signers,
): Promise<readonly KeyStatementRecord[]> {
  const { last, hash } = chain
  const [seq, iat] = [last.seq + 1, context.runtime.now()]
  const jwk = await jwkOf(key)
  const { issuer: iss, slug: aud } = app
  const payload = payloadOf({ iss, aud, seq, prev: hash, iat, key: jwk, retired, revoked, recovery })
  const { keys, recover } = signers
  const own = await Promise.all(keys.map((each) => signBy(context, each, payload)))
  const { recovery: set } = last
  if (recover === undefined || set === null) return [...chain.derived, recordOf(app, seq, payload, own, iat)]
  const recovering = await recoverySignatures(set, recover, payload)
  const record = recordOf(app, seq, payload, [...recovering, ...own], iat)
  await checkRecovery(app, set, record)
  return [...chain.derived, record]
}
