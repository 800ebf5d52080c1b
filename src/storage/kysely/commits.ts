import type { Kysely } from 'kysely'
import type { Database } from '../schema.ts'

/** A write that waits for its statements. */
export interface PendingTransaction<T> {
  /** True if other writes may share its commit. Work that takes long must not share, because the others would wait for it. */
  readonly mayShare: boolean
  /** Runs the write with a commit of its own. */
  alone(): Promise<T>
  /** Runs the write inside a transaction that others share. */
  within(db: Kysely<Database>): Promise<T>
}

/** A short write whose statements wait for nothing. Other writes may share its commit. */
export interface PendingStep<T> {
  readonly mayShare: true
  /** Runs the write with a commit of its own. */
  alone(): Promise<T>
  /** Runs the write inside a transaction that others share. If a step fails, those beside it are undone and run again. */
  step(): T
}

/** A write that has not begun. */
export type PendingWrite<T> = PendingTransaction<T> | PendingStep<T>

/** Decides when a write runs, and with which others it shares a commit. The result of a write comes after its commit. */
export interface Commits {
  /** The milliseconds that a transaction may take if others may share its commit. */
  readonly patience?: number
  run<T>(write: PendingWrite<T>): Promise<T>
}

/** Gives each write a commit of its own, at once. */
export const ownCommits: Commits = { run: (write) => write.alone() }
