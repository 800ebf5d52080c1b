// Licenses inside your own database and your own transaction, with Kysely: an order and its license are stored
// together or not at all. On SQLite in memory, or on PostgreSQL when DATABASE_URL is set.
import process from 'node:process'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, PostgresDialect, sql, SqliteDialect } from 'kysely'
import { createLicensing } from 'heartwood'
import { kyselyStorage, migrate } from 'heartwood/storage/kysely'

interface Tables {
  shop_order: { id: string; email: string; license_id: string | null }
}

// Your database, as you have it already. Heartwood's tables stand beside yours; their names begin with heartwood_.
const connectionString = process.env['DATABASE_URL']
const db = connectionString === undefined ? openSqlite() : await openPostgres(connectionString)
const orders = db.schema.createTable('shop_order').addColumn('id', 'text').addColumn('email', 'text')
await orders.addColumn('license_id', 'text').execute()
await migrate(db)

// In earnest: the same 32 bytes at every start, from your secret store.
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage: kyselyStorage(db), masterKey })
await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro' })

/** Stores an order and issues its license; when anything fails, neither is there. */
function placeOrder(email: string, pay: () => Promise<void>) {
  return db.transaction().execute(async (trx) => {
    // A write comes first: on SQLite it takes the lock for all that follows.
    const id = crypto.randomUUID()
    await trx.insertInto('shop_order').values({ id, email, license_id: null }).execute()
    const { customers, licenses } = licensing.with(kyselyStorage(trx))
    const { customer } = await customers.getOrCreate('desktop-app', { email })
    const license = await licenses.create('desktop-app', {
      installationId: crypto.randomUUID(),
      customerId: customer.id,
      tierId: 'pro',
      durationDays: 365,
    })
    await trx.updateTable('shop_order').set({ license_id: license.id }).where('id', '=', id).execute()
    await pay()
    return license
  })
}

const { id } = await placeOrder('ada@example.com', async () => {})
// The token comes after the commit: to sign takes milliseconds, and a transaction would hold its locks for so long.
const token = await licensing.licenses.token('desktop-app', id)
console.log(`Ada's order is stored with ${id}, whose token has ${token!.length} characters`)

const refused = placeOrder('grace@example.com', async () => {
  throw new Error('the card was refused')
})
await refused.catch((error: Error) => console.log(`Grace's order is not stored: ${error.message}`))

const stored = await db.selectFrom('shop_order').select('email').execute()
const licenses = await licensing.licenses.list('desktop-app')
const customers = await licensing.customers.list('desktop-app')
console.log(`${stored.length} order, ${licenses.total} license, ${customers.total} customer`)

if (connectionString !== undefined) await sql`drop schema heartwood_example cascade`.execute(db)
await db.destroy()

/** `node:sqlite`, which all three runtimes have, as Kysely's own dialect wants it. */
function openSqlite(): Kysely<Tables> {
  const sqlite = new DatabaseSync(':memory:')
  sqlite.exec('pragma foreign_keys = on')
  const prepare = (text: string) => {
    const statement = sqlite.prepare(text)
    const values = (given: readonly unknown[]) => given as SQLInputValue[]
    return {
      reader: statement.columns().length > 0,
      all: (given: readonly unknown[]) => statement.all(...values(given)),
      run: (given: readonly unknown[]) => statement.run(...values(given)),
      iterate: (given: readonly unknown[]) => statement.iterate(...values(given)),
    }
  }
  return new Kysely<Tables>({
    dialect: new SqliteDialect({ database: { prepare, close: () => sqlite.close() } }),
  })
}

/** The driver `pg`, in a schema that is gone at the end. */
async function openPostgres(connectionString: string): Promise<Kysely<Tables>> {
  const { Pool } = await import('pg')
  const pool = new Pool({ connectionString, options: '-c search_path=heartwood_example' })
  const opened = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  await sql`create schema heartwood_example`.execute(opened)
  return opened
}
