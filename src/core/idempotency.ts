import { recordReads } from './acts/act.ts'
import type { Context, IdempotencyRecorder } from './context.ts'
import { LicensingError } from './errors.ts'
import { invalidInput } from './input/parse.ts'
import { storedResponsePurpose } from './keys/purposes.ts'
import { findApp } from './lookup.ts'
import { revealed } from './license-keys/changes.ts'
import { textOf } from './license-keys/credential.ts'
import { isLicenseKeyText } from './license-keys/text.ts'
import { withToken, type LicenseStatus, type SignedLicense } from './licenses/view.ts'
import type { Sealer } from './runtime/sealer.ts'
import { withTimeLimit } from './runtime/time-limit.ts'
import { may, sees } from './principal.ts'
import type { AppRecord, StorageSession, StoredResponseRecord } from './storage/index.ts'
import { day } from './time.ts'
import { isTokenText } from './token/token.ts'
import { inOneTransaction } from './work-unit.ts'

/** Declares that a result is a license with its token. */
export interface LicenseResult {
  /** The license's app, by slug or id. */
  readonly app: string
  /** The statuses that the work signs for. Default `active` alone. A regeneration signs for `expired` too. */
  readonly signs?: readonly LicenseStatus[]
}

/** Declares that a result is a license key with its text. */
export interface LicenseKeyResult {
  /** The app of the license key, by slug or id. */
  readonly app: string
}

/**
 * A key under which a request may be repeated.
 *
 * @example
 * ```ts
 * import type { IdempotencyKey } from 'heartwood'
 *
 * const key: IdempotencyKey = { key: 'order 2026-0001', scope: 'orders', fingerprint: '{"tier":"pro"}' }
 * ```
 */
export interface IdempotencyKey {
  /** The caller's own choice: 1 to 255 printable ASCII characters. */
  readonly key: string
  /**
   * The owner of the key. The same key in another scope is another key. Under {@link Licensing.restrictedTo} the owner is
   * always the API key, so that no other key gets its results.
   */
  readonly scope: string
  /** Identifies the request, for example a hash of it. The same key with another fingerprint is refused. */
  readonly fingerprint: string
  /**
   * The fingerprint that the caller's earlier version made of the same request. A result that was stored under it is found
   * too, so that an upgrade between two attempts does the work once.
   */
  readonly earlierFingerprint?: string
  /**
   * Declares that the work results in a license with its token, a `SignedLicense`. A token is never stored: a replay derives
   * it anew. Without this declaration a replay has `null` in its place.
   */
  readonly license?: LicenseResult
  /**
   * Declares that the work results in a license key with its text, a `LicenseKeyWithText`. A text is never stored: a replay
   * derives it anew. Without this declaration a replay has `null` in its place.
   */
  readonly licenseKey?: LicenseKeyResult
}

/** The result of work under a key. */
export interface IdempotentResult<Result> {
  readonly result: Result
  /** True if the work was not done, because an earlier request has left this result. */
  readonly replayed: boolean
}

/** Milliseconds for which a request waits for the first one. */
const patience = 10_000
const form = /^[\x20-\x7e]{1,255}$/

function mismatch(): LicensingError {
  return new LicensingError('idempotency_mismatch', 'This idempotency key was used with another request')
}

function inProgress(): LicensingError {
  return new LicensingError(
    'idempotency_in_progress',
    'The first request under this idempotency key is still running',
  )
}

/**
 * The JSON of a result, with `null` in place of every license token and every license key, however `work` came by it.
 *
 * @throws {TypeError} for a result that could not be replayed.
 */
function toStoredText(result: object): string {
  const text: unknown = JSON.stringify(result, (_name, value: unknown) =>
    isSecretText(value) ? null : value,
  )
  if (typeof text === 'string' && /^[{[]/.test(text)) return text
  throw new TypeError('The result of work under an idempotency key must be an object or a list of JSON')
}

/** True for text that is derived and must never be stored. */
function isSecretText(value: unknown): boolean {
  return isTokenText(value) || (typeof value === 'string' && isLicenseKeyText(value))
}

/** Seals a result for storage. */
function sealResult(context: Context, key: IdempotencyKey, result: object): StoredResponseRecord {
  const bytes = new TextEncoder().encode(toStoredText(result))
  return {
    scope: key.scope,
    key: key.key,
    fingerprint: key.fingerprint,
    answer: context.runtime.sealer.seal(bytes, storedResponsePurpose(key.scope, key.key)),
    expiresAt: context.runtime.now() + day,
  }
}

/** A stored response under the first master key; `null` if it is already. @throws {LicensingError} `master_key`. */
export function resealResponse(sealer: Sealer, stored: StoredResponseRecord): string | null {
  return sealer.reseal(stored.answer, storedResponsePurpose(stored.scope, stored.key))
}

/** @throws {LicensingError} `idempotency_mismatch`. */
async function findResult(context: Context, key: IdempotencyKey): Promise<object | null> {
  const { storage, runtime } = context
  const stored = await storage.findStoredResponse(key.scope, key.key, runtime.now())
  if (stored === null) return null
  if (![key.fingerprint, key.earlierFingerprint].includes(stored.fingerprint)) throw mismatch()
  const bytes = runtime.sealer.open(stored.answer, storedResponsePurpose(key.scope, key.key))
  return JSON.parse(new TextDecoder().decode(bytes)) as object
}

/** Rolls a transaction back: another request under the same key was faster. */
class StoredMeanwhile extends Error {}

/** Stores the result of the first transaction that commits. */
interface Recorder extends IdempotencyRecorder {
  /** Stores the result of work that committed no transaction of one step. */
  recordUnwritten(result: object): Promise<void>
}

function recorderFor(context: Context, key: IdempotencyKey): Recorder {
  let isRecorded = false
  const insert = (session: StorageSession, result: object): Promise<boolean> =>
    session.insertStoredResponse(sealResult(context, key, result), context.runtime.now())
  return {
    async record(tx, result) {
      if (!isRecorded && !(await insert(tx, result))) throw new StoredMeanwhile()
    },
    committed: () => void (isRecorded = true),
    async recordUnwritten(result) {
      if (!isRecorded) await insert(context.storage, result)
    },
  }
}

type Work<Result> = (context: Context) => Promise<Result>

/** Runs work with all of its writes in one transaction. The token of a declared license is derived after the commit. */
async function runAsUnit<Result extends object>(
  context: Context,
  key: IdempotencyKey,
  work: Work<Result>,
): Promise<Result> {
  const record = async (session: StorageSession, result: Result): Promise<void> => {
    const response = sealResult(context, key, result)
    if (!(await session.insertStoredResponse(response, context.runtime.now()))) throw new StoredMeanwhile()
  }
  return inOneTransaction(context.storage, context.unit, {
    work: (unit) => work({ ...context, storage: unit.storage, recorder: null, unit }),
    record,
  })
}

/** Runs one use case in its own transactions. */
async function runRecorded<Result extends object>(
  context: Context,
  key: IdempotencyKey,
  work: Work<Result>,
): Promise<Result> {
  const recorder = recorderFor(context, key)
  const result = await work({ ...context, recorder })
  // Work that wrote nothing, or wrote in many pages, is safe to repeat: its result is stored after it.
  await recorder.recordUnwritten(result)
  return result
}

/** Waits until a request has settled. @throws {LicensingError} `idempotency_in_progress`. */
async function waitFor(running: Promise<unknown>): Promise<void> {
  await withTimeLimit(Promise.allSettled([running]), patience, () => {
    throw inProgress()
  })
}

/** The app, if the caller sees it: a declaration of work names any. */
async function findSeen(context: Context, name: string): Promise<AppRecord | null> {
  const app = await findApp(context, name)
  return app !== null && sees(context.principal, app) ? app : null
}

/** A key that sells or rolls license keys sees the texts that it makes. */
function mayShowText({ principal }: Context): boolean {
  return may(principal, 'license_keys:reveal') || may(principal, 'license_keys:write')
}

/** The stored license with its token as of now, or as it was stored if the license or its app is gone. */
async function signAnew(
  context: Context,
  { app, signs = ['active'] }: LicenseResult,
  stored: SignedLicense,
): Promise<SignedLicense> {
  const record = await findSeen(context, app)
  const license = record === null ? null : await context.storage.findLicense(record.id, stored.id)
  if (record === null || license === null) return stored
  // A license that has expired since gets no token; one that was expired keeps it.
  const signedNow = signs.filter((status) => status === 'active' || status === stored.status)
  const { token } = await withToken(context, record, license, signedNow)
  return { ...stored, token }
}

/** A declared result with its token, if it is a license. */
async function withOwnToken<Result extends object>(
  context: Context,
  declared: LicenseResult,
  result: Result,
): Promise<Result> {
  if (!('id' in result) || typeof result.id !== 'string') return result
  return (await signAnew(context, declared, result as unknown as SignedLicense)) as unknown as Result
}

/** The stored license key with its text as of now, or as it was stored if it is gone. A result without a text gets none. */
async function withOwnText<Result extends object>(
  context: Context,
  { app }: LicenseKeyResult,
  result: Result,
): Promise<Result> {
  if (!('id' in result && 'key' in result) || typeof result.id !== 'string') return result
  if (!mayShowText(context)) return result
  const record = await findSeen(context, app)
  const key = record && (await context.storage.findLicenseKey(record.id, result.id))
  if (!record || !key) return result
  await recordReads(context, [revealed(record, key)])
  return { ...result, key: await textOf(context, record, key) }
}

async function replay<Result>(
  context: Context,
  key: IdempotencyKey,
): Promise<IdempotentResult<Result> | null> {
  const stored = await findResult(context, key)
  if (stored === null) return null
  const { license, licenseKey } = key
  const signed = license === undefined ? stored : await withOwnToken(context, license, stored)
  const result = licenseKey === undefined ? signed : await withOwnText(context, licenseKey, signed)
  return { result: result as Result, replayed: true }
}

/** Runs the work. If another server was faster under the same key, resolves to its result. */
async function runOrReplay<Result extends object>(
  context: Context,
  key: IdempotencyKey,
  run: () => Promise<Result>,
): Promise<IdempotentResult<Result>> {
  try {
    return { result: await run(), replayed: false }
  } catch (error) {
    const replayed = await replay<Result>(context, key)
    if (replayed !== null) return replayed
    throw error instanceof StoredMeanwhile ? inProgress() : error
  }
}

/** A replay skips the checks of `work`, so the result of one API key must not reach a caller with fewer rights. */
function ownedBy({ principal }: Context, key: IdempotencyKey): IdempotencyKey {
  return principal === null ? key : { ...key, scope: principal.id }
}

/** Replays a stored result, or runs. Requests under the same key in this process wait for each other. */
async function runOnce<Result extends object>(
  context: Context,
  key: IdempotencyKey,
  run: () => Promise<Result>,
): Promise<IdempotentResult<Result>> {
  if (!form.test(key.key))
    throw invalidInput({ idempotencyKey: ['must be 1 to 255 printable ASCII characters'] })
  const { runningRequests } = context.runtime
  const name = JSON.stringify([key.scope, key.key])
  for (let running = runningRequests.get(name); running !== undefined; running = runningRequests.get(name))
    await waitFor(running)
  const promise = replay<Result>(context, key).then((replayed) => replayed ?? runOrReplay(context, key, run))
  runningRequests.set(name, promise)
  return promise.finally(() => runningRequests.delete(name))
}

/** Does work once under a key: see `Licensing.idempotent`. */
export async function idempotently<Result extends object>(
  context: Context,
  given: IdempotencyKey,
  work: Work<Result>,
): Promise<IdempotentResult<Result>> {
  const key = ownedBy(context, given)
  const outcome = await runOnce(context, key, () => runAsUnit(context, key, work))
  if (outcome.replayed || key.license === undefined) return outcome
  return { result: await withOwnToken(context, key.license, outcome.result), replayed: false }
}

/** Makes one call once under a key: see `Licensing.idempotentCall`. */
export async function idempotentlyOnce<Result extends object>(
  context: Context,
  given: IdempotencyKey,
  work: Work<Result>,
): Promise<IdempotentResult<Result>> {
  const key = ownedBy(context, given)
  return runOnce(context, key, () => runRecorded(context, key, work))
}
