import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { inTurn, ratios, spreadOf, timed } from '../measure.ts'
import { shown, type Row } from '../result.ts'
import { fill, makeFolder, openShop, removeFolder } from '../shop.ts'

const bareUpdate = 'update heartwood_license set revision = revision + 1, issued_at = ? where app_id = ?'

/** What regenerating all licenses costs beside the barest update of the same rows. */
export const bulk: Row = async ({ rounds, licenses }) => {
  const folder = makeFolder()
  const shop = await openShop(`${folder}/licenses.db`, 'bench')
  await fill(shop, licenses)
  const connection = await openConnection(shop.filename, { readonly: false })
  connection.exec('pragma synchronous = full; pragma busy_timeout = 5000')
  const update = connection.prepare(bareUpdate)
  const figures = await inTurn(Math.min(rounds, 3), {
    ours: () => timed(() => shop.licensing.licenses.regenerateAll('bench')),
    bare: () => timed(() => update.run([Math.floor(Date.now() / 1000), shop.app.id])),
  })
  connection.close()
  await shop.close()
  removeFolder(folder)
  return [
    {
      what: `Regenerate ${shown(licenses)} licenses in bulk`,
      against: 'a bare SQL update of the same rows',
      runtime: 'Bun',
      database: 'SQLite',
      figure: spreadOf(ratios(figures.ours, figures.bare)),
      goal: { atMost: 2 },
      detail: `${shown(spreadOf(figures.ours).median)} ms, ${shown(spreadOf(figures.bare).median)} ms`,
    },
  ]
}
