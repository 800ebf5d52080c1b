import assert from 'node:assert/strict'
import type { Storage, TallyFilter, TallyRecord } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, madeAt } from './records.ts'

const hour = 3_600
const startsAt = madeAt - (madeAt % hour)

function newTally(appId: string, given: Partial<TallyRecord> = {}): TallyRecord {
  return { appId, span: 'hour', startsAt, name: 'verify.ok', count: 1, ...given }
}

async function listed(
  storage: Storage,
  appId: string,
  given: Partial<TallyFilter> = {},
): Promise<readonly TallyRecord[]> {
  const filter: TallyFilter = { appId, span: 'hour', from: 0, before: farFuture, ...given }
  const found = await storage.listTallies(filter)
  return found.toSorted((a, b) => a.startsAt - b.startsAt || (a.name < b.name ? -1 : 1))
}

export const tallyCases: readonly ConformanceCase[] = [
  storageCase('addTallies(): adds to what is stored, by app, span, begin and name', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const first = newTally(app.id, { count: 2 })
    const later = newTally(app.id, { startsAt: startsAt + hour, count: 4_000_000_000 })
    const named = newTally(app.id, { name: 'renew.token_expired', count: 3 })
    const ofDay = newTally(app.id, { span: 'day', count: 5 })
    const all = [first, later, named, ofDay, newTally(other.id)]
    await storage.addTallies(all)
    await storage.addTallies([later, named])
    await storage.addTallies([])
    assert.deepEqual(await listed(storage, app.id), [
      { ...named, count: 6 },
      first,
      { ...later, count: 8_000_000_000 },
    ])
    assert.deepEqual(await listed(storage, app.id, { span: 'day' }), [ofDay])
    assert.deepEqual(await listed(storage, other.id), [newTally(other.id)])
  }),
  storageCase('addTallies(): 8 concurrent calls lose nothing', async (storage) => {
    const app = await addApp(storage)
    const names = ['verify.ok', 'issued', 'revoked', 'renew.ok']
    await concurrently(8, (index) =>
      storage.addTallies(
        (index % 2 === 0 ? names : names.toReversed()).map((name) =>
          newTally(app.id, { name, count: index + 1 }),
        ),
      ),
    )
    assert.deepEqual(
      await listed(storage, app.id),
      names.toSorted().map((name) => newTally(app.id, { name, count: 36 })),
    )
  }),
  storageCase('addTallies(): leaves out apps that do not exist, and keeps the others', async (storage) => {
    const [app, gone] = [await addApp(storage), await addApp(storage)]
    await storage.addTallies([newTally(gone.id)])
    await storage.deleteApp(gone.id)
    await storage.addTallies([newTally(gone.id), newTally(app.id), newTally('app_missing')])
    assert.deepEqual(await listed(storage, gone.id), [])
    assert.deepEqual(await listed(storage, app.id), [newTally(app.id)])
  }),
  storageCase('addTallies(): is undone with its transaction', async (storage) => {
    const app = await addApp(storage)
    const fault = new Error('undone')
    const undone = storage.transaction(async (tx) => {
      await tx.addTallies([newTally(app.id)])
      throw fault
    })
    await assert.rejects(undone, fault)
    assert.deepEqual(await listed(storage, app.id), [])
  }),
  storageCase('listTallies(): lists the begins of a period, without its end', async (storage) => {
    const app = await addApp(storage)
    const all = [0, 1, 2, 3].map((at) => newTally(app.id, { startsAt: startsAt + at * hour }))
    await storage.addTallies(all)
    const period = { from: startsAt + hour, before: startsAt + 3 * hour }
    assert.deepEqual(await listed(storage, app.id, period), all.slice(1, 3))
    assert.deepEqual(await listed(storage, 'app_missing', period), [])
  }),
  storageCase('pruneTallies(): deletes a page of one app, span and period', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const all = [0, 1, 2, 3].map((at) => newTally(app.id, { startsAt: startsAt + at * hour }))
    const others = [newTally(app.id, { span: 'day' }), newTally(other.id)]
    await storage.addTallies([...all, ...others])
    const old: TallyFilter = { appId: app.id, span: 'hour', from: 0, before: startsAt + 3 * hour }
    assert.equal(await storage.pruneTallies(old, 2), 2)
    assert.equal(await storage.pruneTallies(old, 2), 1)
    assert.equal(await storage.pruneTallies(old, 2), 0)
    assert.deepEqual(await listed(storage, app.id), all.slice(3))
    assert.deepEqual(await listed(storage, app.id, { span: 'day' }), [others[0]])
    assert.deepEqual(await listed(storage, other.id), [others[1]])
  }),
  storageCase('continueDeletion(): removes the tallies of an app by pages', async (storage) => {
    const app = await addApp(storage)
    const all = [0, 1, 2, 3, 4].map((at) => newTally(app.id, { startsAt: startsAt + at * hour }))
    await storage.addTallies(all)
    const deletion = { id: app.id, appId: app.id, kind: 'app', startedAt: madeAt } as const
    const outcome = await storage.beginDeletion(deletion, 2)
    if (outcome !== 'begun') return
    await storage.addTallies([newTally(app.id)])
    for (let after: string | undefined; ;) {
      const page = await storage.continueDeletion(app.id, { limit: 2, after })
      assert.ok(page !== null, 'the deletion goes on')
      const left = (await listed(storage, app.id)).length
      assert.ok(page.isDone ? left === 0 : left < 5, `${left} are left`)
      if (page.isDone) return
      after = page.next ?? undefined
    }
  }),
]
