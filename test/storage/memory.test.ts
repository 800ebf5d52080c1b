import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryStorage } from '../../src/storage/memory.ts'
import { newApp } from '../../src/testing/storage-cases/records.ts'
import { storageCases } from '../../src/testing/index.ts'

describe('memory storage: the contract', () => {
  for (const { name, run } of storageCases) it(name, () => run(async () => memoryStorage()))
})

describe('memory storage', () => {
  it('a read outside an open transaction returns the old state without waiting', async () => {
    const storage = memoryStorage()
    const app = newApp()
    await storage.insertApp(app)
    await storage.transaction(async (tx) => {
      await tx.updateApp(app.id, { name: 'new' })
      assert.equal((await storage.findApp(app.id))?.name, app.name)
      assert.equal((await tx.findApp(app.id))?.name, 'new')
    })
    assert.equal((await storage.findApp(app.id))?.name, 'new')
  })

  it('transaction(): a session is refused once its transaction is over', async () => {
    const storage = memoryStorage()
    const late = await storage.transaction(async (tx) => tx)
    await assert.rejects(late.insertApp(newApp()), /over/)
    assert.equal(await storage.countApps({}), 0)
  })

  it('listApps(): stays sorted when records are inserted and deleted in any order', async () => {
    const storage = memoryStorage()
    const apps = Array.from({ length: 1000 }, () => newApp())
    const shuffled = apps.map((_, index) => apps[(index * 7) % apps.length]!)
    for (const app of shuffled) await storage.insertApp(app)
    for (const app of apps.filter((_, index) => index % 3 === 0)) await storage.deleteApp(app.id)
    const expected = apps.filter((_, index) => index % 3 !== 0).map((app) => app.id)
    const listed = await storage.listApps({}, { limit: 1000 })
    assert.deepEqual(listed.map((app) => app.id).reverse(), expected)
  })
})
