import { after, test } from 'node:test'
import { postgresStorage } from '../../../src/storage/postgres.ts'
import { openTestDatabase } from '../../storage/postgres-database.ts'
import { newWorld, start } from '../../support/fixtures.ts'
import { cases } from './cases.ts'
import { newDesk } from './desk.ts'
import { judge } from './judge.ts'

const database = await openTestDatabase()
after(() => database?.drop())

test(
  'diagnose() on PostgreSQL: everything that customers send',
  { skip: database === undefined },
  async () => {
    const storage = await postgresStorage({ connectionString: await database!.emptied() })
    try {
      const desk = await newDesk(await newWorld({ storage }), start)
      for (const each of cases)
        judge(await desk.world.licensing.diagnose({ text: await each.text(desk) }), each)
    } finally {
      await storage.close()
    }
  },
)
