// Licenses inside your own database and your own transaction, with Kysely.
// The transaction stores an order and its license together, or rolls both back.
// It uses SQLite in memory, or PostgreSQL if DATABASE_URL is set.
import process from 'node:process'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, PostgresDialect, sql, SqliteDialect } from 'kysely'
import { createLicensing } from 'heartwood'
import { kyselyStorage, migrate } from 'heartwood/storage/kysely'

interface Tables {
  shop_order: { id: string; email: string; license_id: string | null }
}

// Your existing database. Heartwood adds its tables beside yours, and their names begin with heartwood_.
const connectionString = process.env['DATABASE_URL']
const db = connectionString === undefined ? openSqlite() : await openPostgres(connectionString)
const orders = db.schema.createTable('shop_order').addColumn('id', 'text').addColumn('email', 'text')
await orders.addColumn('license_id', 'text').execute()
await migrate(db)

// In production: load the same 32 bytes from your secret store at every start.
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage: kyselyStorage(db), masterKey })
await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro' })

/** Stores an order and issues its license. A failure rolls both back. */
function placeOrder(email: string, pay: () => Promise<void>) {
  return db.transaction().execute(async (trx) => {
    // Write first: on SQLite the first write takes the lock for the whole transaction.
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
// Get the token after the commit. A signature takes milliseconds, and the transaction would hold its locks meanwhile.
const token = await licensing.licenses.token('desktop-app', id)
console.log(`Stored Ada's order with ${id}. Its token has ${token!.length} characters`)

const refused = placeOrder('grace@example.com', async () => {
  throw new Error('the bank refused the card')
})
await refused.catch((error: Error) => console.log(`Rolled back Grace's order: ${error.message}`))

const stored = await db.selectFrom('shop_order').select('email').execute()
const licenses = await licensing.licenses.list('desktop-app')
const customers = await licensing.customers.list('desktop-app')
console.log(`${stored.length} order, ${licenses.total} license, ${customers.total} customer`)

if (connectionString !== undefined) await sql`drop schema heartwood_example cascade`.execute(db)
await db.destroy()

/** Adapts `node:sqlite` to Kysely's SqliteDialect. Bun, Deno and Node all have `node:sqlite`. */
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

/** Opens PostgreSQL with the driver `pg`, in a schema that the last lines drop. */
async function openPostgres(connectionString: string): Promise<Kysely<Tables>> {
  const { Pool } = await import('pg')
  const pool = new Pool({ connectionString, options: '-c search_path=heartwood_example' })
  const opened = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  await sql`create schema heartwood_example`.execute(opened)
  return opened
}
