import type { WorkUnit } from './context.ts'
import { LicensingError } from './errors.ts'
import type { KeyPair } from './runtime/key-pool.ts'
import { serializer } from './runtime/serializer.ts'
import { withTimeLimit } from './runtime/time-limit.ts'
import type { Storage, StorageSession } from './storage/index.ts'
import { isRead } from './storage/verbs.ts'

/** Milliseconds for which work may hold its transaction. Another process waits 5 s for the writer of SQLite. */
const patience = 4_000

type Verb = (...given: readonly unknown[]) => Promise<unknown>
type Call = (name: string, given: readonly unknown[]) => Promise<unknown>
type Opening = () => Promise<StorageSession>

function call(session: StorageSession, name: string, given: readonly unknown[]): Promise<unknown> {
  return (Reflect.get(session, name) as Verb).call(session, ...given)
}

/** Verbs that change nothing which anybody would miss: a slot of an ended license is free, a license key is held. */
const harmless: readonly string[] = ['releaseInstallation', 'holdLicenseKey']

/** A use case locks a row by a write of the time that the row has. */
function isLock(name: string, given: readonly unknown[]): boolean {
  // Some verbs take a version before the patch.
  const patch = given.find((each) => typeof each === 'object' && each !== null)
  return (
    name.startsWith('update') &&
    patch !== undefined &&
    Object.keys(patch as object).every((field) => field === 'updatedAt')
  )
}

/** A lost guard has written nothing. */
function hasWritten(name: string, given: readonly unknown[], outcome: unknown): boolean {
  return outcome !== false && outcome !== null && !harmless.includes(name) && !isLock(name, given)
}

/** A session whose verbs pass through `intercept`. A storage may be an instance of a class, so a spread is no copy. */
function intercepted<Session extends StorageSession>(session: Session, intercept: Call): Session {
  return new Proxy(session, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function' || typeof name === 'symbol') return verb
      return (...given: readonly unknown[]) => intercept(name, given)
    },
  })
}

/** The parts that every run of a work shares. */
interface Frame {
  readonly outside: Storage
  /** The work that this one is a part of. */
  readonly outer: WorkUnit | null
  /** The pairs that earlier runs have made. */
  readonly keyPairs: KeyPair[]
  readonly begin: Opening
}

/** One run of the work. The first write begins the transaction, so that work holds none while it only prepares. */
class Run implements WorkUnit {
  readonly storage: Storage
  readonly #frame: Frame
  readonly #serialize = serializer()
  readonly #oneVerb = serializer()
  readonly #actions: (() => void)[] = []
  #session: Promise<StorageSession> | null = null
  #keyPairsUsed = 0
  #isOver = false
  #fault: { readonly error: unknown } | null = null

  /** @param session The transaction, if it has begun already. */
  constructor(frame: Frame, session?: StorageSession) {
    this.#frame = frame
    if (session !== undefined) this.#session = Promise.resolve(session)
    this.storage = intercepted(frame.outside, (name, given) => this.#call(name, given))
  }

  get isWriting(): boolean {
    return this.#session !== null
  }

  afterCommit(action: () => void): void {
    this.#actions.push(action)
  }

  async keyPair(make: () => Promise<KeyPair>): Promise<KeyPair> {
    const { outer, keyPairs } = this.#frame
    if (outer !== null) return outer.keyPair(make)
    const known = keyPairs[this.#keyPairsUsed++]
    if (known !== undefined) return known
    if (this.isWriting) throw new TypeError('Give a ready keyPair inside a transaction')
    const made = await make()
    keyPairs.push(made)
    return made
  }

  /** Runs the work. Then no verb works any more, but a step that the work did not wait for comes to its end. */
  async run<Result>(work: (unit: WorkUnit) => Promise<Result>): Promise<Result> {
    const result = await work(this)
    return this.#serialize(async () => {
      this.#isOver = true
      return result
    })
  }

  /** The result of `done`, if the work is whole and in time. No verb works after this. */
  async result<Result>(done: Promise<Result>): Promise<Result> {
    try {
      const result = await withTimeLimit(done, patience, tooSlow)
      if (this.#fault !== null) throw this.#fault.error
      return result
    } finally {
      this.#isOver = true
    }
  }

  committed(): void {
    const { outer } = this.#frame
    for (const action of this.#actions)
      if (outer === null) action()
      else outer.afterCommit(action)
  }

  async #call(name: string, given: readonly unknown[]): Promise<unknown> {
    if (name === 'ping') return call(this.#frame.outside, name, given)
    if (isRead(name)) return this.#read(name, given)
    // Calls of the work may overlap, and one must not undo what another has written.
    return this.#serialize(async () => {
      const session = await this.#opened()
      if (name !== 'transaction') return this.#write(session, name, given)
      return this.#step(session, given[0] as (tx: StorageSession) => Promise<unknown>)
    })
  }

  #opened(): Promise<StorageSession> {
    this.#requireOpen()
    this.#session ??= this.#frame.begin()
    return this.#session
  }

  #requireOpen(): void {
    if (this.#isOver) throw new Error('The work under this idempotency key is over')
  }

  async #read(name: string, given: readonly unknown[]): Promise<unknown> {
    if (this.#session !== null) return this.#verb(await this.#session, name, given)
    this.#requireOpen()
    return call(this.#frame.outside, name, given)
  }

  /** PostgreSQL refuses every statement between one that failed and the end of its savepoint, reads too. */
  #verb(session: StorageSession, name: string, given: readonly unknown[]): Promise<unknown> {
    return this.#oneVerb(async () => {
      this.#requireOpen()
      return call(session, name, given)
    })
  }

  /** A write that rejects ends a transaction of PostgreSQL, so no storage may commit the rest. */
  async #write(session: StorageSession, name: string, given: readonly unknown[]): Promise<unknown> {
    try {
      return await this.#verb(session, name, given)
    } catch (error) {
      this.#fault ??= { error }
      throw error
    }
  }

  /** A transaction inside the work. If it fails after it has written, the work cannot be whole any more. */
  async #step(session: StorageSession, work: (tx: StorageSession) => Promise<unknown>): Promise<unknown> {
    let isHalfDone = false
    const step = intercepted(session, async (name, given) => {
      if (isRead(name)) return this.#verb(session, name, given)
      const outcome = await this.#write(session, name, given)
      isHalfDone ||= hasWritten(name, given, outcome)
      return outcome
    })
    try {
      return await work(step)
    } catch (error) {
      if (isHalfDone) this.#fault ??= { error }
      throw error
    }
  }
}

function tooSlow(): never {
  const seconds = patience / 1000
  throw new LicensingError('unavailable', `The work kept its transaction open for more than ${seconds} s`)
}

/** The work, and the storing of its result. */
interface Task<Result> {
  readonly work: (unit: WorkUnit) => Promise<Result>
  readonly record: (session: StorageSession, result: Result) => Promise<void>
}

interface Conclusion<Result> {
  readonly run: Run
  readonly result: Result
}

async function conclude<Result>(
  { record }: Task<Result>,
  run: Run,
  done: Promise<Result>,
  tx: StorageSession,
): Promise<Conclusion<Result>> {
  const result = await run.result(done)
  await record(tx, result)
  return { run, result }
}

/**
 * Runs `work` with all of its writes in one transaction, and `record` in the same. The first write begins it. Work that
 * writes nothing is recorded by itself. A storage may run the work again after a conflict.
 *
 * Inside the work `outer` it is a step of that one, so nothing is committed before `outer` is.
 *
 * @throws {LicensingError} `unavailable` if the work holds the transaction for too long; whatever `work` throws.
 */
export async function inOneTransaction<Result>(
  outside: Storage,
  outer: WorkUnit | null,
  task: Task<Result>,
): Promise<Result> {
  const opened = Promise.withResolvers<StorageSession>()
  const committed = Promise.withResolvers<Conclusion<Result>>()
  let isFirst = true
  const transaction = async (tx: StorageSession): Promise<Conclusion<Result>> => {
    const run = isFirst ? first : new Run(frame, tx)
    isFirst = false
    opened.resolve(tx)
    return conclude(task, run, run === first ? done : run.run(task.work), tx)
  }
  const begin = (): Promise<StorageSession> => {
    committed.resolve(outside.transaction(transaction, { alone: true }))
    committed.promise.catch(opened.reject)
    return opened.promise
  }
  const frame: Frame = { outside, outer, keyPairs: [], begin }
  const first = new Run(frame)
  const done = first.run(task.work)
  // Work that hangs is ended by its transaction.
  await Promise.race([done, committed.promise]).catch(() => {})
  const { run, result } = await (first.isWriting ? committed.promise : conclude(task, first, done, outside))
  run.committed()
  return result
}
