import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { LicensingError, type Storage } from '../../src/core/index.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import {
  addLicense,
  addParents,
  newCustomer,
  newSigningKey,
  type Parents,
} from '../../src/testing/storage-cases/records.ts'
import { noPostgres, reportNone } from './postgres-database.ts'
import { startServer } from './postgres-server.ts'

// Many rounds on one runtime. A few on the others show that their sockets behave alike.
const rounds = 'Bun' in globalThis ? 20 : 4

// Other tests use the server of the test run, so this one has its own.
const server = await startServer()
if (server === undefined) reportNone()
after(() => server?.end())

/** The acknowledged writes, and the errors by code. */
interface Ledger {
  readonly customers: string[]
  version: number
  acknowledged: number
  readonly refusals: Map<string, number>
  isOver: boolean
}

/** Repeats `work`. Every error should be `unavailable`. */
async function repeat(ledger: Ledger, work: () => Promise<void>): Promise<void> {
  while (!ledger.isOver) {
    try {
      await work()
      ledger.acknowledged++
    } catch (error) {
      const kind = error instanceof LicensingError ? error.code : `${error}`
      ledger.refusals.set(kind, (ledger.refusals.get(kind) ?? 0) + 1)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** Every kind of write: one statement, a transaction of several, a guarded change, a swap of keys. */
function writers(
  storage: Storage,
  parents: Parents,
  licenseId: string,
  ledger: Ledger,
): (() => Promise<void>)[] {
  const appId = parents.app.id
  const insertOne = async () => {
    const customer = newCustomer(appId)
    assert.equal(await storage.insertCustomer(customer), true)
    ledger.customers.push(customer.id)
  }
  const insertPair = async () => {
    const pair = [newCustomer(appId), newCustomer(appId)] as const
    const twins = pair.map((customer, at) => ({ ...customer, externalId: pair[1 - at]!.id }))
    await storage.transaction(async (tx) => {
      for (const customer of twins) await tx.insertCustomer(customer)
    })
    ledger.customers.push(...twins.map(({ id }) => id))
  }
  const raise = async () => {
    const found = await storage.findLicense(appId, licenseId)
    assert.ok(found!.version >= ledger.version, 'an acknowledged change is lost')
    const raised = await storage.updateLicense(licenseId, found!.version, { revision: found!.version + 1 })
    ledger.version = raised!.version
  }
  const swap = async () => {
    const active = await storage.findActiveKey(appId)
    assert.equal(await storage.swapActiveKey(appId, active!.kid, newSigningKey(appId), null), true)
  }
  return [insertOne, insertOne, insertOne, insertPair, insertPair, insertPair, raise, swap]
}

async function requireKept(storage: Storage, appId: string, ledger: Ledger): Promise<void> {
  const all = await storage.listCustomers({ appId }, { limit: 1_000_000 })
  const ids = new Set(all.map(({ id }) => id))
  assert.deepEqual(
    ledger.customers.filter((id) => !ids.has(id)),
    [],
  )
  const alone = all.filter(({ externalId }) => externalId !== null && !ids.has(externalId))
  assert.deepEqual(alone, [], 'a transaction is stored whole or not at all')
  const keys = await storage.listSigningKeys(appId)
  assert.deepEqual(
    keys.map(({ acceptedUntil }) => acceptedUntil),
    [null, ...keys.slice(1).map(() => 0)],
    'one key is active, and the others are tombstones',
  )
}

/** Waits until more writes are acknowledged. */
async function progress(ledger: Ledger, writes: number): Promise<void> {
  const goal = ledger.acknowledged + writes
  for (let tries = 0; ledger.acknowledged < goal; tries++) {
    assert.ok(tries < 1500, `no more writes: ${JSON.stringify([...ledger.refusals])}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const options = { skip: server === undefined && noPostgres }

describe('PostgreSQL storage: a server that stops hard under load', options, () => {
  it(`every call rejects with \`unavailable\` only, nothing is lost, and calls succeed again (${rounds} rounds)`, async () => {
    const storage = await postgresStorage({ connectionString: server!.url })
    const parents = await addParents(storage)
    const { id } = await addLicense(storage, parents)
    await storage.swapActiveKey(parents.app.id, null, newSigningKey(parents.app.id), null)
    const ledger: Ledger = { customers: [], version: 1, acknowledged: 0, refusals: new Map(), isOver: false }
    const writing = writers(storage, parents, id, ledger).map((work) => repeat(ledger, work))
    for (let round = 0; round < rounds; round++) {
      await progress(ledger, 30 + round)
      await server!.stop(round % 4 === 3 ? 'kill' : 'immediate')
      await server!.start()
    }
    await progress(ledger, 50)
    ledger.isOver = true
    await Promise.all(writing)
    await requireKept(storage, parents.app.id, ledger)
    assert.deepEqual([...ledger.refusals.keys()], ['unavailable'])
    await storage.close()
  })
})
