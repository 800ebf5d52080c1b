import { setTimeout } from 'node:timers/promises'
import type { StatsQuery, TallyRecord } from '../../src/core/index.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { flush } from '../databases.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'
import { idleTurn, turnRow, type Turns, watchTurns } from '../turns.ts'

const hour = 3_600
const day = 86_400
const names = [
  ...['ok', 'not_found', 'token_expired', 'license_revoked', 'invalid_token'].map((code) => `verify.${code}`),
  ...['ok', 'token_expired', 'license_revoked'].map((code) => `renew.${code}`),
  ...['ok', 'seat_limit_reached'].map((code) => `activate.${code}`),
  'issued',
  'revoked',
]

/** Writes a year of hours, and 400 days, of every name. */
async function addYear({ storage, app }: Fixture, now: number): Promise<void> {
  const today = now - (now % day)
  const of = (span: TallyRecord['span'], startsAt: number): readonly TallyRecord[] =>
    names.map((name) => ({ appId: app.id, span, startsAt, name, count: 7 }))
  for (let back = 0; back < 400; back++) {
    const begin = today - back * day
    const hours = back < 365 ? Array.from({ length: 24 }, (_, at) => of('hour', begin + at * hour)) : []
    await storage.addTallies([...of('day', begin), ...hours.flat()])
  }
}

const queries: Readonly<Record<string, StatsQuery>> = {
  '400 days': { step: 'day', from: Math.floor(Date.now() / 1000) - 399 * day },
  '400 hours': { step: 'hour', from: Math.floor(Date.now() / 1000) - 399 * hour },
  'the usual 30 days': {},
}

/** Measures the statistics of an app with very many licenses, and how long their count keeps the event loop from others. */
export const statistics: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  await addYear(fixture, Math.floor(Date.now() / 1000))
  const [idle, turns]: [number[], Turns[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const connection = await openDirectConnection(fixture.location)
    await connection.run('delete from heartwood_snapshot', [])
    await connection.close()
    if (databases.database === 'SQLite') flush(fixture.location)
    idle.push(await idleTurn())
    turns.push(await watchTurns(() => fixture.licensing.keepStats()))
  }
  const counted = turnRow(`count ${formatNumber(licenses)} licenses at night`, turns, idle)
  const results: Result[] = [{ ...counted, database: databases.database }]
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = []
    for (let round = 0; round < 5 * rounds; round++) {
      times.push(await durationOf(() => fixture.licensing.stats('bench', query)))
      await setTimeout(1)
    }
    results.push({
      what: `Statistics of ${name}, with ${formatNumber(licenses)} licenses and a year of hours`,
      against: '',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(times),
      unit: 'ms',
      goal: { atMost: 20 },
      detail: `the count at night took ${formatMedian(turns.map(({ duration }) => duration))} ms`,
    })
  }
  await fixture.close()
  return results
}
