import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  IdempotencyKey,
  Licensing,
  SignedLicense,
  Storage,
  StorageSession,
} from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, day, installation, newShop, refusalOf, tokenOf, type Shop } from '../support/fixtures.ts'
import { verdictOf } from '../support/tokens.ts'

const slug = 'desktop-app'
const order: IdempotencyKey = { key: 'order-1', scope: 'shop', fingerprint: 'f', license: { app: slug } }

/** A storage on which the next step after a commit fails, once. */
interface Fragile {
  readonly storage: Storage
  breakAfterCommit(fault: 'the connection is lost' | 'the key cannot be read'): void
}

function fragile(): Fragile {
  const storage = memoryStorage()
  let fault: string | null = null
  let isCommitted = false
  const failOnce = (): never => {
    const message = fault ?? ''
    fault = null
    throw new Error(message)
  }
  return {
    storage: {
      ...storage,
      async transaction(work) {
        const result = await storage.transaction(work)
        isCommitted = fault !== null
        return fault === 'the connection is lost' ? failOnce() : result
      },
      findActiveKey: (app) =>
        isCommitted && fault === 'the key cannot be read' ? failOnce() : storage.findActiveKey(app),
    },
    breakAfterCommit: (next) => void (fault = next),
  }
}

const issuing = ({ customer }: Shop): ((licensing: Licensing) => Promise<SignedLicense>) => {
  const license = {
    installationId: installation(1),
    customerId: customer.id,
    tierId: 'pro',
    durationDays: 30,
  }
  return (licensing) => licensing.licenses.create(slug, license)
}

const never = (): never => assert.fail('the work runs again')

async function assertOneGoodLicense({ licensing }: Shop, { token }: SignedLicense): Promise<void> {
  assert.equal((await licensing.licenses.list(slug)).total, 1)
  assert.equal(await verdictOf(licensing, slug, tokenOf({ token })), 'ok')
}

for (const call of ['idempotent', 'idempotentCall'] as const)
  test(`${call}(): a commit whose response was lost counts, and its result comes back`, async () => {
    const { storage, breakAfterCommit } = fragile()
    const shop = await newShop({ storage })
    breakAfterCommit('the connection is lost')
    const first = await shop.licensing[call](order, issuing(shop))
    assert.equal(first.replayed, true)
    await assertOneGoodLicense(shop, first.result)
    assert.deepEqual(await shop.licensing[call](order, never), first)
  })

test('idempotentCall(): a license whose signature fails after the commit comes back, signed anew', async () => {
  const { storage, breakAfterCommit } = fragile()
  const shop = await newShop({ storage })
  breakAfterCommit('the key cannot be read')
  const first = await shop.licensing.idempotentCall(order, issuing(shop))
  assert.equal(first.replayed, true)
  await assertOneGoodLicense(shop, first.result)
})

test('idempotent(): a license whose signature fails after the commit comes back on the second call', async () => {
  const { storage, breakAfterCommit } = fragile()
  const shop = await newShop({ storage })
  breakAfterCommit('the key cannot be read')
  await assert.rejects(shop.licensing.idempotent(order, issuing(shop)), /the key cannot be read/)
  const second = await shop.licensing.idempotent<SignedLicense>(order, never)
  assert.equal(second.replayed, true)
  await assertOneGoodLicense(shop, second.result)
})

test('idempotentCall(): of work in two steps both are done, and the response of the first commit is stored', async () => {
  const shop = await newShop()
  const { license: _license, ...key } = order
  const work = async ({ tiers, customers }: Licensing): Promise<object> => {
    await tiers.create(slug, { name: 'Max', slug: 'max' })
    return customers.create(slug, { email: 'eve@example.com' })
  }
  const first = await shop.licensing.idempotentCall<{ email?: string }>(key, work)
  assert.deepEqual([first.replayed, first.result.email], [false, 'eve@example.com'])
  const second = await shop.licensing.idempotentCall<{ slug?: string }>(key, never)
  assert.deepEqual([second.replayed, second.result.slug], [true, 'max'])
})

test('idempotentCall(): work under a key of its own inside it stores its own response, and not that of the call', async () => {
  const shop = await newShop()
  const { license: _license, ...key } = order
  const work = async (licensing: Licensing): Promise<object> => {
    const make = ({ tiers }: Licensing) => tiers.create(slug, { name: 'Max', slug: 'max' })
    const { result } = await licensing.idempotent({ ...key, key: 'inner' }, make)
    return { order: 1, tier: result.slug }
  }
  const first = await shop.licensing.idempotentCall(key, work)
  assert.deepEqual(first, { result: { order: 1, tier: 'max' }, replayed: false })
  assert.deepEqual(await shop.licensing.idempotentCall(key, never), { ...first, replayed: true })
})

test('idempotent(): a license whose app is gone is replayed as it was stored, without a token', async () => {
  const shop = await newShop()
  const { result } = await shop.licensing.idempotent(order, issuing(shop))
  await shop.licensing.apps.delete(slug)
  const again = await shop.licensing.idempotent(order, never)
  assert.deepEqual(again, { result: { ...result, token: null }, replayed: true })
})

test('idempotent(): the regeneration of an expired license is replayed with a token once it was extended', async () => {
  const shop = await newShop()
  const { licenses } = shop.licensing
  const { id } = await shop.issue({ durationDays: 1 })
  shop.clock.seconds += day
  const signs = ['active', 'expired'] as const
  const key: IdempotencyKey = { ...order, license: { app: slug, signs } }
  const first = await shop.licensing.idempotent(key, (each) => each.licenses.regenerate(slug, id))
  assert.equal(first.result.status, 'expired')
  await licenses.update(slug, id, { durationDays: 9 })
  const { result } = await shop.licensing.idempotent<SignedLicense>(key, never)
  assert.equal(await verdictOf(shop.licensing, slug, tokenOf(result)), 'ok')
})

for (const call of ['idempotent', 'idempotentCall'] as const)
  test(`${call}(): says in progress if another server was faster and its response cannot be seen yet`, async () => {
    const storage = memoryStorage()
    const full = async (): Promise<boolean> => false
    const late: Storage = {
      ...storage,
      transaction: (work) => storage.transaction((tx) => work({ ...tx, insertStoredResponse: full })),
    }
    const shop = await newShop({ storage: late })
    assert.equal(await codeOf(shop.licensing[call](order, issuing(shop))), 'idempotency_in_progress')
    assert.equal((await shop.licensing.licenses.list(slug)).total, 0, 'the work is rolled back')
  })

test('idempotent(): names the key as the cause if it is malformed', async () => {
  const { licensing } = await newShop()
  const { details } = await refusalOf(licensing.idempotent({ ...order, key: '' }, never))
  assert.deepEqual(details, { idempotencyKey: ['must be 1 to 255 printable ASCII characters'] })
})

test('idempotent(): work that catches a failed read after the write of a step is rolled back', async () => {
  const storage = memoryStorage()
  const failing = { countLicenses: () => Promise.reject(new Error('cannot read')) }
  let isFailing = false
  const shop = await newShop({
    storage: {
      ...storage,
      transaction: (work) => storage.transaction((tx) => work(isFailing ? { ...tx, ...failing } : tx)),
    },
  })
  isFailing = true
  const work = async (licensing: Licensing): Promise<object> => {
    // A rotation swaps the key, then counts the licenses.
    await assert.rejects(licensing.rotateKeys(slug), /cannot read/)
    return { made: true }
  }
  await assert.rejects(shop.licensing.idempotent(order, work), /cannot read/)
  assert.equal(await shop.licensing.apps.publicKey(slug), shop.app.publicKeyPem)
})

test('idempotent(): overlapping calls of the work write one after the other', async () => {
  const storage = memoryStorage()
  let running = 0
  let most = 0
  const slow = (tx: StorageSession): StorageSession => ({
    ...tx,
    insertCustomer: async (customer) => {
      most = Math.max(most, ++running)
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      running -= 1
      return tx.insertCustomer(customer)
    },
  })
  const shop = await newShop({
    storage: { ...storage, transaction: (work) => storage.transaction((tx) => work(slow(tx))) },
  })
  const work = async ({ customers }: Licensing): Promise<object> => {
    const emails = ['a@example.com', 'b@example.com', 'c@example.com']
    await Promise.all(emails.map((email) => customers.create(slug, { email })))
    return {}
  }
  const { license: _license, ...key } = order
  await shop.licensing.idempotent(key, work)
  assert.equal(most, 1)
})

test('idempotent(): no declaration gets a token for a revoked license', async () => {
  const shop = await newShop()
  const { id } = await shop.issue()
  const key: IdempotencyKey = { ...order, license: { app: slug, signs: ['revoked'] } }
  const revoked = shop.licensing.idempotent(key, ({ licenses }) => licenses.revoke(slug, id))
  assert.equal(await codeOf(revoked), 'license_revoked')
})
