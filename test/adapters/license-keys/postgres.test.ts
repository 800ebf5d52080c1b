import { after, test } from 'node:test'
import { postgresStorage } from '../../../src/storage/postgres.ts'
import { openTestDatabase } from '../../storage/postgres-database.ts'
import { buyAndMove, manage, syncSale } from './journey.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const journeys = {
  'buy, activate, run out of seats, release and move': buyAndMove,
  'change, roll, revoke, reinstate, release all and delete': manage,
  'a sale that is told twice, late and in any order': syncSale,
}
for (const [name, journey] of Object.entries(journeys))
  test(`license keys over HTTP on PostgreSQL: ${name}`, { skip: database === undefined }, async () => {
    const storage = await postgresStorage({ connectionString: await database!.emptied() })
    await journey(storage).finally(() => storage.close())
  })
