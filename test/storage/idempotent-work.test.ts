import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import type {
  IdempotencyKey,
  Licensing,
  LicensingEvent,
  SignedLicense,
  Storage,
} from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, installation, newShop, newWorld, risingIds, type Shop } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { verdictOf } from '../support/tokens.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const slug = 'desktop-app'
const order: IdempotencyKey = { key: 'order-1', scope: 'shop', fingerprint: 'f', license: { app: slug } }
const email = 'eve@example.com'

/** Gets or creates a customer, then issues. `between` runs between the writes. */
const sell =
  (number: number, between: () => unknown = () => {}) =>
  async (licensing: Licensing): Promise<SignedLicense> => {
    const { customer } = await licensing.customers.getOrCreate(slug, { email })
    await between()
    return licensing.licenses.create(slug, {
      installationId: installation(number),
      customerId: customer.id,
      tierId: 'pro',
      durationDays: 30,
    })
  }

const countsOf = async ({ licensing }: Shop): Promise<readonly unknown[]> => [
  (await licensing.customers.list(slug, { email })).total,
  (await licensing.licenses.list(slug)).total,
]

const never = (): never => assert.fail('the work runs again')

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

const cases: Readonly<Record<string, (shop: Shop, t: TestContext) => Promise<void>>> = {
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
    await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(events.length, 0, 'nobody hears of what was rolled back')
    assert.equal((await licensing.idempotent(order, sell(1))).replayed, false)
    assert.deepEqual(await countsOf(shop), [1, 1])
    await new Promise((resolve) => setTimeout(resolve, 5))
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

  'work that catches the error of half a step is rolled back': async (shop) => {
    const { licensing, storage } = shop
    const failing = (tx: Storage): Storage =>
      Object.assign(Object.create(tx), { insertLicense: () => Promise.reject(new Error('disk full')) })
    const broken: Storage = Object.create(storage)
    broken.transaction = (work) => storage.transaction((tx) => work(failing(tx as Storage)))
    const { licensing: on } = await newWorld({ storage: broken, newId: risingIds(5_000) })
    const work = async (each: Licensing) => {
      await sell(1)(each).catch(() => {})
      return { made: true }
    }
    await assert.rejects(on.idempotent(order, work), /disk full/)
    assert.deepEqual(await countsOf(shop), [0, 0])
    assert.equal((await licensing.idempotent(order, sell(1))).replayed, false)
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
      await each.apps.get(slug)
      await shop.issue()
      return sell(9)(each)
    }
    assert.equal((await licensing.idempotent(order, work)).replayed, false)
  },

  'work that holds its transaction for four seconds is rolled back': async (shop, t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const started = Promise.withResolvers<void>()
    const hangs = () => {
      started.resolve()
      return new Promise(() => {})
    }
    const running = assert.rejects(shop.licensing.idempotent(order, sell(1, hangs)), { code: 'unavailable' })
    await started.promise
    t.mock.timers.tick(4_000)
    await running
    t.mock.timers.reset()
    assert.deepEqual(await countsOf(shop), [0, 0])
    await shop.issue()
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

async function run(storage: Storage, t: TestContext, work: (typeof cases)[string]): Promise<void> {
  try {
    await work(await newShop({ storage }), t)
  } finally {
    await storage.close()
  }
}

for (const [name, work] of Object.entries(cases)) {
  describe(`idempotent(): ${name}`, () => {
    it('in memory', (t) => run(memoryStorage(), t, work))

    it('on SQLite', (t) => withFiles(async (nextFile) => run(await openTarget(nextFile()), t, work)))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async (t) =>
      run(await openTarget(await database!.emptied()), t, work),
    )
  })
}
