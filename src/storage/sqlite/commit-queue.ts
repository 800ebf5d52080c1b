import type { Kysely } from 'kysely'
import { LicensingError } from '../../core/errors.ts'
import { describeOutage } from '../errors.ts'
import type { Commits, PendingStep, PendingTransaction, PendingWrite } from '../kysely/commits.ts'
import type { Database } from '../schema.ts'
import type { Connection } from './connection.ts'
import { clock, pause, turn } from './turn.ts'

/** A group holds the lock of the file. These limits give other processes their turn. */
const groupLimits = { writes: 64, milliseconds: 10 }

/** The milliseconds that a group may take for the next one to gather. */
const gathering = 4

/** Timers count whole milliseconds. A shorter wait ends sooner by turns of the event loop. */
const shortestPause = 1

interface Entry<Write = PendingWrite<unknown>> {
  readonly write: Write
  resolve(value: unknown): void
  reject(error: unknown): void
}

type Step = Entry<PendingStep<unknown>>

/** Tells the caller of a write its outcome. */
type Tell = () => void

/**
 * Runs the writes of one SQLite file in the order of the calls, one commit in each turn of the event loop. Writes that wait
 * for the same turn share the commit, so that one wait for the disk serves them all. The event loop has a turn after each
 * write of a group. So neither a burst of writes nor a loop over writes keeps it from reads.
 *
 * A write of a group that fails is undone alone. A transaction has a savepoint of its own. Steps that stand side by side share
 * one. SQLite copies each page at its first change inside a savepoint. So one for each step costs nearly as much as the step.
 * If a step fails, all that share its savepoint are undone. Each runs again with a savepoint of its own.
 *
 * Nobody hears an outcome before the commit: even a refusal may rest on what another write of the group wrote. If the commit
 * fails, every write of the group fails.
 */
export class CommitQueue implements Commits {
  readonly patience = 4_000
  readonly #writer: Kysely<Database>
  readonly #connection: Connection
  readonly #waiting: Entry[] = []
  /** The queue calls this after each arrival while the next group gathers. */
  #arrived: (() => void) | undefined
  #isRunning = false

  /** @param connection The only one of `writer`. Savepoints go past Kysely, because a short write takes less time than they do there. */
  constructor(writer: Kysely<Database>, connection: Connection) {
    this.#writer = writer
    this.#connection = connection
  }

  run<T>(write: PendingWrite<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ write, resolve: resolve as Entry['resolve'], reject })
      this.#arrived?.()
      if (!this.#isRunning) void this.#runAll()
    })
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup()
      const began = clock()
      await (group.length === 1 ? runAlone(group[0]!) : this.#runTogether(group))
      await this.#gather(group.length, Math.min(clock() - began, gathering))
    }
    this.#isRunning = false
  }

  /**
   * Waits for a turn of the event loop, so that writes that arrive in it share the next commit. Those who wrote together will
   * often write together again, so one commit for all of them is worth as long a wait as the last one took.
   */
  async #gather(expected: number, milliseconds: number): Promise<void> {
    const end = clock() + milliseconds
    const left = (): number => (this.#waiting.length < expected ? end - clock() : 0)
    await turn()
    if (expected === 1) return
    while (left() > 0) {
      // Turns alone would use a whole core for as long as the clients and the disk let the queue wait.
      if (left() >= shortestPause) await this.#sleepUntil(expected, left())
      await turn()
    }
  }

  /** Sleeps until this number of writes has arrived, for at most about so many milliseconds. */
  async #sleepUntil(expected: number, milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#arrived = () => {
      if (this.#waiting.length >= expected) resolve()
    }
    await pause(milliseconds, promise)
    this.#arrived = undefined
  }

  /** The writes at the head of the queue that may share a commit, or one that may not. */
  #nextGroup(): readonly Entry[] {
    const other = this.#waiting.findIndex(({ write }) => !write.mayShare)
    const count = Math.min(other === -1 ? this.#waiting.length : other, groupLimits.writes)
    return this.#waiting.splice(0, Math.max(count, 1))
  }

  async #runTogether(group: readonly Entry[]): Promise<void> {
    const outcomes: Tell[] = []
    try {
      await this.#writer.transaction().execute((db) => this.#runGroup(db, group, outcomes))
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    for (const tell of outcomes) tell()
    // The group had no time for the rest.
    this.#waiting.unshift(...group.slice(outcomes.length))
  }

  /** Runs the writes for which the group has time, and adds their outcomes. */
  async #runGroup(db: Kysely<Database>, group: readonly Entry[], outcomes: Tell[]): Promise<void> {
    const end = clock() + groupLimits.milliseconds
    for (;;) {
      outcomes.push(...(await this.#runNext(db, group.slice(outcomes.length), end)))
      if (outcomes.length === group.length || clock() > end) return
      await turn()
    }
  }

  /** Runs the transaction at the head, or the steps there until a time. Resolves to the outcomes of those that ran. */
  async #runNext(db: Kysely<Database>, rest: readonly Entry[], end: number): Promise<readonly Tell[]> {
    const [next] = rest
    if ('step' in next!.write) return this.#runSteps(leadingSteps(rest), end)
    return [await this.#runTransaction(db, next!.write, next!)]
  }

  async #runTransaction(
    db: Kysely<Database>,
    write: PendingTransaction<unknown>,
    { resolve, reject }: Entry,
  ): Promise<Tell> {
    this.#mark('savepoint heartwood_write')
    try {
      const value = await write.within(db)
      this.#mark('release heartwood_write')
      return () => resolve(value)
    } catch (error) {
      this.#undo(error)
      return () => reject(error)
    }
  }

  /** Runs at least one of the steps, and the next ones until a time. Resolves to the outcomes of those that ran. */
  async #runSteps(steps: readonly Step[], end: number): Promise<readonly Tell[]> {
    const values: unknown[] = []
    this.#mark('savepoint heartwood_write')
    try {
      for (const { write } of steps) {
        // A read that arrives need not wait for the rest of the steps.
        if (values.length > 0) await turn()
        values.push(write.step())
        if (clock() > end) break
      }
      this.#mark('release heartwood_write')
    } catch (error) {
      this.#undo(error)
      return this.#runOneByOne(steps.slice(0, values.length + 1), error)
    }
    return values.map((value, at) => () => steps[at]!.resolve(value))
  }

  /** Runs steps again that were undone together, each with a savepoint of its own. One alone has failed by itself. */
  async #runOneByOne(steps: readonly Step[], error: unknown): Promise<readonly Tell[]> {
    if (steps.length === 1) return steps.map((step) => () => step.reject(error))
    const outcomes: Tell[] = []
    for (const step of steps) {
      if (outcomes.length > 0) await turn()
      outcomes.push(...(await this.#runSteps([step], Infinity)))
    }
    return outcomes
  }

  #undo(cause: unknown): void {
    try {
      this.#mark('rollback to heartwood_write')
      this.#mark('release heartwood_write')
    } catch {
      throw givenUp(cause)
    }
  }

  #mark(statement: string): void {
    this.#connection.prepare(statement).run([])
  }
}

/** The steps that stand side by side at the head. */
function leadingSteps(entries: readonly Entry[]): readonly Step[] {
  const end = entries.findIndex(({ write }) => !('step' in write))
  return entries.slice(0, end === -1 ? entries.length : end) as readonly Step[]
}

async function runAlone({ write, resolve, reject }: Entry): Promise<void> {
  try {
    resolve(await write.alone())
  } catch (error) {
    reject(error)
  }
}

/** On a full disk, SQLite rolls the whole transaction back by itself. Then the savepoint is gone. */
function givenUp(cause: unknown): LicensingError {
  const known = cause instanceof LicensingError && cause.code === 'unavailable'
  if (known) return cause
  return new LicensingError('unavailable', describeOutage(cause) ?? 'The database gave the transaction up', {
    cause,
  })
}
