import { CompactSign, compactVerify, decodeJwt, decodeProtectedHeader, importSPKI } from 'jose'
import type { Context } from '../context.ts'
import { invalidInput } from '../input/parse.ts'
import { privateKeyOf } from '../keys/signing-keys.ts'
import { withSigningSlot } from '../keys/signing-queue.ts'
import { retryUntilWon } from '../retry.ts'
import type { AppRecord, AuditChainRecord, NumericDate, SigningKeyRecord } from '../storage/index.ts'
import { parseStrictly } from '../token/token.ts'
import { inTransaction } from '../transaction.ts'
import { endOf } from './keys.ts'

// Auditors keep checkpoints for years, and read them with other programs: the header and the members never change.

/** The payload of a checkpoint, with its members in this order. */
export interface CheckpointClaims {
  /** The app's issuer. */
  readonly iss: string
  /** The app's slug. */
  readonly aud: string
  /** The place of the last entry at that time. */
  readonly seq: number
  /** The `mac` of that entry. */
  readonly head: string
  readonly iat: NumericDate
}

const type = 'checkpoint+jwt'
const maxLength = 8192

/** Entries after which checkpoints are due before their time. */
const mostEntries = 1_000
/** Seconds until checkpoints are due if any entry is new. */
const longest = 3_600
/** Seconds for which one server signs. It is also the shortest time between two checkpoints. */
const lease = 60
/** Places that one read looks at. */
const placesAtOnce = 1_000

/** A clock that was wrong once must not put off the checkpoints. */
function isDue(chain: AuditChainRecord, now: NumericDate): boolean {
  const { seq, checkpointSeq, checkpointAt, leasedUntil } = chain
  const isLeased = now < leasedUntil && leasedUntil <= now + lease
  const isOld = now - checkpointAt >= longest || checkpointAt > now
  return seq > checkpointSeq && !isLeased && (isOld || seq - checkpointSeq >= mostEntries)
}

/** Signs the payload of a checkpoint with RS256. The same key gives the same bytes. */
function sign(context: Context, key: SigningKeyRecord, claims: CheckpointClaims): Promise<string> {
  const make = async (): Promise<string> =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'RS256', typ: type, kid: key.kid })
      .sign(await privateKeyOf(context, key))
  return withSigningSlot(context, (slot) => (slot === null ? make() : slot.run(make)))
}

/** Resolves to `false` if the app is gone, or has this checkpoint. */
async function signFor(context: Context, appId: string, chain: AuditChainRecord): Promise<boolean> {
  const { storage, runtime } = context
  const [app, key] = [await storage.findApp(appId), await storage.findActiveKey(appId)]
  if (app === null || key === null) return false
  const { seq, mac } = endOf(chain)
  const iat = runtime.now()
  const token = await sign(context, key, { iss: app.issuer, aud: app.slug, seq, head: mac, iat })
  const record = { appId, seq, mac, token, createdAt: iat }
  const written = await inTransaction(context, async (tx, emit) => {
    if (!(await tx.insertAuditCheckpoint(record))) return null
    await emit(app, { type: 'audit.checkpoint', data: { seq, head: mac, checkpoint: token } })
    return record
  })
  return written !== null
}

/** The apps that have entries since the last checkpoints. */
async function* appsSince(
  { storage }: Context,
  { checkpointSeq, seq }: AuditChainRecord,
): AsyncGenerator<string> {
  const seen = new Set<string>()
  for (let after = checkpointSeq; after < seq; after += placesAtOnce)
    for (const appId of await storage.listAuditedApps(after, Math.min(seq, after + placesAtOnce))) {
      if (!seen.has(appId)) yield appId
      seen.add(appId)
    }
}

/** Other writes of the chain may come between, so it repeats. */
function finish({ storage, runtime }: Context, seq: number): Promise<boolean> {
  return retryUntilWon(async () => {
    const chain = await storage.findAuditChain()
    if (chain === null || chain.checkpointSeq >= seq) return false
    const patch = { checkpointSeq: seq, checkpointAt: runtime.now() }
    return (await storage.updateAuditChain(chain.version, patch)) === null ? null : true
  })
}

/** Signs checkpoints if they are due. Resolves to their number: 0 too if another server signs them. */
export async function signCheckpoints(context: Context): Promise<number> {
  const { storage, runtime } = context
  const [chain, now] = [await storage.findAuditChain(), runtime.now()]
  if (chain === null || !isDue(chain, now)) return 0
  const leased = await storage.updateAuditChain(chain.version, { leasedUntil: now + lease })
  if (leased === null) return 0
  let count = 0
  for await (const appId of appsSince(context, leased)) if (await signFor(context, appId, leased)) count++
  await finish(context, leased.seq)
  return count
}

function isClaims(claims: Record<string, unknown>): boolean {
  const { iss, aud, seq, head, iat } = claims
  return (
    [iss, aud, head].every((text) => typeof text === 'string') &&
    Number.isSafeInteger(seq) &&
    (seq as number) > 0 &&
    Number.isSafeInteger(iat)
  )
}

function notSigned() {
  return invalidInput({ checkpoint: ['must be a checkpoint that a signing key of an app here has signed'] })
}

/** The key that the checkpoint names, of the app that it names. The signature then proves both. */
async function findSigner(
  { storage }: Context,
  token: string,
): Promise<{ readonly app: AppRecord; readonly key: SigningKeyRecord } | null> {
  const { aud, iss } = decodeJwt(token)
  const { typ, kid } = decodeProtectedHeader(token)
  const app = typ === type && typeof aud === 'string' ? await storage.findApp(aud) : null
  if (app === null || app.slug !== aud || app.issuer !== iss) return null
  const key = (await storage.listSigningKeys(app.id)).find((one) => one.kid === kid)
  return key === undefined ? null : { app, key }
}

async function readSigned(context: Context, token: string): Promise<CheckpointClaims | null> {
  const signer = await findSigner(context, token)
  if (signer === null) return null
  const publicKey = await importSPKI(signer.key.publicKeyPem, 'RS256')
  const { payload } = await compactVerify(token, publicKey, { algorithms: ['RS256'] })
  const claims = parseStrictly(payload)
  return isClaims(claims) ? (claims as unknown as CheckpointClaims) : null
}

/**
 * Reads a checkpoint under the signing keys of its app, retired ones too.
 *
 * @throws {LicensingError} `validation_error` for any other text.
 */
export async function readCheckpoint(context: Context, given: unknown): Promise<CheckpointClaims> {
  if (typeof given !== 'string' || given.length > maxLength) throw notSigned()
  const claims = await readSigned(context, given.trim()).catch((error: unknown) => {
    if (isOutage(error)) throw error
    return null
  })
  if (claims === null) throw notSigned()
  return claims
}

/** A storage that does not answer says nothing about the checkpoint. */
function isOutage(error: unknown): boolean {
  return Object(error).code === 'unavailable'
}
