import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { Stats, StatsQuery } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { columns } from './terminal/columns.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'

export interface StatsOptions extends AsJson {
  readonly query: StatsQuery
}

const stepSeconds = { hour: 3_600, day: 86_400 } as const

/** A day has no hours, and an hour has no minutes. */
function labelOf(time: number, step: Stats['step']): string {
  const text = isoTime(time)
  return step === 'day' ? text.slice(0, 10) : text.slice(0, 13).replace('T', ' ')
}

/** Names in columns, steps in lines. A series of zeros has no column. */
function seriesTable({ series, from, step }: Stats): string {
  const shown = Object.entries(series).filter(([, numbers]) => numbers.some((number) => number > 0))
  if (shown.length === 0) return 'Nothing was counted in this period.'
  const length = shown[0]![1].length
  const lines = Array.from({ length }, (_, at) => [
    labelOf(from + at * stepSeconds[step], step),
    ...shown.map(([, numbers]) => `${numbers[at]}`),
  ])
  return columns([[step === 'day' ? 'DAY' : 'HOUR (UTC)', ...shown.map(([name]) => name)], ...lines])
}

function snapshotTable({ snapshot }: Stats): string {
  if (snapshot === null) return 'The licenses were not counted yet: a running server does it.'
  const lines = snapshot.tiers.map(({ tier, active, expired, revoked }) => [
    tier ?? '(tier deleted)',
    `${active}`,
    `${expired}`,
    `${revoked}`,
  ])
  return `Licenses as of ${isoTime(snapshot.at)}:\n${columns([['TIER', 'ACTIVE', 'EXPIRED', 'REVOKED'], ...lines])}`
}

/** Shows the statistics of an app. */
export async function showStats(
  settings: CliSettings,
  app: string,
  { query, json }: StatsOptions,
  output: Output,
): Promise<void> {
  const stats = await withExistingDatabase(settings, ({ licensing }) => licensing.stats(app, query))
  output.line(json ? jsonOf(toWire(stats)) : `${seriesTable(stats)}\n\n${snapshotTable(stats)}`)
}
