import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Licensing, LicensingEvent, SignedLicense, Storage } from '../../src/core/index.ts'
import { codeOf, installation, newWorld, risingIds } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { verdictOf } from '../support/tokens.ts'
import {
  countsOf,
  email,
  never,
  order,
  over,
  sell,
  slug,
  soon,
  workTests,
  type WorkCases,
} from './work-cases.ts'

/** A storage that undoes the first run of every transaction and repeats it, as PostgreSQL does after a deadlock. */
function repeating(storage: Storage): Storage {
  const repeated: Storage = Object.create(storage)
  repeated.transaction = async (work) => {
    const undone = storage.transaction(async (tx) => {
      await work(tx)
      throw new Error('serialization failure')
    })
    await undone.catch(() => {})
    return storage.transaction(work)
  }
  return repeated
}

const cases: WorkCases = {
  'the result of the work is stored, whatever it wrote, and the token is derived': async (shop) => {
    const { licensing } = shop
    const first = await licensing.idempotent(order, sell(1))
    assert.equal(await verdictOf(licensing, slug, first.result.token ?? ''), 'ok')
    assert.deepEqual(await licensing.idempotent(order, never), { ...first, replayed: true })
    await licensing.rotateKeys(slug, {}, testKeyPairs[3]!)
    const { result } = await licensing.idempotent<SignedLicense>(order, never)
    assert.equal(await verdictOf(licensing, slug, result.token ?? ''), 'ok')
    const own = { ...order, key: 'order-2' }
    const work = async (each: Licensing) => ({ order: 2, licenseId: (await sell(2)(each)).id })
    const made = await licensing.idempotent(own, work)
    assert.equal(made.result.order, 2)
    assert.deepEqual(await licensing.idempotent(own, never), { ...made, replayed: true })
    assert.deepEqual(await countsOf(shop), [1, 2])
  },

  'an error between two writes comes out and leaves nothing, and the work may be repeated': async (shop) => {
    const { licensing } = shop
    const events: LicensingEvent[] = []
    licensing.on('license.created', (event) => events.push(event))
    const dies = (): never => {
      throw new RangeError('killed here')
    }
    await assert.rejects(licensing.idempotent(order, sell(1, dies)), { message: 'killed here' })
    const afterwards = async (each: Licensing): Promise<never> => {
      await sell(1)(each)
      return dies()
    }
    await assert.rejects(licensing.idempotent(order, afterwards), { message: 'killed here' })
    assert.deepEqual(await countsOf(shop), [0, 0])
    await soon()
    assert.equal(events.length, 0, 'nobody hears of what was rolled back')
    assert.equal((await licensing.idempotent(order, sell(1))).replayed, false)
    assert.deepEqual(await countsOf(shop), [1, 1])
    await soon()
    assert.equal(events.length, 1)
  },

  'nobody sees a write of the work before the commit': async (shop) => {
    const { licensing } = shop
    let seen: readonly unknown[] = []
    await licensing.idempotent(
      order,
      sell(1, async () => (seen = await countsOf(shop))),
    )
    assert.deepEqual(seen, [0, 0])
  },

  'work may catch a conflict and go on': async (shop) => {
    const { licensing, customer } = shop
    const { id } = await shop.issue({ installationId: installation(1) })
    const work = async (each: Licensing) => {
      const codes = [
        await codeOf(each.customers.create(slug, { email: customer.email })),
        await codeOf(sell(1)(each)),
        await codeOf(each.tiers.create(slug, { name: 'Pro', slug: 'pro' })),
      ]
      await each.licenses.revoke(slug, id)
      return { codes, license: await sell(1)(each) }
    }
    const { result } = await licensing.idempotent(order, work)
    assert.deepEqual(result.codes, ['conflict', 'conflict', 'conflict'])
    assert.deepEqual(await countsOf(shop), [1, 2])
  },

  'work inside work is a part of it': async (shop) => {
    const { licensing } = shop
    const events: LicensingEvent[] = []
    licensing.on('license.created', (event) => events.push(event))
    const inner = { ...order, key: 'inner' }
    const both = (between: () => unknown) => async (each: Licensing) => {
      const { result } = await each.idempotent(inner, sell(1))
      await between()
      return {
        license: result.id,
        customer: (await each.customers.create(slug, { email: 'f@example.com' })).id,
      }
    }
    const dies = async (): Promise<never> => {
      await soon()
      return assert.fail(`${events.length} events before the commit`)
    }
    await assert.rejects(licensing.idempotent(order, both(dies)), { message: '0 events before the commit' })
    assert.deepEqual([await countsOf(shop), events.length], [[0, 0], 0])
    const late = async (each: Licensing) => {
      await each.customers.create(slug, { email })
      return each.idempotent(inner, (within) => within.rotateKeys(slug))
    }
    await assert.rejects(licensing.idempotent(order, late), TypeError)
    let seen: readonly unknown[] = []
    const made = await licensing.idempotent(
      order,
      both(async () => (seen = await countsOf(shop))),
    )
    await soon()
    assert.deepEqual([seen, await countsOf(shop), events.length], [[0, 0], [1, 1], 1])
    assert.deepEqual(await licensing.idempotent(order, never), { ...made, replayed: true })
    assert.equal((await licensing.idempotent<SignedLicense>(inner, never)).result.id, made.result.license)
  },

  'calls of the work may overlap': async (shop) => {
    const { licensing } = shop
    const work = async (each: Licensing) => ({
      made: await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          each.customers.getOrCreate(slug, { email: `${at % 4}@example.com` }),
        ),
      ),
    })
    const { result } = await licensing.idempotent(order, work)
    assert.equal(result.made.filter(({ created }) => created).length, 4)
    assert.equal((await licensing.customers.list(slug)).total, 5)
  },

  'a refused call of the work undoes none that overlaps it': async (shop) => {
    const { licensing, customer } = shop
    const emails = Array.from({ length: 8 }, (_, at) => `${at}@example.com`)
    const ids: string[] = []
    for (const each of emails) ids.push((await licensing.customers.create(slug, { email: each })).id)
    const work = async (each: Licensing) => {
      const changes = ids.map((id, at) =>
        each.customers.update(slug, id, { email: at % 2 === 0 ? customer.email : `new-${at}@example.com` }),
      )
      return { codes: await Promise.all(changes.map((change) => codeOf(change))) }
    }
    const { result } = await licensing.idempotent(order, work)
    assert.deepEqual(new Set(result.codes.filter((_, at) => at % 2 === 0)), new Set(['conflict']))
    assert.equal((await licensing.customers.list(slug, { email: 'new-' })).total, 4)
  },

  'a key pair is made before the first write, and never after it': async (shop) => {
    const { licensing } = shop
    const rotation = await licensing.idempotent({ ...order, key: 'r' }, (each) => each.rotateKeys(slug))
    assert.equal(rotation.result.publicKeyPem, await licensing.apps.publicKey(slug))
    const late = async (each: Licensing) => {
      await each.customers.create(slug, { email })
      return each.rotateKeys(slug)
    }
    await assert.rejects(licensing.idempotent({ ...order, key: 'late' }, late), TypeError)
    assert.deepEqual(await countsOf(shop), [0, 0])
    assert.equal(rotation.result.publicKeyPem, await licensing.apps.publicKey(slug))
  },

  'work that has written nothing yet holds up nobody': async (shop) => {
    const { licensing } = shop
    const work = async (each: Licensing) => {
      await each.ping()
      await each.apps.get(slug)
      await shop.issue()
      return sell(9)(each)
    }
    assert.equal((await licensing.idempotent(order, work)).replayed, false)
  },

  'work that holds its transaction for four seconds is rolled back': async (shop, t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const started = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const late = Promise.withResolvers<unknown>()
    const work = async (each: Licensing) => {
      const done = sell(1, () => {
        started.resolve()
        return goOn.promise
      })(each)
      done.catch(late.resolve)
      return done
    }
    const running = assert.rejects(shop.licensing.idempotent(order, work), {
      code: 'unavailable',
      message: 'The work kept its transaction open for more than 4 s',
    })
    await started.promise
    t.mock.timers.tick(4_000)
    await running
    t.mock.timers.reset()
    goOn.resolve()
    assert.match(`${(await late.promise) as Error}`, over)
    assert.deepEqual(await countsOf(shop), [0, 0])
    assert.equal((await shop.licensing.idempotent(order, sell(1))).replayed, false)
  },

  'work that never settles holds up its own key alone': async (shop, t) => {
    const started = Promise.withResolvers<void>()
    const hangs = (): Promise<never> => {
      started.resolve()
      return new Promise(() => {})
    }
    void shop.licensing.idempotent(order, hangs)
    await started.promise
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const waiting = codeOf(shop.licensing.idempotent(order, never))
    t.mock.timers.tick(10_000)
    t.mock.timers.reset()
    assert.equal(await waiting, 'idempotency_in_progress')
    assert.equal((await shop.licensing.idempotent({ ...order, key: 'order-2' }, sell(2))).replayed, false)
    assert.deepEqual(await countsOf(shop), [1, 1])
  },

  'a storage may run the work again': async ({ storage, licensing, ...shop }) => {
    const { licensing: again } = await newWorld({
      storage: repeating(storage),
      newId: risingIds(5_000),
      newKeyPair: async () => testKeyPairs[3]!,
    })
    let runs = 0
    const first = await again.idempotent(
      order,
      sell(1, () => runs++),
    )
    assert.equal(runs, 2)
    assert.deepEqual(await licensing.idempotent(order, never), { ...first, replayed: true })
    assert.deepEqual(await countsOf({ storage, licensing, ...shop }), [1, 1])
    const key = { ...order, key: 'r' }
    const rotation = await again.idempotent(key, (each) => each.rotateKeys(slug))
    assert.equal(rotation.result.publicKeyPem, await licensing.apps.publicKey(slug))
  },
}

/** With PostgreSQL a request beside the work does not wait for it. */
const withOneWriter: WorkCases = {
  'work that waits for a request beside it ends after four seconds, and the request goes on': async (
    shop,
    t,
  ) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const asked = Promise.withResolvers<{ readonly response: Promise<SignedLicense> }>()
    const asks = (): Promise<unknown> => {
      const response = shop.issue()
      asked.resolve({ response })
      return response
    }
    const running = assert.rejects(shop.licensing.idempotent(order, sell(1, asks)), { code: 'unavailable' })
    const { response } = await asked.promise
    t.mock.timers.tick(4_000)
    t.mock.timers.reset()
    await running
    await response
    assert.deepEqual(await countsOf(shop), [0, 1])
  },
}

for (const [title, tests] of await workTests(cases, withOneWriter))
  describe(title, () => {
    for (const { name, skip, run } of tests) it(name, { skip }, run)
  })
