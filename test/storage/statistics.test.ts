import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Storage, TallyRecord } from '../../src/core/index.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { installation, newShop } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const hour = 3_600
const app = 'desktop-app'

/** Hours of an app from a time on. */
function hoursOf(appId: string, from: number, count: number): readonly TallyRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const startsAt = from - (from % hour) + at * hour
    return { appId, span: 'hour', startsAt, name: 'verify.ok', count: 1 }
  })
}

const works: Readonly<Record<string, (storage: Storage) => Promise<void>>> = {
  'apps.delete(): an app with many numbers goes in pages, and its numbers with it': async (storage) => {
    const shop = await newShop({ storage })
    await storage.addTallies(hoursOf(shop.app.id, shop.clock.seconds, 2_500))
    assert.equal(
      await storage.beginDeletion({ id: shop.app.id, appId: shop.app.id, kind: 'app', startedAt: 1 }, 2_499),
      'begun',
    )
    const sizes: number[] = []
    const left = async () =>
      (await storage.listTallies({ appId: shop.app.id, span: 'hour', from: 0, before: 2 ** 40 })).length
    for (let after: string | undefined; ;) {
      const page = await storage.continueDeletion(shop.app.id, { limit: 1_000, after })
      sizes.push(await left())
      if (page!.isDone) break
      after = page!.next ?? undefined
    }
    assert.ok(sizes.length >= 3 && sizes[0]! >= 1_500, sizes.join())
    assert.equal(sizes.at(-1), 0)
  },

  'startDelivery(): takes the first snapshot at its start': async (storage) => {
    const shop = await newShop({ storage })
    await shop.issue({ installationId: installation(1) })
    const delivery = startDelivery(shop.licensing)
    while ((await shop.licensing.stats(app)).snapshot === null)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await delivery.stop()
    const { series, snapshot } = await shop.licensing.stats(app)
    assert.equal(series['issued']?.at(-1), 1)
    assert.deepEqual(snapshot?.tiers, [{ tier: 'pro', active: 1, expired: 0, revoked: 0 }])
  },

  'keepStats(): counts no license of a customer who is being deleted': async (storage) => {
    const shop = await newShop({ storage })
    const { licensing, customer } = shop
    for (let count = 0; count < 3; count++) await shop.issue()
    const other = await licensing.customers.create(app, { email: 'bob@example.com' })
    await shop.issue({ customerId: other.id })
    const deletion = { id: customer.id, appId: shop.app.id, kind: 'customer', startedAt: 1 } as const
    assert.equal(await storage.beginDeletion(deletion, 1), 'begun')
    await licensing.keepStats()
    const { snapshot } = await licensing.stats(app)
    assert.deepEqual(snapshot?.tiers, [{ tier: 'pro', active: 1, expired: 0, revoked: 0 }])
  },

  'flush(): beside a deletion of the app, the numbers of other apps arrive': async (storage) => {
    const shop = await newShop({ storage })
    const { licensing } = shop
    for (let round = 0; round < 10; round++) {
      const slug = `app-${round}`
      await licensing.apps.create({ name: 'App', slug })
      await licensing.tiers.create(slug, { name: 'Pro', slug: 'pro' })
      const { id } = await licensing.customers.create(slug, { email: 'ada@example.com' })
      const terms = { customerId: id, tierId: 'pro', forever: true } as const
      await licensing.licenses.create(slug, { ...terms, installationId: installation(round) })
      await shop.issue({ installationId: installation(100 + round) })
      await Promise.all([licensing.flush().catch(() => {}), licensing.apps.delete(slug)])
    }
    await licensing.flush()
    assert.equal((await licensing.stats(app)).series['issued']?.at(-1), 10)
  },
}

for (const [name, work] of Object.entries(works))
  describe(name, () => {
    const on = async (target: string): Promise<void> => {
      const storage = await openTarget(target)
      await work(storage).finally(() => storage.close())
    }
    it('on SQLite', () => withFiles((nextFile) => on(nextFile())))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      on(await database!.emptied()),
    )
  })
