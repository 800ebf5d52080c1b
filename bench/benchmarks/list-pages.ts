import { base64url } from 'jose'
import { inTurn, ratios, spreadOf, timed } from '../measure.ts'
import { shown, type Row } from '../result.ts'
import { here } from '../child-process.ts'
import { fill, openShop, type Shop } from '../fixtures.ts'

const perPage = 20
const repetitions = 200

/** The cursor that leads to a page, as walking there would have given it. */
async function cursorTo({ storage, app }: Shop, page: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const before = { limit: 1, offset: (page - 1) * perPage - 1 }
  const [last] = await storage.listLicenses({ appId: app.id, now }, before)
  return base64url.encode(JSON.stringify([last!.id]))
}

/** What a page deep in a list costs beside the first. */
export const pages: Row = async ({ rounds, licenses }, ground) => {
  const shop = await openShop(await ground.place('licenses'), 'bench')
  await fill(shop, licenses)
  const page = licenses / perPage
  const [deep, second] = [await cursorTo(shop, page), await cursorTo(shop, 2)]
  const { list } = shop.licensing.licenses
  const walk = (cursor: string) => () =>
    timed(async () => {
      for (let time = 0; time < repetitions; time++) await list('bench', { cursor, perPage })
    })
  const figures = await inTurn(rounds, { deep: walk(deep), first: walk(second) })
  await shop.close()
  const each = (figure: readonly number[]): string => shown(spreadOf(figure).median / repetitions)
  return [
    {
      what: `List licenses by cursor, page ${shown(page)}`,
      against: 'the first page reached by cursor',
      runtime: here,
      database: ground.database,
      figure: spreadOf(ratios(figures.deep, figures.first)),
      goal: { atMost: 1.2 },
      detail: `${each(figures.deep)} ms, ${each(figures.first)} ms`,
    },
  ]
}
