import assert from 'node:assert/strict'
import { copyFileSync, statSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { AppRecord, DeletionRecord, Storage } from '../../src/core/storage/index.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import {
  addApp,
  addParents,
  newCustomer,
  newLicense,
  type Parents,
} from '../../src/testing/storage-cases/records.ts'
import { withFiles } from './temporary-folder.ts'
import { unavailable } from './unavailable.ts'

/** The customers in the file alone. Those that only its log has do not count. */
async function customersInFile(filename: string): Promise<number> {
  copyFileSync(filename, `${filename}-alone`)
  const connection = await openConnection(`${filename}-alone`, { readonly: false })
  const row = connection.first<{ readonly count: number }>(
    'select count(*) as count from heartwood_customer',
    [],
  )
  connection.close()
  return row!.count
}

function addCustomers(storage: Storage, app: AppRecord, count: number): Promise<void> {
  return storage.transaction(async (tx) => {
    for (let added = 0; added < count; added++) await tx.insertCustomer(newCustomer(app.id))
  })
}

/** A customer with many licenses, whose deletion has begun. */
async function addLeavingCustomer(storage: Storage, licenses: number): Promise<Parents> {
  const parents = await addParents(storage)
  await storage.transaction(async (tx) => {
    for (let added = 0; added < licenses; added++) await tx.insertLicense(newLicense(parents))
  })
  const { customer, app } = parents
  const deletion: DeletionRecord = { ...deletionOf(app), id: customer.id, kind: 'customer' }
  assert.equal(await storage.beginDeletion(deletion, 4), 'begun')
  return parents
}

function deletionOf({ id }: AppRecord): DeletionRecord {
  return { id, appId: id, kind: 'app', startedAt: 1_769_162_400 }
}

describe('SQLite storage: the log', () => {
  it('continueDeletion(): moves the log into the file after each page, and later commits move a long one again', () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      const storage = await sqliteStorage({ filename })
      const [app, other] = [await addApp(storage), await addApp(storage)]
      await addCustomers(storage, app, 3_000)
      assert.equal(await customersInFile(filename), 3_000)
      assert.equal(await storage.beginDeletion(deletionOf(app), 4), 'begun')

      // A part has at most fifty rows, whose pages are too few for a commit to move.
      for (let page = 1; page <= 3; page++) {
        await storage.transaction((tx) => tx.continueDeletion(app.id, { limit: 20 }), { alone: true })
        assert.equal(await customersInFile(filename), 3_000 - 20 * page)
      }

      await addCustomers(storage, other, 10)
      assert.equal(await customersInFile(filename), 2_940, 'a short log stays')
      const size = statSync(filename).size
      await addCustomers(storage, other, 5_000)
      assert.ok(statSync(filename).size > size, 'a long one is moved by its commit')
      await storage.close()
    }))

  it('continueDeletion(): deletes at most 150 licenses in one page, so that the disk can write it in one turn', () =>
    withFiles(async (nextFile) => {
      const storage = await sqliteStorage({ filename: nextFile() })
      const { customer } = await addLeavingCustomer(storage, 3_000)
      const sizes: number[] = []
      for (let after: string | undefined; ;) {
        const page = await storage.continueDeletion(customer.id, { limit: 5_000, after })
        sizes.push(page!.licenses.length)
        if (page!.isDone) break
        after = page!.next ?? undefined
      }
      assert.equal(
        sizes.reduce((sum, size) => sum + size),
        3_000,
      )
      assert.ok(Math.max(...sizes) <= 150, sizes.join())
      await storage.close()
    }))

  it('continueDeletion(): after the end of its transaction, it leaves later commits to move a long log', () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      const storage = await sqliteStorage({ filename })
      const app = await addApp(storage)
      const ended = await storage.transaction(async (tx) => ({ tx }), { alone: true })
      const late = ended.tx.continueDeletion(app.id, { limit: 20 })
      await assert.rejects(late, unavailable(/The transaction is over/))
      const { size } = statSync(filename)
      await addCustomers(storage, app, 3_000)
      assert.ok(statSync(filename).size > size)
      await storage.close()
    }))
})
