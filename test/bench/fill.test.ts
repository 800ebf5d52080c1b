import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBare } from '../../bench/direct-connection.ts'
import { openGround, type DatabaseName } from '../../bench/databases.ts'
import { effortOn, quickEffort, wholeEffort } from '../../bench/result.ts'
import { fill, installationOf, openShop } from '../../bench/fixtures.ts'
import { isTypeId } from '../../src/core/ids.ts'
import { givenServer } from '../storage/postgres-database.ts'

const databases: Readonly<Record<DatabaseName, string | false>> = {
  SQLite: false,
  PostgreSQL: givenServer() === undefined && 'no server is given: npm test starts one',
}

for (const [database, skip] of Object.entries(databases) as [DatabaseName, string | false][])
  test(`a shop on ${database} is filled with active licenses, whose ids ascend`, { skip }, async () => {
    const ground = openGround(database)
    try {
      const shop = await openShop(await ground.place('licenses'), 'bench')
      await fill(shop, 50)
      const filter = { appId: shop.app.id, status: 'active', now: Math.floor(Date.now() / 1000) } as const
      assert.equal(await shop.storage.countLicenses(filter), 50)
      const newestFirst = await shop.storage.listLicenses(filter, { limit: 50 })
      assert.ok(newestFirst.every(({ id }) => isTypeId('lic', id)))
      const installations = Array.from({ length: 50 }, (_, number) => installationOf(49 - number))
      assert.deepEqual(
        newestFirst.map(({ installationId }) => installationId),
        installations,
      )
      const last = { installationId: installationOf(49) }
      assert.equal((await shop.licensing.verification.verify('bench', last)).valid, true)

      const bare = await openBare(shop.location)
      await bare.run('update heartwood_license set revision = ? where app_id = ?', [7, shop.app.id])
      await bare.tidy()
      await bare.close()
      assert.equal((await shop.storage.findLicense(shop.app.id, newestFirst[9]!.id))?.revision, 7)
      await shop.close()
    } finally {
      await ground.remove()
    }
  })

test('Bun with SQLite gets all licenses and rounds, every other spot fewer', () => {
  const [onBun, onNode] = [{ runtime: 'Bun' } as const, { runtime: 'Node', database: 'SQLite' } as const]
  const fewer = { ...wholeEffort, licenses: 100_000, rounds: 5 }
  assert.deepEqual(effortOn(onBun, wholeEffort), wholeEffort)
  assert.deepEqual(effortOn({ ...onBun, database: 'PostgreSQL' }, wholeEffort), fewer)
  assert.deepEqual(effortOn(onNode, wholeEffort), fewer)
  assert.deepEqual(effortOn(onNode, quickEffort), { ...quickEffort, licenses: 10_000 })
})
