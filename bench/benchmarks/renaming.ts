import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'

const many = 100_000

/** Calls of a round. The median of a call counts, because a checkpoint of the database falls into a few of them. */
const calls = 101

type Rename = (name: string) => Promise<unknown>

/** The ways to rename what has many licenses. */
async function renamesOf({ licensing, storage, app }: Fixture): Promise<Readonly<Record<string, Rename>>> {
  const customer = (await storage.findCustomerByExternalId(app.id, 'ada'))!
  return {
    'a customer': (name) => licensing.customers.update('bench', customer.id, { name }),
    'an app': (name) => licensing.apps.update('bench', { name }),
    'a tier': (name) => licensing.tiers.update('bench', 'pro', { name }),
  }
}

async function medianOf(rename: Rename): Promise<number> {
  const durations: number[] = []
  for (let call = 0; call < calls; call++) durations.push(await durationOf(() => rename(`Name ${call}`)))
  return spreadOf(durations).median
}

/** Compares the renaming of records that many licenses refer to with that of records of one license. */
export const renaming: Benchmark = async ({ rounds, licenses }, databases) => {
  const count = Math.min(licenses, many)
  const large = await openFixture(await databases.create('large'), 'bench')
  const small = await openFixture(await databases.create('small'), 'bench')
  await addLicenses(large, count)
  await addLicenses(small, 1)
  const [inLarge, inSmall] = [await renamesOf(large), await renamesOf(small)]
  const results: Result[] = []
  for (const [name, rename] of Object.entries(inLarge)) {
    const figures = await measureInTurn(Math.min(rounds, 5), {
      large: () => medianOf(rename),
      small: () => medianOf(inSmall[name]!),
    })
    results.push({
      what: `Rename ${name} with ${formatNumber(count)} licenses`,
      against: '',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(figures.large),
      unit: 'ms',
      goal: { atMost: 0.3 },
      isTooSmall: count < many,
      detail: `with one license ${formatMedian(figures.small)} ms, ${formatMedian(ratios(figures.large, figures.small))} ×`,
    })
  }
  await Promise.all([large.close(), small.close()])
  return results
}
