import type { Context, IdempotencyRecorder } from './context.ts'
import { LicensingError } from './errors.ts'
import { invalidInput } from './input/parse.ts'
import { withToken, type LicenseStatus, type SignedLicense } from './licenses/view.ts'
import { storedResponsePurpose } from './keys/purposes.ts'
import { day } from './time.ts'
import type { Sealer } from './runtime/sealer.ts'
import type { StorageSession, StoredResponseRecord } from './storage/index.ts'

/** Says of a result that it is a license with its token, and which licenses get one. */
export interface LicenseResult {
  /** The license's app, by slug or id. */
  readonly app: string
  /** The statuses that the work signs for. Default `active` alone; a regeneration signs for `expired` too. */
  readonly signs?: readonly LicenseStatus[]
}

/** Under which key a request may be repeated. */
export interface IdempotencyKey {
  /** What the caller chose: 1 to 255 printable ASCII characters. */
  readonly key: string
  /** Whose key it is: the same key of another scope is another key. */
  readonly scope: string
  /** Of the request, such as a hash: the same key with another one is refused. */
  readonly fingerprint: string
  /**
   * Declares that the work results in a license with its token, a `SignedLicense`. A token is never stored: a replay derives
   * it anew, and without this declaration answers `null` in its place.
   */
  readonly license?: LicenseResult
}

/** An answer, and whether it is the first one over again. */
export interface IdempotentResult<Answer> {
  readonly result: Answer
  readonly replayed: boolean
}

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

/** Seals a result for storage, with `null` in place of every token that was `issued` with it. */
function sealResult(
  context: Context,
  key: IdempotencyKey,
  result: object,
  issued: ReadonlySet<unknown>,
): StoredResponseRecord {
  const text = JSON.stringify(result, (_name, value: unknown) => (issued.has(value) ? null : value))
  const bytes = new TextEncoder().encode(text)
  return {
    scope: key.scope,
    key: key.key,
    fingerprint: key.fingerprint,
    answer: context.runtime.sealer.seal(bytes, storedResponsePurpose(key.scope, key.key)),
    expiresAt: context.runtime.now() + day,
  }
}

/** A kept answer under the first master key, `null` when it is already. @throws {LicensingError} `master_key`. */
export function resealAnswer(sealer: Sealer, kept: StoredResponseRecord): string | null {
  return sealer.reseal(kept.answer, storedResponsePurpose(kept.scope, kept.key))
}

/** The first answer, short of its token. @throws {LicensingError} `idempotency_mismatch`. */
async function recall(context: Context, key: IdempotencyKey): Promise<object | null> {
  const kept = await context.storage.findStoredResponse(key.scope, key.key, context.runtime.now())
  if (kept === null) return null
  if (kept.fingerprint !== key.fingerprint) throw mismatch()
  return JSON.parse(
    new TextDecoder().decode(
      context.runtime.sealer.open(kept.answer, storedResponsePurpose(key.scope, key.key)),
    ),
  ) as object
}

/** Thrown inside a transaction to give it up: another request under the same key was faster. */
class AnsweredMeanwhile extends Error {}

/** Stores the result of the first transaction that commits, and of work without one on request. */
interface Recorder extends IdempotencyRecorder {
  recordUnwritten(result: object): Promise<void>
}

function recorderFor(context: Context, key: IdempotencyKey): Recorder {
  const issued = new Set<string>()
  let isRecorded = false
  const insert = (session: StorageSession, result: object): Promise<boolean> =>
    session.insertStoredResponse(sealResult(context, key, result, issued), context.runtime.now())
  return {
    async record(tx, result) {
      if (!isRecorded && !(await insert(tx, result))) throw new AnsweredMeanwhile()
    },
    committed: () => void (isRecorded = true),
    issued: (token) => void issued.add(token),
    async recordUnwritten(result) {
      if (!isRecorded) await insert(context.storage, result)
    },
  }
}

async function runOnce<Answer extends object>(
  context: Context,
  key: IdempotencyKey,
  work: (context: Context) => Promise<Answer>,
): Promise<Answer> {
  const recorder = recorderFor(context, key)
  const result = await work({ ...context, recorder })
  // Work that wrote nothing, or wrote in many pages, is safe to repeat: its result is stored after it.
  await recorder.recordUnwritten(result)
  return result
}

function timer(milliseconds: number): { readonly over: Promise<'over'>; stop(): void } {
  let handle: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<'over'>((resolve) => {
    handle = setTimeout(() => resolve('over'), milliseconds)
  })
  return { over, stop: () => clearTimeout(handle) }
}

/** Waits for the request that runs under the same key in this process. @throws {LicensingError} `idempotency_in_progress`. */
async function waitFor(running: Promise<unknown>): Promise<void> {
  const { over, stop } = timer(patience)
  const settled = running.then(
    () => 'settled' as const,
    () => 'settled' as const,
  )
  const first = await Promise.race([settled, over])
  stop()
  if (first === 'over') throw inProgress()
}

/** The stored license with its token as of now, or as it was stored if the license or its app is gone. */
async function signAnew(
  context: Context,
  { app, signs = ['active'] }: LicenseResult,
  stored: SignedLicense,
): Promise<SignedLicense> {
  const record = await context.storage.findApp(app)
  const license = record === null ? null : await context.storage.findLicense(record.id, stored.id)
  if (record === null || license === null) return stored
  // A license that has expired since gets no token; one that was expired keeps it.
  const signedNow = signs.filter((status) => status === 'active' || status === stored.status)
  const { token } = await withToken(context, record, license, signedNow)
  return { ...stored, token }
}

async function replay<Answer>(
  context: Context,
  key: IdempotencyKey,
): Promise<IdempotentResult<Answer> | null> {
  const stored = await recall(context, key)
  if (stored === null) return null
  const { license } = key
  const result = license === undefined ? stored : await signAnew(context, license, stored as SignedLicense)
  return { result: result as Answer, replayed: true }
}

/** Runs the work; when it fails because another server was faster under the same key, gives that one's answer. */
async function runOrReplay<Answer extends object>(
  context: Context,
  key: IdempotencyKey,
  work: (context: Context) => Promise<Answer>,
): Promise<IdempotentResult<Answer>> {
  try {
    return { result: await runOnce(context, key, work), replayed: false }
  } catch (error) {
    const kept = await replay<Answer>(context, key)
    if (kept !== null) return kept
    throw error instanceof AnsweredMeanwhile ? inProgress() : error
  }
}

/**
 * Does work once under a key: the same key again within 24 hours gets the first answer again, over restarts and between
 * servers, since the answer is kept in the transaction of the work. Only answers are kept, never refusals.
 *
 * @throws {LicensingError} `validation_error` for a malformed key; `idempotency_mismatch`; `idempotency_in_progress` when
 * the first request still runs after ten seconds; whatever `work` throws.
 */
export async function idempotently<Answer extends object>(
  context: Context,
  key: IdempotencyKey,
  work: (context: Context) => Promise<Answer>,
): Promise<IdempotentResult<Answer>> {
  if (!form.test(key.key))
    throw invalidInput({ idempotencyKey: ['must be 1 to 255 printable ASCII characters'] })
  const name = JSON.stringify([key.scope, key.key])
  for (
    let running = context.runtime.runningRequests.get(name);
    running !== undefined;
    running = context.runtime.runningRequests.get(name)
  )
    await waitFor(running)
  const promise = replay<Answer>(context, key).then((kept) => kept ?? runOrReplay(context, key, work))
  context.runtime.runningRequests.set(name, promise)
  return promise.finally(() => context.runtime.runningRequests.delete(name))
}
