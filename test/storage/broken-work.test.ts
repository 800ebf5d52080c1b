import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Licensing, Storage } from '../../src/core/index.ts'
import { codeOf, installation, newWorld } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import {
  countsOf,
  email,
  failing,
  order,
  over,
  sell,
  slug,
  soon,
  workTests,
  withVerbs,
  type WorkCases,
} from './work-cases.ts'

const cases: WorkCases = {
  'work that catches the error of half a step is rolled back': async (shop) => {
    const { licensing, storage } = shop
    const on = await withVerbs(storage, () => ({ insertLicense: failing('disk full') }))
    const caught: unknown[] = []
    const work = async (each: Licensing) => {
      await sell(1)(each).catch((error: unknown) => caught.push(error))
      return { made: true }
    }
    await assert.rejects(on.idempotent(order, work), { message: 'disk full' })
    assert.deepEqual(caught.map(String), ['Error: disk full'])
    assert.deepEqual(await countsOf(shop), [0, 0])
    assert.equal((await licensing.idempotent(order, sell(1))).replayed, false)
  },

  'work that catches the error of a step after its first write is rolled back': async (shop) => {
    const { licensing, storage } = shop
    const on = await withVerbs(storage, () => ({ countLicenses: failing('no count') }))
    const before = await licensing.apps.publicKey(slug)
    const work = async (each: Licensing) => {
      await each.customers.create(slug, { email })
      await each.rotateKeys(slug, {}, testKeyPairs[3]!).catch(() => {})
      return { made: true }
    }
    await assert.rejects(on.idempotent(order, work), /no count/)
    assert.equal(await licensing.apps.publicKey(slug), before)
    assert.deepEqual(await countsOf(shop), [0, 0])
  },

  'work whose step loses a race after a write is rolled back with a conflict': async (shop) => {
    const { licensing, storage, customer, clock } = shop
    const installationId = installation(50)
    const terms = { customerId: customer.id, tierId: 'pro', durationDays: 30 } as const
    const { key } = await licensing.licenseKeys.create(slug, terms)
    const { license: seat } = await licensing.licenseKeys.activate(slug, key, { installationId })
    clock.seconds += 40 * 86_400
    let calls = 0
    // The first call finds the place taken. Then the step releases the seat, and the second call loses its race.
    const on = await withVerbs(
      storage,
      (tx) => ({
        insertLicense: async (...given) => ++calls !== 2 && tx.insertLicense(...given),
      }),
      { now: () => clock.seconds * 1000 },
    )
    const work = (each: Licensing) =>
      each.licenses.create(slug, { customerId: customer.id, tierId: 'pro', installationId, forever: true })
    assert.equal(await codeOf(on.idempotent(order, work)), 'conflict')
    assert.ok(calls >= 2)
    const { revokedCause } = await licensing.licenses.get(slug, seat.id)
    assert.deepEqual([revokedCause, (await licensing.licenses.list(slug)).total], [null, 1])
  },

  'work whose step loses a race before a write makes the step again': async (shop) => {
    const { licensing, storage, customer } = shop
    await licensing.apps.update(slug, { webhookUrl: 'https://hooks.example.com/licenses' })
    await shop.issue()
    let hasLost = false
    const on = await withVerbs(storage, (tx) => ({
      updateLicense: async (...given) => {
        const wins = hasLost
        hasLost = true
        return wins ? tx.updateLicense(...given) : null
      },
    }))
    const work = async (each: Licensing) => {
      await each.customers.delete(slug, customer.id)
      return { deleted: true }
    }
    assert.equal((await on.idempotent(order, work)).replayed, false)
    assert.deepEqual(
      [(await licensing.customers.list(slug)).total, (await licensing.licenses.list(slug)).total],
      [0, 0],
    )
  },

  'a step that the work did not wait for is whole': async (shop) => {
    const { licensing, storage } = shop
    await licensing.apps.update(slug, { webhookUrl: 'https://hooks.example.com/licenses' })
    const begun = Promise.withResolvers<void>()
    const on = await withVerbs(storage, (tx) => ({
      insertLicense: async (license) => {
        begun.resolve()
        await soon()
        return tx.insertLicense(license)
      },
    }))
    const work = async (each: Licensing) => {
      await each.customers.create(slug, { email })
      void sell(1)(each)
      await begun.promise
      return { made: true }
    }
    assert.equal((await on.idempotent(order, work)).replayed, false)
    const { id } = await licensing.apps.get(slug)
    const types = (await storage.listDeliveries({ appId: id }, { limit: 9, offset: 0 })).map(
      ({ type }) => type,
    )
    assert.deepEqual([await countsOf(shop), types], [[1, 1], ['license.created']])
  },

  'a call of the work fails if its transaction cannot begin': async (shop) => {
    const broken: Storage = Object.create(shop.storage)
    broken.transaction = failing('connection lost')
    const { licensing } = await newWorld({ storage: broken })
    const heard = Promise.withResolvers<unknown>()
    const work = async (each: Licensing) => {
      await each.customers.create(slug, { email }).catch(heard.resolve)
      return { made: true }
    }
    await assert.rejects(licensing.idempotent(order, work), { message: 'connection lost' })
    assert.equal(String(await heard.promise), 'Error: connection lost')
  },

  'no call of the work works once it is over': async (shop) => {
    const { licensing } = shop
    const works: Readonly<Record<string, (each: Licensing) => Promise<object>>> = {
      reads: (each) => each.apps.get(slug),
      writes: (each) => each.customers.create(slug, { email }),
    }
    for (const [key, work] of Object.entries(works)) {
      const { promise, resolve } = Promise.withResolvers<Licensing>()
      await licensing.idempotent({ ...order, key }, (each) => {
        resolve(each)
        return work(each)
      })
      const { apps, customers } = await promise
      await assert.rejects(apps.get(slug), over, key)
      await assert.rejects(customers.create(slug, { email: 'f@example.com' }), over, key)
    }
    assert.equal((await licensing.customers.list(slug)).total, 2)
  },

  'a call that waits for a step of the work writes nothing once the work is over': async (shop) => {
    const { storage } = shop
    const tierRead = Promise.withResolvers<void>()
    const insertion = Promise.withResolvers<void>()
    const step = Promise.withResolvers<void>()
    const returned = Promise.withResolvers<{ readonly refused: Promise<void> }>()
    const read: Storage = Object.create(storage)
    read.findTier = async (...given) => {
      await tierRead.promise
      return storage.findTier(...given)
    }
    const on = await withVerbs(read, (tx) => ({
      insertCustomer: async (customer) => {
        insertion.resolve()
        await step.promise
        return tx.insertCustomer(customer)
      },
    }))
    const work = async (each: Licensing) => {
      const license = each.licenses.create(slug, {
        installationId: installation(1),
        customerId: shop.customer.id,
        tierId: 'pro',
        durationDays: 30,
      })
      void each.customers.create(slug, { email })
      await insertion.promise
      returned.resolve({ refused: assert.rejects(license, over) })
      return { made: true }
    }
    const running = on.idempotent(order, work)
    const { refused } = await returned.promise
    await soon()
    tierRead.resolve()
    await soon()
    step.resolve()
    await running
    await refused
    assert.deepEqual(await countsOf(shop), [1, 0])
  },

  'a result that no replay could give is refused, and nothing is kept': async (shop) => {
    const { licensing } = shop
    for (const result of [undefined, null, 7, '[made]', () => {}, new Date(0), { count: 1n }])
      await assert.rejects(
        licensing.idempotent(order, async (each) => {
          await each.customers.create(slug, { email })
          return result as object
        }),
        TypeError,
        typeof result,
      )
    assert.deepEqual(await countsOf(shop), [0, 0])
    assert.equal((await licensing.idempotent(order, sell(1))).replayed, false)
  },
}

for (const [title, tests] of await workTests(cases))
  describe(title, () => {
    for (const { name, skip, run } of tests) it(name, { skip }, run)
  })
