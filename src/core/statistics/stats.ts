import { Type } from '@sinclair/typebox'
import type { Context } from '../context.ts'
import { instant, oneOf } from '../input/fields.ts'
import { input, invalidInput, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import { beginOf, hour } from '../runtime/tallies.ts'
import type { AppRecord, NumericDate, TallyRecord, TierCounts } from '../storage/index.ts'
import { day, maxInstant } from '../time.ts'

/**
 * The period of `licensing.stats`.
 *
 * @example
 * ```ts
 * import type { StatsQuery } from 'heartwood'
 *
 * const lastWeek: StatsQuery = { from: new Date(Date.now() - 7 * 86_400_000), step: 'hour' }
 * ```
 */
export interface StatsQuery {
  /** Whole seconds since 1970, or a `Date`. It counts from the begin of its step. Default 30 days or 48 hours before `to`. */
  readonly from?: NumericDate | Date
  /** Whole seconds since 1970, or a `Date`. It counts to the end of its step. Default now. */
  readonly to?: NumericDate | Date
  /** The span of each number, in UTC. Default `day`. */
  readonly step?: 'hour' | 'day'
}

/** The licenses of an app as they were last counted. */
export interface Snapshot {
  readonly at: NumericDate
  /** The tiers in their order, and last, with `null`, the licenses whose tier was deleted. */
  readonly tiers: readonly TierCounts[]
}

/** Numbers of what happened in an app: `licensing.stats`. */
export interface Stats {
  /** The begin of the first step. */
  readonly from: NumericDate
  /** The end of the last step. */
  readonly to: NumericDate
  readonly step: 'hour' | 'day'
  /**
   * A number for each step, by name: `verify.ok`, `renew.ok`, `activate.ok`, `issued` and `revoked` always, and such as
   * `verify.not_found` if they are more than 0.
   */
  readonly series: Readonly<Record<string, readonly number[]>>
  /** `null` until the licenses are counted for the first time. */
  readonly snapshot: Snapshot | null
}

interface ParsedQuery {
  readonly from?: NumericDate
  readonly to?: NumericDate
  readonly step?: 'hour' | 'day'
}

export const statsQuery: Input<ParsedQuery> = input<ParsedQuery>()(
  Type.Object({
    from: Type.Optional(instant('Begin of the period; by default 30 days or 48 hours before its end')),
    to: Type.Optional(instant('End of the period; by default now')),
    step: Type.Optional(oneOf('Span of each number, in UTC; by default day', ['hour', 'day'])),
  }),
)

const seconds = { hour, day } as const
const usualSteps = { hour: 48, day: 30 } as const

/** The most numbers of one series. */
export const maxSteps = 400

/** Names that every result has. */
const usualNames = ['verify.ok', 'renew.ok', 'activate.ok', 'issued', 'revoked'] as const

/** Whole steps. `to` is the end of the last one. */
interface Period {
  readonly step: 'hour' | 'day'
  readonly from: NumericDate
  readonly to: NumericDate
}

/** @throws {LicensingError} `validation_error` for a period that is empty or too long. */
function periodOf({ from, to, step = 'day' }: ParsedQuery, now: NumericDate): Period {
  const span = seconds[step]
  // A time that begins a step is the end of the one before, but now is always inside a step.
  const last = beginOf(span, to === undefined ? now : Math.max(to - 1, 0)) + span
  const end = Math.min(last, beginOf(span, maxInstant))
  const begin = beginOf(span, from ?? Math.max(0, end - usualSteps[step] * span))
  const isReversed = from !== undefined && to !== undefined && from >= to
  if (begin >= end || isReversed) throw invalidInput({ from: ['must be before to'] })
  if (end - begin > maxSteps * span)
    throw invalidInput({ from: [`must be at most ${maxSteps} steps before to`] })
  return { step, from: begin, to: end }
}

function emptySeries(length: number): Map<string, number[]> {
  return new Map(usualNames.map((name) => [name, Array.from({ length }, () => 0)]))
}

function addTally(
  series: Map<string, number[]>,
  period: Period,
  { name, startsAt, count }: TallyRecord,
): void {
  const span = seconds[period.step]
  const numbers = series.get(name) ?? Array.from({ length: (period.to - period.from) / span }, () => 0)
  series.set(name, numbers)
  numbers[(startsAt - period.from) / span] = count
}

async function seriesOf(
  { storage }: Context,
  { id: appId }: AppRecord,
  period: Period,
): Promise<Stats['series']> {
  const { step, from, to } = period
  const span = seconds[step]
  const series = emptySeries((to - from) / span)
  const tallies = await storage.listTallies({ appId, span: step, from, before: to })
  for (const tally of tallies) addTally(series, period, tally)
  return Object.fromEntries([...series].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

async function snapshotOf({ storage }: Context, { id }: AppRecord): Promise<Snapshot | null> {
  const [record] = await storage.findSnapshots([id])
  return record === undefined || record.takenAt === null ? null : { at: record.takenAt, tiers: record.tiers }
}

/** The numbers of an app: see `Licensing.stats`. */
export async function stats(context: Context, app: string, query: StatsQuery = {}): Promise<Stats> {
  const given = statsQuery.parse(query)
  const record = await requireApp(context, app, 'catalogue:read')
  const period = periodOf(given, context.runtime.now())
  const { step, from, to } = period
  const series = await seriesOf(context, record, period)
  return { from, to, step, series, snapshot: await snapshotOf(context, record) }
}
