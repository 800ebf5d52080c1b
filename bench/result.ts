import type { Runtime } from './benchmark.ts'
import type { DatabaseName } from './databases.ts'
import { spreadOf, type Spread } from './measure.ts'

/** One row of the table: a figure, and its goal. */
export interface Result {
  /** The measured operation. */
  readonly what: string
  /** The reference that it is compared with; empty if the goal is a fixed figure. */
  readonly against: string
  readonly runtime: Runtime
  readonly database?: DatabaseName
  /** The figure that the goal is about. It is a ratio, unless `unit` names something else. */
  readonly figure: Spread
  readonly unit?: string
  /** Absent if the row is only for comparison. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number }
  /** True if the run was too small for the goal, so that the figure meets or misses it by chance. */
  readonly isTooSmall?: boolean
  /** The measured values behind the figure: ours, then the reference. */
  readonly detail: string
}

/** True if the median meets the goal, or if there is no goal that can be judged. */
export function isMet({ figure, goal, isTooSmall = false }: Result): boolean {
  if (goal === undefined || isTooSmall) return true
  return 'atMost' in goal ? figure.median <= goal.atMost : figure.median >= goal.atLeast
}

/** Formats a number for people: two or three significant digits, or thousands with commas. */
export function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 10 ? 3 : 2)
}

/** Formats the median of a figure over several rounds. */
export function formatMedian(figures: readonly number[]): string {
  return formatNumber(spreadOf(figures).median)
}
