import type { CompiledQuery, Kysely } from 'kysely'
import type { Serialize } from '../../core/runtime/serializer.ts'
import type { Database } from '../schema.ts'
import type { Commits } from './commits.ts'

/** A connection whose reads wait for nothing. */
export interface ImmediateConnection {
  /** The first row of a query that was compiled before. */
  first<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Row | undefined
  all<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): readonly Row[]
  /** Differs from before if another connection, of this process or another, has committed since. */
  version(): number
  /** Begins a transaction that reads. Several reads in one cost less than one transaction for each. */
  begin(): void
  /** Ends it. */
  end(): void
}

/** A connection whose writes wait for nothing but a lock of the file. Nobody else may use it between two of them. */
export interface DirectConnection {
  /** The first row of a query that was compiled before. */
  first<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Row | undefined
  /** Runs a write. Returns the number of rows that it wrote, which costs less than a row for each. */
  run(query: CompiledQuery, parameters: readonly unknown[]): number
  /** Runs `work` as one transaction, once it has the lock. */
  atomically<T>(work: () => T): Promise<T>
}

/** The log of a writer. Its commits move a long log into the file by themselves, in the same turn of the event loop. */
export interface WriteLog {
  /** Lets commits leave the log as it is, until {@link move}. */
  hold(): void
  /** Waits for a turn of the event loop. */
  giveWay(): Promise<void>
  /** Moves it in a later turn of the event loop. A failure is none of the caller's, because the commit holds. */
  move(): Promise<void>
}

/** The connections and hooks of a storage over Kysely. */
export interface Connections {
  /** Runs every write and every transaction. */
  readonly writer: Kysely<Database>
  /** Runs every read outside a transaction. */
  readonly reader: Kysely<Database>
  /** A faster way to the rows of a compiled query than through `reader`. */
  readonly immediate?: ImmediateConnection
  /** A faster way to write by compiled queries than through `writer`, on the same connection. */
  readonly direct?: DirectConnection
  /** Runs once a destroyed secret is gone from the tables. */
  readonly secretErased?: () => Promise<void>
  /** The log that a commit writes, if moving it into the file keeps the event loop. */
  readonly log?: WriteLog
  readonly close: () => Promise<void>
  /** Runs writes one at a time. Writes that share a transaction need it. */
  readonly serialize?: Serialize | undefined
  /** Lets writes share a commit. Without it, each has its own. */
  readonly commits?: Commits
  /** Waits before a verb of a loop that has kept the event loop from others for a while. */
  readonly giveWay?: () => Promise<void> | undefined
  /** As `giveWay`, before a quick read of `immediate`: all who wait go on in the same turn. */
  readonly giveTurn?: () => Promise<void> | undefined
}
