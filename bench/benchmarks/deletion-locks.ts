import { setTimeout } from 'node:timers/promises'
import postgres from 'postgres'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'

/** The number that one statement deletes in 12.8 s. */
const mostLicenses = 600_000

interface Waits {
  /** The longest time that a writer has waited for the row of one license, in milliseconds. */
  readonly longest: number
  readonly duration: number
}

/** Writes to one license after another, all over the table, while some work is done. */
async function watchLocks({ location, app }: Fixture, work: () => Promise<unknown>): Promise<Waits> {
  const client = postgres(location, { max: 1, onnotice: () => {} })
  const write = async (): Promise<unknown> => client`
    update heartwood_license set seen_at = seen_at where id = (
      select id from heartwood_license tablesample system (0.01) where app_id = ${app.id} limit 1)`
  await write()
  const end = new AbortController()
  let longest = 0
  const watching = (async () => {
    while (!end.signal.aborted) longest = Math.max(longest, await durationOf(write))
  })()
  const duration = await durationOf(work).finally(() => end.abort())
  await watching
  await client.end()
  return { longest, duration }
}

async function untilOver({ storage }: Fixture): Promise<void> {
  while ((await storage.listDeletions()).length > 0) await setTimeout(20)
}

const deletions: Readonly<Record<string, (fixture: Fixture) => Promise<void>>> = {
  'a tier': ({ licensing }) => licensing.tiers.delete('bench', 'pro'),
  'a customer': async ({ licensing }) => {
    const { id } = await licensing.customers.getByExternalId('bench', 'ada')
    await licensing.customers.delete('bench', id)
  },
}

/** Measures how long a large deletion keeps others from writing to a license, on PostgreSQL. */
export const deletionLocks: Benchmark = async ({ quick, rounds }, databases) => {
  const count = quick ? 20_000 : mostLicenses
  const original = await openFixture(await databases.create('original'), 'bench')
  await addLicenses(original, count)
  await original.close()
  const results: Result[] = []
  for (const [name, deletion] of Object.entries(deletions)) {
    const [idle, waits]: [number[], Waits[]] = [[], []]
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      const copy = await databases.copy(original.location, `${name.replaceAll(' ', '_')}_${round}`)
      const fixture = await openFixture(copy, 'bench')
      idle.push((await watchLocks(fixture, () => setTimeout(2_000))).longest)
      waits.push(await watchLocks(fixture, () => deletion(fixture).then(() => untilOver(fixture))))
      await fixture.close()
    }
    const took = formatMedian(waits.map(({ duration }) => duration))
    results.push({
      what: `Longest wait for the row of a license: delete ${name} with ${formatNumber(count)} licenses`,
      against: '',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(waits.map(({ longest }) => longest)),
      unit: 'ms',
      goal: { atMost: 1_000 },
      detail: `${took} ms in all, longest wait without a deletion ${formatMedian(idle)} ms`,
    })
  }
  return results
}
