import { base64url } from 'jose'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatNumber } from '../result.ts'

const perPage = 20
const repetitions = 200

/** Makes the cursor of a page without walking there page by page. */
async function cursorTo({ storage, app }: Fixture, page: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const before = { limit: 1, offset: (page - 1) * perPage - 1 }
  const [last] = await storage.listLicenses({ appId: app.id, now }, before)
  return base64url.encode(JSON.stringify([last!.id]))
}

/** Compares the last page of a long list with the first one that a cursor reaches. */
export const listPages: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const page = licenses / perPage
  const [deep, second] = [await cursorTo(fixture, page), await cursorTo(fixture, 2)]
  const { list } = fixture.licensing.licenses
  const readPage = (cursor: string) => () =>
    durationOf(async () => {
      for (let time = 0; time < repetitions; time++) await list('bench', { cursor, perPage })
    })
  const figures = await measureInTurn(rounds, { deep: readPage(deep), first: readPage(second) })
  await fixture.close()
  const eachOf = (times: readonly number[]): string => formatNumber(spreadOf(times).median / repetitions)
  return [
    {
      what: `List licenses by cursor, page ${formatNumber(page)}`,
      against: 'the first page reached by cursor',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(ratios(figures.deep, figures.first)),
      goal: { atMost: 1.2 },
      detail: `${eachOf(figures.deep)} ms, ${eachOf(figures.first)} ms`,
    },
  ]
}
