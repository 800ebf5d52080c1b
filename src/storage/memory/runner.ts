import type { LookUps, Tables } from './tables.ts'

/** Runs the verbs of one session. A verb that only reads gets tables that it cannot change. */
export interface Runner {
  readonly read: <T>(verb: (tables: LookUps) => T) => Promise<T>
  /** Runs a verb whole: if it throws, it has changed nothing. */
  readonly write: <T>(verb: (tables: Tables) => T) => Promise<T>
}
