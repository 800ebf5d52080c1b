import type { Context, Keeper } from './context.ts'
import { LicensingError } from './errors.ts'
import { invalidInput } from './input/parse.ts'
import { tokenOf, type SignedLicense } from './licenses/view.ts'
import type { KeptAnswerRecord } from './storage/index.ts'

/** Under which key a request may be repeated. */
export interface IdempotencyKey {
  /** What the caller chose: 1 to 255 printable ASCII characters. */
  readonly key: string
  /** Whose key it is: the same key of another scope is another key. */
  readonly scope: string
  /** Of the request, such as a hash: the same key with another one is refused. */
  readonly fingerprint: string
  /** The app that the work is in, by slug or id, where its answer holds a license token. */
  readonly app?: string
}

/** An answer, and whether it is the first one over again. */
export interface KeptAnswer<Answer> {
  readonly answer: Answer
  readonly replayed: boolean
}

const keptFor = 86_400
const patience = 10_000
const form = /^[\x20-\x7e]{1,255}$/

function purposeOf({ scope, key }: Pick<IdempotencyKey, 'scope' | 'key'>): string {
  return `kept-answer ${scope} ${key}`
}

function mismatch(): LicensingError {
  return new LicensingError('idempotency_mismatch', 'This idempotency key was used with another request')
}

function inProgress(): LicensingError {
  return new LicensingError(
    'idempotency_in_progress',
    'The first request under this idempotency key is still running',
  )
}

/** No kept answer holds a license token: it is derived anew when the answer is given again. */
function withoutToken(answer: object): object {
  return 'token' in answer ? { ...answer, token: null } : answer
}

function sealAnswer(context: Context, key: IdempotencyKey, answer: object): KeptAnswerRecord {
  const bytes = new TextEncoder().encode(JSON.stringify(withoutToken(answer)))
  return {
    scope: key.scope,
    key: key.key,
    fingerprint: key.fingerprint,
    answer: context.sealer.seal(bytes, purposeOf(key)),
    expiresAt: context.now() + keptFor,
  }
}

/** A kept answer under the first master key, `null` when it is already. @throws {LicensingError} `master_key`. */
export function resealAnswer({ sealer }: Context, kept: KeptAnswerRecord): string | null {
  return sealer.reseal(kept.answer, purposeOf(kept))
}

/** The first answer, short of its token. @throws {LicensingError} `idempotency_mismatch`. */
async function recall(context: Context, key: IdempotencyKey): Promise<object | null> {
  const kept = await context.storage.findKeptAnswer(key.scope, key.key, context.now())
  if (kept === null) return null
  if (kept.fingerprint !== key.fingerprint) throw mismatch()
  return JSON.parse(new TextDecoder().decode(context.sealer.open(kept.answer, purposeOf(key)))) as object
}

/** Thrown inside a transaction to give it up: another request under the same key was faster. */
class AnsweredMeanwhile extends Error {}

/** A context whose next commit keeps its answer under the key, in the same transaction. */
function keepingContext(context: Context, key: IdempotencyKey): { context: Context; isKept: () => boolean } {
  let isKept = false
  const keeper: Keeper = {
    async keep(tx, answer) {
      if (isKept) return
      if (!(await tx.insertKeptAnswer(sealAnswer(context, key, answer), context.now())))
        throw new AnsweredMeanwhile()
    },
    kept: () => void (isKept = true),
  }
  return { context: { ...context, keeper }, isKept: () => isKept }
}

async function runOnce<Answer extends object>(
  context: Context,
  key: IdempotencyKey,
  work: (context: Context) => Promise<Answer>,
): Promise<Answer> {
  const keeping = keepingContext(context, key)
  const answer = await work(keeping.context)
  // Work that wrote nothing, or in many pages, is safe to repeat: its answer is kept behind it.
  if (!keeping.isKept())
    await context.storage.insertKeptAnswer(sealAnswer(context, key, answer), context.now())
  return answer
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

/** The kept answer with its license token as it is now. */
async function withToken(context: Context, app: string | undefined, answer: object): Promise<object> {
  const { token, id, status } = answer as Partial<SignedLicense>
  if (token === undefined || id === undefined || app === undefined) return answer
  const record = await context.storage.findApp(app)
  const license = record === null ? null : await context.storage.findLicense(record.id, id)
  if (record === null || license === null) return answer
  const signs = status === 'expired' ? (['active', 'expired'] as const) : undefined
  return { ...answer, token: await tokenOf(context, record, license, signs) }
}

async function replay<Answer>(context: Context, key: IdempotencyKey): Promise<KeptAnswer<Answer> | null> {
  const kept = await recall(context, key)
  if (kept === null) return null
  return { answer: (await withToken(context, key.app, kept)) as Answer, replayed: true }
}

/** Runs the work; when it fails because another server was faster under the same key, gives that one's answer. */
async function runOrReplay<Answer extends object>(
  context: Context,
  key: IdempotencyKey,
  work: (context: Context) => Promise<Answer>,
): Promise<KeptAnswer<Answer>> {
  try {
    return { answer: await runOnce(context, key, work), replayed: false }
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
): Promise<KeptAnswer<Answer>> {
  if (!form.test(key.key))
    throw invalidInput({ idempotencyKey: ['must be 1 to 255 printable ASCII characters'] })
  const name = JSON.stringify([key.scope, key.key])
  for (let running = context.running.get(name); running !== undefined; running = context.running.get(name))
    await waitFor(running)
  const promise = replay<Answer>(context, key).then((kept) => kept ?? runOrReplay(context, key, work))
  context.running.set(name, promise)
  return promise.finally(() => context.running.delete(name))
}
