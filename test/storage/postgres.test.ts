import { after, describe, it } from 'node:test'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { storageCases } from '../../src/testing/index.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const database = await openTestDatabase()
const options = { skip: database === undefined && noPostgres }
after(() => database?.drop())

const open = async () => postgresStorage({ connectionString: await database!.emptied() })

describe('PostgreSQL storage: the contract', options, () => {
  for (const { name, run } of storageCases) it(name, () => run(open))
})
