/**
 * A process for the tests. It opens a database in the folder that its last argument names, writes until the disk is full, and
 * prints `full`. It goes on after a line on standard input. It ends with an error if anything is lost.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { Storage } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { newCustomer } from '../../src/testing/storage-cases/records.ts'
import { inconsistencies } from './invariants.ts'
import { anything, furnish, randomFrom, serverOn, slug } from './race-tasks.ts'
import { unavailable } from './unavailable.ts'

const folder = process.argv.at(-1)!
const filename = join(folder, 'licenses.db')
const full = unavailable(/disk is full|cannot be read or written/)

/** Several writes share a commit. All of them fail with it. */
const atOnce = 5

/** Writes customers until a write fails. Resolves to their ids. */
async function writeUntilFull(storage: Storage, appId: string): Promise<string[]> {
  const stored: string[] = []
  for (let isFull = false; !isFull;) {
    const customers = Array.from({ length: atOnce }, () =>
      newCustomer(appId, { metadata: { padding: 'x'.repeat(2000) } }),
    )
    const outcomes = await Promise.allSettled(customers.map((customer, at) => insert(storage, customer, at)))
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') stored.push(customers[at]!.id)
      else assert.ok(full(outcome.reason), `${outcome.reason}`)
    }
    isFull = outcomes.some(({ status }) => status === 'rejected')
  }
  return stored
}

type Customer = ReturnType<typeof newCustomer>

/** A failure inside a transaction differs from one outside, and outside one from several side by side. */
const insert = (storage: Storage, customer: Customer, at: number): Promise<boolean> =>
  at % 3 === 2 ? storage.transaction((tx) => tx.insertCustomer(customer)) : storage.insertCustomer(customer)

async function requireStored(storage: Storage, appId: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) assert.equal((await storage.findCustomer(appId, id))?.id, id)
  assert.equal(await storage.countCustomers({ appId }), ids.length)
}

writeFileSync(join(folder, 'ballast'), new Uint8Array(256 * 1024))
const server = await serverOn(await sqliteStorage({ filename }), 0)
const { storage } = server
const customerId = await furnish(server)
const app = (await storage.findApp(slug))!
const stored = [customerId, ...(await writeUntilFull(storage, app.id))]
// A write that needs no new page may still be stored. A refused write is not.
await requireStored(storage, app.id, stored)
stored.push(...(await writeUntilFull(storage, app.id)))
await requireStored(storage, app.id, stored)
assert.deepEqual(await inconsistencies(server), [])

rmSync(join(folder, 'ballast'))
console.log('full')
await new Promise((resolve) => process.stdin.once('data', resolve))

const later = newCustomer(app.id)
assert.equal(await storage.insertCustomer(later), true)
const random = randomFrom(3)
for (let change = 0; change < 10; change++) await anything(server, customerId, random).catch(() => {})
await storage.close()

const again = await serverOn(await sqliteStorage({ filename }), 0)
await requireStored(again.storage, app.id, [...stored, later.id])
assert.deepEqual(await inconsistencies(again), [])
await again.storage.close()
console.log(`${stored.length} stored`)
process.exit(0)
