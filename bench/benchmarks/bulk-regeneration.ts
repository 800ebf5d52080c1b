import { openBare } from '../direct-connection.ts'
import { inTurn, ratios, spreadOf, timed } from '../measure.ts'
import { shown, type Row } from '../result.ts'
import { here } from '../child-process.ts'
import { fill, openShop } from '../fixtures.ts'

const bareUpdate = 'update heartwood_license set revision = revision + 1, issued_at = ? where app_id = ?'

/** What regenerating all licenses costs beside the barest update of the same rows. */
export const bulk: Row = async ({ rounds, licenses }, ground) => {
  const shop = await openShop(await ground.place('licenses'), 'bench')
  await fill(shop, licenses)
  const bare = await openBare(shop.location)
  // Otherwise each would pay, in turn, for the rows that the other left behind.
  const tidied = (work: () => unknown) => async () => {
    await bare.tidy()
    return timed(work)
  }
  const figures = await inTurn(Math.min(rounds, 3), {
    ours: tidied(() => shop.licensing.licenses.regenerateAll('bench')),
    bare: tidied(() => bare.run(bareUpdate, [Math.floor(Date.now() / 1000), shop.app.id])),
  })
  await bare.close()
  await shop.close()
  return [
    {
      what: `Regenerate ${shown(licenses)} licenses in bulk`,
      against: 'a bare SQL update of the same rows',
      runtime: here,
      database: ground.database,
      figure: spreadOf(ratios(figures.ours, figures.bare)),
      goal: { atMost: 2 },
      detail: `${shown(spreadOf(figures.ours).median)} ms, ${shown(spreadOf(figures.bare).median)} ms`,
    },
  ]
}
