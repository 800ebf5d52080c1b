import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDirectConnection } from '../../bench/direct-connection.ts'
import { openDatabases, type DatabaseName } from '../../bench/databases.ts'
import { addLicenses, installationOf, openFixture } from '../../bench/fixtures.ts'
import { isTypeId } from '../../src/core/ids.ts'
import { givenServer } from '../storage/postgres-database.ts'

const databases: Readonly<Record<DatabaseName, string | false>> = {
  SQLite: false,
  PostgreSQL: givenServer() === undefined && 'there is no server; npm test starts one',
}

for (const [database, skip] of Object.entries(databases) as [DatabaseName, string | false][])
  test(`addLicenses() on ${database}: adds active licenses, whose ids ascend`, { skip }, async () => {
    const places = openDatabases(database)
    try {
      const fixture = await openFixture(await places.create('licenses'), 'bench')
      await addLicenses(fixture, 50)
      const filter = { appId: fixture.app.id, status: 'active', now: Math.floor(Date.now() / 1000) } as const
      assert.equal(await fixture.storage.countLicenses(filter), 50)
      const newestFirst = await fixture.storage.listLicenses(filter, { limit: 50 })
      assert.ok(newestFirst.every(({ id }) => isTypeId('lic', id)))
      const installations = Array.from({ length: 50 }, (_, number) => installationOf(49 - number))
      assert.deepEqual(
        newestFirst.map(({ installationId }) => installationId),
        installations,
      )
      const last = { installationId: installationOf(49) }
      assert.equal((await fixture.licensing.verification.verify('bench', last)).valid, true)

      const connection = await openDirectConnection(fixture.location)
      await connection.run('update heartwood_license set revision = ? where app_id = ?', [7, fixture.app.id])
      await connection.vacuum()
      await connection.close()
      assert.equal((await fixture.storage.findLicense(fixture.app.id, newestFirst[9]!.id))?.revision, 7)
      await fixture.close()
    } finally {
      await places.removeAll()
    }
  })
