import { base64url } from 'jose'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { invalidInput } from '../input/parse.ts'
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
import { privateKeyOf, rsaJwk } from './signing-keys.ts'
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
  readonly key: RsaJwk
  readonly retired: Readonly<Record<string, NumericDate>>
  readonly revoked: readonly string[]
  readonly recovery: RecoverySet | null
}

/** The makers of its signatures. */
export interface Signers {
  /** Signing keys of the app, whose private halves are still there. */
  readonly keys: readonly SigningKeyRecord[]
  /** Only for a statement that recovery keys must sign, or that brings in new ones. */
  readonly recover?: Recover | undefined
  /** True if enough recovery keys of the app must sign. */
  readonly mustRecover: boolean
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
    key: await rsaJwk(key.publicKeyPem),
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

/** Each signature of one of these recovery keys, once. */
function signaturesOf(
  { kids }: RecoverySet,
  given: readonly StatementSignature[],
): readonly StatementSignature[] {
  return kids.flatMap((kid) => given.find((one) => one.protected === protectedHeader(kid)) ?? [])
}

/** The record with these signatures before its own. */
function withSignatures(
  record: KeyStatementRecord,
  signatures: readonly StatementSignature[],
): KeyStatementRecord {
  const own = JSON.parse(record.signatures) as readonly StatementSignature[]
  return { ...record, signatures: JSON.stringify([...signatures, ...own]) }
}

/** Reads what recovery keys have signed as programs will: nobody can correct a statement that they refuse. */
async function isRecovered(
  app: AppRecord,
  recovery: RecoverySet,
  record: KeyStatementRecord,
): Promise<boolean> {
  const expected = { issuer: app.issuer, audience: app.slug }
  const read = await readStatement(signedStatementOf(record), expected)
  return read !== null && (await warrantOf(read, { signers: [], recovery })) !== null
}

function tooFew({ threshold }: RecoverySet): LicensingError {
  const reason = `The signatures are not those of ${threshold} recovery keys of the app`
  return new LicensingError('recovery_required', `${reason}, which commands take by --recovery-key`)
}

function unproven(): LicensingError {
  return invalidInput({
    kids: ['must each sign the statement, because nobody could replace a wrong thumbprint'],
  })
}

/** The recovery keys that the set before does not have. Each of them must sign. */
function newKeys(next: RecoverySet | null, { recovery }: KeyStatement): RecoverySet | null {
  const kids = next?.kids.filter((kid) => recovery?.kids.includes(kid) !== true) ?? []
  return kids.length === 0 ? null : { threshold: kids.length, kids }
}

/** Asks recovery keys for the signatures that a statement needs from them. Resolves to the record with those that it keeps. */
async function signedByRecoveryKeys(
  app: AppRecord,
  { last }: Chain,
  recovery: RecoverySet | null,
  { recover, mustRecover }: Signers,
  record: KeyStatementRecord,
): Promise<KeyStatementRecord> {
  const given = recover === undefined ? [] : await recover(record.payload)
  const set = mustRecover ? last.recovery : null
  const signed = set === null ? record : withSignatures(record, signaturesOf(set, given))
  if (set !== null && !(await isRecovered(app, set, signed))) throw tooFew(set)
  const added = newKeys(recovery, last)
  // Programs need no proof, so the statement does not keep it.
  if (added !== null && !(await isRecovered(app, added, withSignatures(record, signaturesOf(added, given)))))
    throw unproven()
  return signed
}

/**
 * The records to write for the next statement: the first one too, if it is not stored yet.
 *
 * @throws {LicensingError} `recovery_required` if `recover` gives too few signatures; `validation_error` if a new recovery key
 * has not signed.
 */
export async function nextStatements(
  context: Context,
  app: AppRecord,
  chain: Chain,
  { key, retired, revoked, recovery }: Succession,
  signers: Signers,
): Promise<readonly KeyStatementRecord[]> {
  const [seq, iat] = [chain.last.seq + 1, context.runtime.now()]
  const { issuer: iss, slug: aud } = app
  const payload = payloadOf({ iss, aud, seq, prev: chain.hash, iat, key, retired, revoked, recovery })
  const own = await Promise.all(signers.keys.map((each) => signBy(context, each, payload)))
  const record = recordOf(app, seq, payload, own, iat)
  return [...chain.derived, await signedByRecoveryKeys(app, chain, recovery, signers, record)]
}
