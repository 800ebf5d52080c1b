import type { DatabaseName, Ground } from './databases.ts'
import type { Spread } from './measure.ts'

/** What one comparison came to. */
export interface Result {
  readonly what: string
  readonly against: string
  readonly runtime: Runtime
  readonly database?: DatabaseName
  /** The figure that the goal is about: a ratio unless `unit` says otherwise. */
  readonly figure: Spread
  readonly unit?: string
  /** None where the row stands beside another for comparison. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number }
  /** The two figures themselves, for people. */
  readonly detail: string
}

export type Runtime = 'Bun' | 'Deno' | 'Node'

/** How thorough a run is. */
export interface Effort {
  readonly quick: boolean
  readonly rounds: number
  /** How long one round of a rate is measured. */
  readonly milliseconds: number
  /** How many licenses stand for a million. */
  readonly licenses: number
}

export const wholeEffort: Effort = { quick: false, rounds: 7, milliseconds: 2000, licenses: 1_000_000 }
export const quickEffort: Effort = { quick: true, rounds: 3, milliseconds: 500, licenses: 20_000 }

/** What a row is measured on at a time. */
export interface Spot {
  readonly runtime: Runtime
  /** None for a row that needs none. */
  readonly database?: DatabaseName
}

/** The effort that is made on a spot: the whole of it on Bun with SQLite, and elsewhere what shows whether it is the same. */
export function effortOn({ runtime, database = 'SQLite' }: Spot, effort: Effort): Effort {
  if (runtime === 'Bun' && database === 'SQLite') return effort
  const most = effort.quick ? 10_000 : 100_000
  return { ...effort, licenses: Math.min(effort.licenses, most), rounds: Math.min(effort.rounds, 5) }
}

/**
 * What a table's row measures; each runs in a process of its own on the runtime that it is about, on ground that is taken
 * away afterwards.
 */
export type Row = (effort: Effort, ground: Ground) => Promise<readonly Result[]>

export function isMet({ figure, goal }: Result): boolean {
  if (goal === undefined) return true
  return 'atMost' in goal ? figure.median <= goal.atMost : figure.median >= goal.atLeast
}

/** A number as people read it. */
export function shown(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 10 ? 3 : 2)
}
