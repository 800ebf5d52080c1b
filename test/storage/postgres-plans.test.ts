import { after, describe, it } from 'node:test'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { storageCases } from '../../src/testing/index.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const database = await openTestDatabase()
const options = { skip: database === undefined && noPostgres }
after(() => database?.drop())

describe('PostgreSQL storage with other plans than the usual: the contract', options, () => {
  /** The planner changes its plans as tables grow. A statement that depends on one plan fails here. */
  const open = async () => {
    const url = new URL(await database!.emptied())
    for (const kind of ['hashjoin', 'hashagg', 'mergejoin', 'material', 'memoize', 'sort'])
      url.searchParams.set(`enable_${kind}`, 'off')
    return postgresStorage({ connectionString: url.href })
  }
  for (const { name, run } of storageCases) it(name, () => run(open))
})
