import type { DatabaseName, Databases } from './databases.ts'
import type { Result } from './result.ts'

export type Runtime = 'Bun' | 'Deno' | 'Node'

/** A runtime, and the database if the benchmark uses one. */
export interface Platform {
  readonly runtime: Runtime
  readonly database?: DatabaseName
}

/** The thoroughness of a run. */
export interface Effort {
  readonly quick: boolean
  readonly rounds: number
  /** The duration of one round in which a rate is measured. */
  readonly milliseconds: number
  /** The number of licenses in a large database. */
  readonly licenses: number
}

export const fullEffort: Effort = { quick: false, rounds: 7, milliseconds: 2000, licenses: 1_000_000 }
export const quickEffort: Effort = { quick: true, rounds: 3, milliseconds: 500, licenses: 20_000 }

/** Reduces the effort on every platform but Bun with SQLite, because full runs everywhere would take too long. */
export function effortFor({ runtime, database = 'SQLite' }: Platform, effort: Effort): Effort {
  if (runtime === 'Bun' && database === 'SQLite') return effort
  const most = effort.quick ? 10_000 : 100_000
  return { ...effort, licenses: Math.min(effort.licenses, most), rounds: Math.min(effort.rounds, 5) }
}

/** Measures something on the runtime of this process. Each result is one row of the table. */
export type Benchmark = (effort: Effort, databases: Databases) => Promise<readonly Result[]>
