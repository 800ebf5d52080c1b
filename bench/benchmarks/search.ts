import type { LicenseQuery } from '../../src/core/index.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { isPostgresUrl } from '../databases.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'

const day = 86_400
/** Calls of a round, of which the median counts. */
const repetitions = 21
/** Milliseconds. */
const goal = 20

/**
 * Spreads the licenses over two years, each for one year, as a vendor sells them: whoever bought first also ends first. A tenth
 * never ends, a twentieth is revoked, and a third was never seen. Each has a customer of its own, all of whom begin alike.
 */
function scatter(location: string, count: number, now: number): readonly string[] {
  const isPostgres = isPostgresUrl(location)
  const number = isPostgres
    ? "cast(cast('x' || right(installation_id, 8) as bit(32)) as bigint)"
    : '(rowid - 1)'
  const earlier = isPostgres ? 'least' : 'min'
  const bought = `cast(${now - 730 * day} + ${number} * ${(730 * day) / count} as bigint)`
  const end = `${bought} + ${365 * day}`
  return [
    `update heartwood_license set created_at = ${bought},
      expires_at = case when ${number} % 10 = 3 then null else ${end} end,
      revoked_at = case when ${number} % 20 = 7 then ${now} end,
      seen_at = case when ${number} % 3 > 0 then ${earlier}(${now}, ${end}) - ${number} * 7919 % ${90 * day} end`,
    `insert into heartwood_customer (id, app_id, email, folded_email, name, folded_name, metadata, created_at, updated_at)
      select replace(id, 'lic_', 'cus_'), app_id, 'visitor.' || ${number} || '@example.com',
        'visitor.' || ${number} || '@example.com', 'Visitor ' || ${number}, 'visitor ' || ${number}, '{}', created_at, updated_at
      from heartwood_license`,
    ...(isPostgres ? ['analyze heartwood_license', 'analyze heartwood_customer'] : []),
  ]
}

function filtersAt(now: number): Readonly<Record<string, LicenseQuery>> {
  return {
    expires_before: { expiresBefore: now + 30 * day },
    expires_after: { expiresAfter: now + 30 * day },
    seen_before: { seenBefore: now - 30 * day },
    created_after: { createdAfter: now - 600 * day },
    'sort=expires_at': { sort: 'expires_at' },
    'sort=-expires_at': { sort: '-expires_at' },
    'sort=created_at': { sort: 'created_at' },
  }
}

type Call = () => Promise<unknown>

/** The calls of each row, of which the slowest counts. Each list goes on after a cursor. */
async function judgedCalls({ licensing }: Fixture, count: number, now: number) {
  const judged: Record<string, Readonly<Record<string, Call>>> = {
    'Search by the beginning of an e-mail or a name': {
      'of one': () => licensing.search(`visitor.${count / 2}`),
      'of all e-mails': () => licensing.search('visitor.'),
      'of all names': () => licensing.search('VISITOR '),
      'of none': () => licensing.search('nobody'),
    },
  }
  for (const [name, filter] of Object.entries(filtersAt(now))) {
    const calls: Record<string, Call> = {}
    for (const status of [undefined, 'active', 'expired', 'revoked'] as const) {
      const query = status === undefined ? filter : { ...filter, status }
      const { nextCursor } = await licensing.licenses.list('bench', query)
      const cursor = nextCursor === null ? {} : { cursor: nextCursor }
      calls[status ?? 'alone'] = () => licensing.licenses.list('bench', { ...query, ...cursor })
    }
    judged[`List licenses by cursor: ${name}, alone and with each status`] = calls
  }
  return judged
}

/** The calls that the contract leaves as they were. */
function shownCalls({ licensing }: Fixture, now: number): Readonly<Record<string, Call>> {
  return {
    'a page by number, with its total': () =>
      licensing.licenses.list('bench', { expiresBefore: now + 30 * day }),
    'a part of an e-mail': () => licensing.customers.list('bench', { email: 'nobody.' }),
  }
}

async function medianOf(call: Call): Promise<number> {
  const durations: number[] = []
  for (let time = 0; time < repetitions; time++) durations.push(await durationOf(call))
  return spreadOf(durations).median
}

/** The times of each call, round by round. */
async function roundsOf(rounds: number, calls: Readonly<Record<string, Call>>) {
  const times: Record<string, number[]> = {}
  for (let round = 0; round < rounds; round++)
    for (const [name, call] of Object.entries(calls)) (times[name] ??= []).push(await medianOf(call))
  return times
}

function slowest(times: Readonly<Record<string, readonly number[]>>): readonly number[] {
  const [first = [], ...others] = Object.values(times)
  return first.map((time, round) => Math.max(time, ...others.map((other) => other[round]!)))
}

/** Measures the search, and each filter and order of licenses alone and with each status. */
export const search: Benchmark = async ({ rounds, licenses: count }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, count)
  const now = Math.floor(Date.now() / 1000)
  const connection = await openDirectConnection(fixture.location)
  for (const statement of scatter(fixture.location, count, now)) await connection.run(statement, [])
  await connection.vacuum()
  await connection.close()
  const shown: string[] = []
  for (const [name, call] of Object.entries(shownCalls(fixture, now)))
    shown.push(`${name} ${formatMedian([await durationOf(call)])} ms`)
  const results: Result[] = []
  for (const [what, calls] of Object.entries(await judgedCalls(fixture, count, now))) {
    const times = await roundsOf(Math.min(rounds, 3), calls)
    const details = Object.entries(times).map(([name, each]) => `${name} ${formatMedian(each)} ms`)
    results.push({
      what: `${what}, of ${formatNumber(count)}`,
      against: '',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(slowest(times)),
      unit: 'ms',
      goal: { atMost: goal },
      isTooSmall: count < 1_000_000,
      detail: (results.length === 0 ? [...details, ...shown] : details).join(', '),
    })
  }
  await fixture.close()
  return results
}
