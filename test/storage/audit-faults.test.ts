import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresDialect,
  SqliteDialect,
} from 'kysely'
import { Pool } from 'pg'
import { createLicensing, type Storage } from '../../src/core/index.ts'
import { isRead } from '../../src/core/storage/verbs.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { entriesIn, useCases } from '../core/audit/acts.ts'
import { newEntries } from '../support/audit-entries.ts'
import { dump } from '../support/dump.ts'
import { masterKey, newShop } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const fault = new Error('a fault that the test has made')

/** Fails the statement with this number, once. */
class Faults {
  #left = Infinity

  /** Lets so many statements pass. */
  arm(passing: number): void {
    this.#left = passing
  }

  disarm(): void {
    this.#left = Infinity
  }

  pass(): void {
    if (this.#left-- === 0) throw fault
  }
}

/** A dialect whose statements may fail: those that begin and commit as well. */
function failing(dialect: Dialect, faults: Faults): Dialect {
  const fragile = (connection: DatabaseConnection): DatabaseConnection => ({
    async executeQuery<Row>(query: CompiledQuery) {
      // A rollback that fails would leave the transaction open, which a lost connection ends.
      if (!query.sql.startsWith('rollback')) faults.pass()
      return connection.executeQuery<Row>(query)
    },
    streamQuery: (query, size) => connection.streamQuery(query, size),
  })
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => fragileDriver(dialect.createDriver(), fragile),
  }
}

function fragileDriver(
  driver: Driver,
  fragile: (connection: DatabaseConnection) => DatabaseConnection,
): Driver {
  const inner = new WeakMap<DatabaseConnection, DatabaseConnection>()
  return {
    init: () => driver.init(),
    async acquireConnection() {
      const connection = await driver.acquireConnection()
      const outer = fragile(connection)
      inner.set(outer, connection)
      return outer
    },
    beginTransaction: (outer, settings) => driver.beginTransaction(outer, settings),
    commitTransaction: (outer) => driver.commitTransaction(outer),
    rollbackTransaction: (outer) => driver.rollbackTransaction(outer),
    releaseConnection: (outer) => driver.releaseConnection(inner.get(outer) ?? outer),
    destroy: () => driver.destroy(),
  }
}

/** Memory has no statements, so its verbs fail. */
function failingMemory(faults: Faults): Storage {
  const fragile = <Session extends object>(session: Session): Session =>
    new Proxy(session, {
      get(target, name) {
        const verb: unknown = Reflect.get(target, name)
        if (typeof verb !== 'function' || typeof name === 'symbol' || isRead(name)) return verb
        if (name === 'transaction')
          return (work: (tx: object) => Promise<unknown>) =>
            (target as Storage).transaction((tx) => work(fragile(tx)))
        return async (...given: unknown[]) => {
          faults.pass()
          return (verb as (...all: unknown[]) => unknown).apply(target, given)
        }
      },
    })
  return fragile(memoryStorage())
}

interface Fragile {
  readonly storage: Storage
  readonly faults: Faults
  readonly close: () => Promise<void>
}

const database = await openTestDatabase()
after(() => database?.drop())

async function overKysely(dialect: Dialect): Promise<Fragile> {
  const faults = new Faults()
  const db = new Kysely<unknown>({ dialect: failing(dialect, faults) })
  await migrate(db)
  return { storage: kyselyStorage(db), faults, close: () => db.destroy() }
}

async function openSqlite(): Promise<Fragile> {
  const connection = await openConnection(':memory:', { readonly: false })
  connection.exec('pragma foreign_keys = on')
  return overKysely(new SqliteDialect({ database: connection }))
}

async function openPostgres(): Promise<Fragile> {
  const schema = new URL(await database!.emptied()).searchParams.get('search_path')
  const pool = new Pool({ connectionString: database!.url, options: `-c search_path=${schema}`, max: 2 })
  pool.on('error', () => {})
  return overKysely(new PostgresDialect({ pool }))
}

async function openMemory(): Promise<Fragile> {
  const faults = new Faults()
  return { storage: failingMemory(faults), faults, close: async () => {} }
}

/** Use cases of each kind: one statement with its entry, several, with events, and under an idempotency key. */
const tried: readonly string[] = [
  'apps.create',
  'apps.update',
  'tiers.create',
  'tiers.delete',
  'customers.create',
  'customers.update',
  'customers.delete',
  'licenses.create',
  'licenses.regenerate',
  'licenses.reinstate',
  'licenses.delete',
  'licenses.regenerateAll',
  'licenseKeys.create',
  'licenseKeys.sync',
  'licenseKeys.revoke',
  'licenseKeys.activate',
  'licenseKeys.release',
  'apiKeys.roll',
  'apiKeys.createFirst',
  'webhooks.rollSecret',
  'rotateKeys',
  'ensure',
  'idempotent',
  'idempotentCall',
]

/** More statements than any of them has. */
const mostStatements = 80

/**
 * Runs the use case with a fault at its first statement, then at its second, until one run commits. A fault that leaves nothing
 * behind leaves the shop as it was, so one shop is enough.
 */
async function tryAll(open: () => Promise<Fragile>, name: string): Promise<void> {
  const { storage, faults, close } = await open()
  try {
    const shop = await newShop({ storage })
    const { prepare, call, actions } = useCases[name]!
    const prepared = (await prepare?.(shop)) as never
    const [before, entries] = [await dump(storage), (await entriesIn(shop)).length]
    for (let at = 0; at < mostStatements; at++) {
      faults.arm(at)
      const refusal = await call(shop.licensing, prepared, shop).then(
        () => null,
        (error: unknown) => error,
      )
      faults.disarm()
      const made = (await entriesIn(shop)).slice(entries).map(({ action }) => action)
      const isChanged = (await dump(storage)) !== before
      const expected = isChanged ? [...actions].toSorted() : []
      assert.deepEqual(made.toSorted(), expected, `statement ${at} of ${name}`)
      // A fault may also come after the commit, when the result is made.
      if (refusal === null || isChanged) return assert.ok(at > 0)
    }
    assert.fail(`${name} has more than ${mostStatements} statements`)
  } finally {
    await close()
  }
}

for (const name of tried) {
  test(`memory: a fault at each verb of ${name}() leaves the change and its entry, or neither`, () =>
    tryAll(openMemory, name))
  test(`SQLite: a fault at each statement of ${name}() leaves the change and its entry, or neither`, () =>
    tryAll(openSqlite, name))
  test(
    `PostgreSQL: a fault at each statement of ${name}() leaves the change and its entry, or neither`,
    { skip: database === undefined && noPostgres },
    () => tryAll(openPostgres, name),
  )
}

/** Seals with a fault at its first statement, then at its second, until one run ends well. */
async function trySealing(open: () => Promise<Fragile>): Promise<void> {
  const { storage, faults, close } = await open()
  try {
    const licensing = await createLicensing({ storage, masterKey })
    const count = 3
    await storage.insertAuditEntries(newEntries(count))
    for (let at = 0; at < mostStatements; at++) {
      faults.arm(at)
      const refusal = await licensing.audit.seal().then(
        () => null,
        (error: unknown) => error,
      )
      faults.disarm()
      const { valid, verified, unsealed } = await licensing.audit.verify()
      const isSealed = unsealed === 0
      assert.deepEqual([valid, verified + unsealed, verified], [true, count, isSealed ? count : 0])
      assert.equal(await storage.countAuditEntries({}), count)
      if (refusal === null) return assert.ok(at > 0 && isSealed)
    }
    assert.fail(`seal() has more than ${mostStatements} statements`)
  } finally {
    await close()
  }
}

test('memory: a fault at each verb of audit.seal() leaves entries sealed with the chain, or unsealed', () =>
  trySealing(openMemory))
test('SQLite: a fault at each statement of audit.seal() leaves entries sealed with the chain, or unsealed', () =>
  trySealing(openSqlite))
test(
  'PostgreSQL: a fault at each statement of audit.seal() leaves entries sealed with the chain, or unsealed',
  { skip: database === undefined && noPostgres },
  () => trySealing(openPostgres),
)
