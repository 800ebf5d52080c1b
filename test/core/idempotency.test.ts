import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IdempotencyKey, Licensing, SignedLicense } from '../../src/core/index.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { testKeyPairs } from '../support/keys.ts'
import { verdictOf } from '../support/tokens.ts'
import {
  codeOf,
  day,
  installation,
  masterKey,
  newShop,
  newWorld,
  risingIds,
  start,
  tallyOf,
  tokenOf,
  type Shop,
} from '../support/world.ts'

const key: IdempotencyKey = {
  key: 'k-1',
  scope: 'key_1 POST /licenses',
  fingerprint: 'f',
  app: 'desktop-app',
}

function issuing({ customer }: Shop, number = 1): (licensing: Licensing) => Promise<SignedLicense> {
  const license = {
    installationId: installation(number),
    customerId: customer.id,
    tierId: 'pro',
    durationDays: 30,
  }
  return (licensing) => licensing.licenses.create('desktop-app', license)
}

test('work under a key is done once, and its first answer given again', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const first = await licensing.idempotent(key, issuing(shop))
  assert.equal(first.replayed, false)
  clock.seconds += day - 1
  const again = await licensing.idempotent(key, issuing(shop, 2))
  assert.deepEqual(again, { answer: first.answer, replayed: true })
  assert.equal((await licensing.licenses.list('desktop-app')).total, 1)
  clock.seconds += 1
  assert.equal((await licensing.idempotent(key, issuing(shop, 2))).replayed, false)
})

test('a storage that has to run a transaction again keeps the answer of the run that counts', async () => {
  const storage = memoryStorage()
  let failing = false
  const again: typeof storage = {
    ...storage,
    transaction: async (work) => {
      if (failing) {
        const undone = storage.transaction(async (tx) => {
          await work(tx)
          throw new Error('serialization failure')
        })
        await undone.catch(() => {})
      }
      return storage.transaction(work)
    },
  }
  const shop = await newShop({ storage: again })
  failing = true
  const first = await shop.licensing.idempotent(key, issuing(shop))
  const second = await shop.licensing.idempotent(key, issuing(shop, 2))
  assert.deepEqual(second, { answer: first.answer, replayed: true })
  assert.equal((await shop.licensing.licenses.list('desktop-app')).total, 1)
})

test('the answer holds over a restart, and the token in it is today’s', async () => {
  const shop = await newShop()
  const { answer } = await shop.licensing.idempotent(key, issuing(shop))
  const { licensing } = await newWorld({ storage: shop.storage })
  const replay = async (): Promise<string | null> =>
    (await licensing.idempotent(key, issuing(shop))).answer.token
  assert.equal(await replay(), answer.token)
  await licensing.rotateKeys('desktop-app', {}, testKeyPairs[3]!)
  assert.equal(await verdictOf(licensing, 'desktop-app', tokenOf({ token: await replay() })), 'ok')
  await licensing.licenses.revoke('desktop-app', answer.id)
  assert.equal(await replay(), null)
  await licensing.licenses.delete('desktop-app', answer.id)
  assert.equal(await replay(), null)
})

test('the answer has no token once its license has expired, but what regenerated an expired one keeps its own', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  clock.seconds = start
  const create = (at: Licensing) =>
    at.licenses.create('desktop-app', {
      installationId: installation(1),
      customerId: shop.customer.id,
      tierId: 'pro',
      expiresAt: start + 100,
    })
  const { answer } = await licensing.idempotent(key, create)
  clock.seconds += 99
  assert.equal((await licensing.idempotent(key, create)).answer.token, answer.token)
  clock.seconds += 1
  assert.equal((await licensing.idempotent(key, create)).answer.token, null)
  const another = { ...key, key: 'k-2' }
  const regenerate = (at: Licensing) => at.licenses.regenerate('desktop-app', answer.id)
  const expired = await licensing.idempotent(another, regenerate)
  assert.notEqual(expired.answer.token, null)
  assert.equal((await licensing.idempotent(another, regenerate)).answer.token, expired.answer.token)
})

test('of ten at once under one key one works and nine are told what it answered', async () => {
  const shop = await newShop()
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => shop.licensing.idempotent(key, issuing(shop))),
  )
  assert.equal(answers.filter(({ replayed }) => !replayed).length, 1)
  assert.equal(new Set(answers.map(({ answer }) => answer.jti)).size, 1)
})

test('of two servers at once under one key one works, and no key or license is made twice', async () => {
  const shop = await newShop()
  const { licensing: other } = await newWorld({ storage: shop.storage, newId: risingIds(5_000) })
  for (const [at, work] of [
    issuing(shop),
    (licensing: Licensing) => licensing.apiKeys.create({}),
  ].entries()) {
    const asked = { ...key, key: `two-${at}` }
    const calls = [shop.licensing, other].map((each) => each.idempotent<object>(asked, work))
    assert.equal((await tallyOf(calls)).ok! >= 1, true)
  }
  assert.equal((await shop.licensing.licenses.list('desktop-app')).total, 1)
  assert.equal((await shop.licensing.apiKeys.list()).total, 1)
})

test('the key of one scope is not that of another, and one with another request is refused', async () => {
  const shop = await newShop()
  const { licensing } = shop
  await licensing.idempotent(key, issuing(shop))
  const other = { ...key, scope: 'key_2 POST /licenses' }
  assert.equal((await licensing.idempotent(other, issuing(shop, 2))).replayed, false)
  const call = licensing.idempotent({ ...key, fingerprint: 'g' }, issuing(shop, 3))
  assert.equal(await codeOf(call), 'idempotency_mismatch')
  assert.equal((await licensing.licenses.list('desktop-app')).total, 2)
})

test('a refusal is not kept, and neither is work whose commit failed', async () => {
  const shop = await newShop()
  const { licensing, storage } = shop
  const failing = { ...storage, insertKeptAnswer: () => Promise.reject(new Error('disk full')) }
  const { licensing: broken } = await newWorld({ storage: failing, newId: risingIds(5_000) })
  await licensing.tiers.delete('desktop-app', 'pro')
  assert.equal(await codeOf(licensing.idempotent(key, issuing(shop))), 'validation_error')
  await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro' })
  assert.equal((await licensing.idempotent(key, issuing(shop))).replayed, false)
  const transactions = {
    ...storage,
    transaction: <T>(work: Parameters<typeof storage.transaction<T>>[0]) =>
      storage.transaction((tx) => work({ ...tx, insertKeptAnswer: failing.insertKeptAnswer })),
  }
  const { licensing: full } = await newWorld({ storage: transactions, newId: risingIds(6_000) })
  await assert.rejects(full.idempotent({ ...key, key: 'k-2' }, issuing(shop, 2)), /disk full/)
  assert.equal((await licensing.licenses.list('desktop-app')).total, 1, 'the work went with its answer')
  assert.equal((await licensing.idempotent({ ...key, key: 'k-2' }, issuing(shop, 2))).replayed, false)
  await assert.rejects(
    broken.idempotent({ ...key, key: 'k-3' }, async () => ({})),
    /disk full/,
  )
})

test('a kept answer holds no token, and what it holds is sealed to its key', async () => {
  const shop = await newShop()
  const { storage, clock } = shop
  const made = await shop.licensing.idempotent(key, issuing(shop))
  const secret = await shop.licensing.idempotent({ ...key, key: 'k-2' }, (each) => each.apiKeys.create({}))
  const records = await Promise.all(
    ['k-1', 'k-2'].map((name) => storage.findKeptAnswer(key.scope, name, clock.seconds)),
  )
  const kept = JSON.stringify(records)
  for (const text of [tokenOf(made.answer), secret.answer.secret, made.answer.jti, 'secret'])
    assert.ok(!kept.includes(text))
  const sealer = await createSealer(masterKey)
  const read = { ...key, key: 'k-3' }
  await shop.licensing.idempotent(read, (each) =>
    each.licenses.get('desktop-app', made.answer.id, { include: 'token' }),
  )
  const record = (await storage.findKeptAnswer(read.scope, read.key, clock.seconds))!
  const opened = new TextDecoder().decode(sealer.open(record.answer, `kept-answer ${read.scope} ${read.key}`))
  assert.equal(JSON.parse(opened).token, null)
  const swapped = { ...storage, findKeptAnswer: async () => records[1]! }
  const { licensing } = await newWorld({ storage: swapped })
  assert.equal(await codeOf(licensing.idempotent(key, issuing(shop))), 'master_key')
})

test('a key is 1 to 255 printable characters', async () => {
  const { licensing } = await newShop()
  const run = (name: string) => licensing.idempotent({ ...key, key: name }, async () => ({}))
  for (const name of ['a', ' ', 'x'.repeat(255), '~!"']) assert.equal(await codeOf(run(name)), 'ok')
  for (const name of ['', 'x'.repeat(256), 'é', 'a\n', '\u0000', 'a\u007f'])
    assert.equal(await codeOf(run(name)), 'validation_error', JSON.stringify(name))
})

test('inside a transaction of the host nothing stays of what it gives up, and no token is signed', async () => {
  const shop = await newShop()
  const { licensing, storage } = shop
  const work = storage.transaction(async (tx) => {
    const lent = {
      ...memoryStorage(),
      ...tx,
      transaction: <T>(inner: (session: typeof tx) => Promise<T>) => inner(tx),
    }
    const license = await issuing(shop)(licensing.with(lent))
    assert.deepEqual([license.token, license.issuedAt], [null, start])
    throw new Error('the host changed its mind')
  })
  await assert.rejects(work, /changed its mind/)
  assert.equal((await licensing.licenses.list('desktop-app')).total, 0)
})

test('whoever waits ten seconds for the first request is told that it still runs, and loses nothing', async (t) => {
  const { licensing } = await newWorld()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const key = { key: 'k', scope: 's', fingerprint: 'f' }
  const first = Promise.withResolvers<{ made: number }>()
  const running = licensing.idempotent(key, () => first.promise)
  const waiting = licensing.idempotent(key, async () => ({ made: 2 }))
  const told = assert.rejects(waiting, { name: 'LicensingError', code: 'idempotency_in_progress' })
  t.mock.timers.tick(10_000)
  await told
  first.resolve({ made: 1 })
  assert.deepEqual(await running, { answer: { made: 1 }, replayed: false })
  const again = await licensing.idempotent(key, async () => ({ made: 3 }))
  assert.deepEqual(again, { answer: { made: 1 }, replayed: true })
})
