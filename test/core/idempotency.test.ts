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
} from '../support/fixtures.ts'

const key: IdempotencyKey = {
  key: 'k-1',
  scope: 'key_1 POST /licenses',
  fingerprint: 'f',
  license: { app: 'desktop-app' },
}

/** The same for a regeneration, which signs for an expired license too. */
const regenerationKey: IdempotencyKey = {
  ...key,
  key: 'k-2',
  license: { app: 'desktop-app', signs: ['active', 'expired'] },
}

/** The text that the storage holds under a key, opened. */
async function storedText({ storage, clock }: Shop, { scope, key: name }: IdempotencyKey): Promise<string> {
  const record = await storage.findStoredResponse(scope, name, clock.seconds)
  const sealer = await createSealer(masterKey)
  return new TextDecoder().decode(sealer.open(record!.answer, `kept-answer ${scope} ${name}`))
}

/** Stores a text under a key, as version 0.1.0 does. */
async function storeText({ storage, clock }: Shop, asked: IdempotencyKey, text: string): Promise<void> {
  const { scope, key: name, fingerprint } = asked
  const sealer = await createSealer(masterKey)
  const answer = sealer.seal(new TextEncoder().encode(text), `kept-answer ${scope} ${name}`)
  const record = { scope, key: name, fingerprint, answer, expiresAt: clock.seconds + day }
  assert.equal(await storage.insertStoredResponse(record, clock.seconds), true)
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

test('idempotent(): does the work once and replays its first result for 24 hours', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const first = await licensing.idempotent(key, issuing(shop))
  assert.equal(first.replayed, false)
  clock.seconds += day - 1
  const again = await licensing.idempotent(key, issuing(shop, 2))
  assert.deepEqual(again, { result: first.result, replayed: true })
  assert.equal((await licensing.licenses.list('desktop-app')).total, 1)
  clock.seconds += 1
  assert.equal((await licensing.idempotent(key, issuing(shop, 2))).replayed, false)
})

test('idempotent(): stores the result of the run that commits, if the storage repeats a transaction', async () => {
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
  assert.deepEqual(second, { result: first.result, replayed: true })
  assert.equal((await shop.licensing.licenses.list('desktop-app')).total, 1)
})

test('idempotent(): replays after a restart, with the token as of now', async () => {
  const shop = await newShop()
  const { result: answer } = await shop.licensing.idempotent(key, issuing(shop))
  const { licensing } = await newWorld({ storage: shop.storage })
  const replay = async (): Promise<string | null> =>
    (await licensing.idempotent(key, issuing(shop))).result.token
  assert.equal(await replay(), answer.token)
  await licensing.rotateKeys('desktop-app', {}, testKeyPairs[3]!)
  assert.equal(await verdictOf(licensing, 'desktop-app', tokenOf({ token: await replay() })), 'ok')
  await licensing.licenses.revoke('desktop-app', answer.id)
  assert.equal(await replay(), null)
  await licensing.licenses.delete('desktop-app', answer.id)
  assert.equal(await replay(), null)
})

test('idempotent(): replays an expired license without a token, unless its regeneration had one', async () => {
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
  const { result: answer } = await licensing.idempotent(key, create)
  clock.seconds += 99
  assert.equal((await licensing.idempotent(key, create)).result.token, answer.token)
  clock.seconds += 1
  assert.equal((await licensing.idempotent(key, create)).result.token, null)
  const regenerate = (at: Licensing) => at.licenses.regenerate('desktop-app', answer.id)
  const expired = await licensing.idempotent(regenerationKey, regenerate)
  assert.notEqual(expired.result.token, null)
  assert.equal((await licensing.idempotent(regenerationKey, regenerate)).result.token, expired.result.token)
})

test('idempotent(): a regeneration is replayed without a token once its license has expired since', async () => {
  const shop = await newShop()
  const { id } = await shop.issue({ expiresAt: start + 100 })
  const regenerate = (at: Licensing) => at.licenses.regenerate('desktop-app', id)
  const first = await shop.licensing.idempotent(regenerationKey, regenerate)
  assert.notEqual(first.result.token, null)
  shop.clock.seconds += 100
  assert.equal((await shop.licensing.idempotent(regenerationKey, regenerate)).result.token, null)
})

test('idempotent(): the reinstatement of an expired license is replayed without a token, as it was answered', async () => {
  const shop = await newShop()
  const { id } = await shop.issue({ expiresAt: start + 100 })
  await shop.licensing.licenses.revoke('desktop-app', id)
  shop.clock.seconds += 100
  const reinstate = (at: Licensing) => at.licenses.reinstate('desktop-app', id)
  const first = await shop.licensing.idempotent(key, reinstate)
  assert.deepEqual([first.result.status, first.result.token], ['expired', null])
  assert.deepEqual(await shop.licensing.idempotent(key, reinstate), { ...first, replayed: true })
})

test('idempotent(): a license is stored in the form of version 0.1.0, and read in it', async () => {
  const shop = await newShop()
  const { result: license } = await shop.licensing.idempotent(key, issuing(shop))
  const text = JSON.stringify({ ...license, token: null })
  assert.equal(await storedText(shop, key), text)
  const { result: customer } = await shop.licensing.idempotent(
    { key: 'k-3', scope: key.scope, fingerprint: 'f' },
    (at) => at.customers.create('desktop-app', { email: 'eve@example.com' }),
  )
  assert.equal(await storedText(shop, { ...key, key: 'k-3' }), JSON.stringify(customer))

  const old = { ...key, key: 'stored by 0.1.0' }
  await storeText(shop, old, text)
  const replayed = await shop.licensing.idempotent(old, issuing(shop, 2))
  assert.deepEqual(replayed, { result: license, replayed: true })
  await shop.licensing.rotateKeys('desktop-app', {}, testKeyPairs[3]!)
  const { result: rotated } = await shop.licensing.idempotent(old, issuing(shop, 2))
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', tokenOf(rotated)), 'ok')
})

test('idempotentCall(): no token is stored, wherever in the result it stands; undeclared it is replayed as null', async () => {
  const shop = await newShop()
  const { id } = await shop.issue()
  const { license: _license, ...undeclared } = key
  const work = async (at: Licensing) => ({
    order: 7,
    license: await at.licenses.get('desktop-app', id, { include: 'token' }),
  })
  const first = await shop.licensing.idempotentCall(undeclared, work)
  assert.ok(!(await storedText(shop, key)).includes(tokenOf(first.result.license)))
  const { result } = await shop.licensing.idempotentCall(undeclared, work)
  assert.deepEqual(result, { order: 7, license: { ...first.result.license, token: null } })
})

test('idempotent(): no token is stored that work got from the licensing outside it', async () => {
  const shop = await newShop()
  const { licensing } = shop
  const { license: _license, ...undeclared } = key
  const { result } = await licensing.idempotent(undeclared, () => issuing(shop)(licensing))
  assert.equal(JSON.parse(await storedText(shop, key)).token, null)
  const listed = { ...undeclared, key: 'k-2' }
  await licensing.idempotent(listed, () => licensing.licenses.list('desktop-app', { include: 'token' }))
  assert.equal((await storedText(shop, listed)).includes(tokenOf(result)), false)
})

test('idempotent(): text that only resembles a token is stored as it is', async () => {
  const shop = await newShop()
  const { token } = await shop.issue()
  const [header, claims, signature] = tokenOf({ token }).split('.')
  const others = [
    `${header}.${claims}`,
    `${header}.${header}.${signature}`,
    `${claims}.${claims}.${signature}`,
  ]
  await shop.licensing.idempotent(key, async () => ({ others }))
  assert.deepEqual(JSON.parse(await storedText(shop, key)), { others })
})

/** One call of every use case that writes and resolves to a result, in an order in which each succeeds. */
function writesOf({ customer, app }: Shop, id: string, delivery: string, apiKey: string) {
  const calls: Readonly<Record<string, (at: Licensing) => Promise<object>>> = {
    'apps.create': ({ apps }) => apps.create({ name: 'Other', slug: 'other-app' }),
    'apps.update': ({ apps }) => apps.update(app.id, { webhookUrl: 'https://hooks.example/new' }),
    rotateKeys: (licensing) => licensing.rotateKeys(app.id, { gracePeriodDays: 1 }),
    'tiers.create': ({ tiers }) => tiers.create(app.id, { name: 'Max', slug: 'max', features: ['new'] }),
    'tiers.update': ({ tiers }) => tiers.update(app.id, 'max', { position: 7 }),
    'tiers.addFeature': ({ tiers }) => tiers.addFeature(app.id, 'max', { name: 'More', slug: 'more' }),
    'features.create': ({ features }) => features.create(app.id, { name: 'Less', slug: 'less' }),
    'features.update': ({ features }) => features.update(app.id, 'less', { name: 'Least' }),
    'customers.create': ({ customers }) => customers.create(app.id, { email: 'eve@example.com' }),
    'customers.getOrCreate': ({ customers }) => customers.getOrCreate(app.id, { email: 'bob@example.com' }),
    'customers.update': ({ customers }) =>
      customers.update(app.id, customer.id, { metadata: { b: 1, a: 2 } }),
    'licenses.update': ({ licenses }) =>
      licenses.update(app.id, id, { metadata: { b: 1, a: { 10: 1, 9: 2 } } }),
    'licenses.update a claim': ({ licenses }) => licenses.update(app.id, id, { customFeatures: ['x'] }),
    'licenses.regenerate': ({ licenses }) => licenses.regenerate(app.id, id),
    'licenses.regenerateAll': ({ licenses }) => licenses.regenerateAll(app.id),
    'licenses.revoke': async ({ licenses }) => ({ ...(await licenses.revoke(app.id, id)), token: null }),
    'licenses.reinstate': ({ licenses }) => licenses.reinstate(app.id, id),
    'webhooks.secret': ({ webhooks }) => webhooks.secret(app.id),
    'webhooks.rollSecret': ({ webhooks }) => webhooks.rollSecret(app.id),
    'webhooks.test': ({ webhooks }) => webhooks.test(app.id),
    'webhooks.retry': ({ webhooks }) => webhooks.retry(app.id, delivery),
    'apiKeys.create': ({ apiKeys }) => apiKeys.create({ name: 'New' }),
    'apiKeys.roll': ({ apiKeys }) => apiKeys.roll(apiKey),
    'apiKeys.revoke': ({ apiKeys }) => apiKeys.revoke(apiKey),
  }
  return calls
}

test('idempotent(): every use case that writes is replayed with its first result', async () => {
  const shop = await newShop()
  const { licensing, app } = shop
  const { id } = await shop.issue()
  await licensing.apps.update(app.id, { webhookUrl: 'https://hooks.example/old' })
  const delivery = (await licensing.webhooks.test(app.id)).id
  const apiKey = (await licensing.apiKeys.create()).id
  for (const [name, work] of Object.entries(writesOf(shop, id, delivery, apiKey))) {
    const license = name.startsWith('licenses.') && name !== 'licenses.regenerateAll'
    const asked = { key: name, scope: 's', fingerprint: 'f', ...(license && { license: { app: app.id } }) }
    const { result } = await licensing.idempotent(asked, work)
    assert.deepEqual(await licensing.idempotent(asked, work), { result, replayed: true }, name)
  }
})

test('idempotent(): of 10 concurrent calls under one key one works, and nine get its result', async () => {
  const shop = await newShop()
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => shop.licensing.idempotent(key, issuing(shop))),
  )
  assert.equal(answers.filter(({ replayed }) => !replayed).length, 1)
  assert.equal(new Set(answers.map(({ result: answer }) => answer.jti)).size, 1)
})

test('idempotent(): of two concurrent servers under one key one works', async () => {
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

test('idempotent(): the same key in another scope is another key, and with another request is refused', async () => {
  const shop = await newShop()
  const { licensing } = shop
  await licensing.idempotent(key, issuing(shop))
  const other = { ...key, scope: 'key_2 POST /licenses' }
  assert.equal((await licensing.idempotent(other, issuing(shop, 2))).replayed, false)
  const call = licensing.idempotent({ ...key, fingerprint: 'g' }, issuing(shop, 3))
  assert.equal(await codeOf(call), 'idempotency_mismatch')
  assert.equal((await licensing.licenses.list('desktop-app')).total, 2)
})

test('idempotent(): stores no error, and nothing of work whose commit failed', async () => {
  const shop = await newShop()
  const { licensing, storage } = shop
  const failing = { ...storage, insertStoredResponse: () => Promise.reject(new Error('disk full')) }
  const { licensing: broken } = await newWorld({ storage: failing, newId: risingIds(5_000) })
  await licensing.tiers.delete('desktop-app', 'pro')
  assert.equal(await codeOf(licensing.idempotent(key, issuing(shop))), 'validation_error')
  await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro' })
  assert.equal((await licensing.idempotent(key, issuing(shop))).replayed, false)
  const transactions = {
    ...storage,
    transaction: <T>(work: Parameters<typeof storage.transaction<T>>[0]) =>
      storage.transaction((tx) => work({ ...tx, insertStoredResponse: failing.insertStoredResponse })),
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

test('idempotent(): stores no token, and seals the result to its key', async () => {
  const shop = await newShop()
  const { storage, clock } = shop
  const made = await shop.licensing.idempotent(key, issuing(shop))
  const secret = await shop.licensing.idempotent({ ...key, key: 'k-2' }, (each) => each.apiKeys.create({}))
  const records = await Promise.all(
    ['k-1', 'k-2'].map((name) => storage.findStoredResponse(key.scope, name, clock.seconds)),
  )
  const kept = JSON.stringify(records)
  for (const text of [tokenOf(made.result), secret.result.secret, made.result.jti, 'secret'])
    assert.ok(!kept.includes(text))
  const read = { ...key, key: 'k-3' }
  await shop.licensing.idempotent(read, (each) =>
    each.licenses.get('desktop-app', made.result.id, { include: 'token' }),
  )
  assert.equal(JSON.parse(await storedText(shop, read)).token, null)
  const swapped = { ...storage, findStoredResponse: async () => records[1]! }
  const { licensing } = await newWorld({ storage: swapped })
  assert.equal(await codeOf(licensing.idempotent(key, issuing(shop))), 'master_key')
})

test('idempotent(): a key is 1 to 255 printable ASCII characters', async () => {
  const { licensing } = await newShop()
  const run = (name: string) => licensing.idempotent({ ...key, key: name }, async () => ({}))
  for (const name of ['a', ' ', 'x'.repeat(255), '~!"']) assert.equal(await codeOf(run(name)), 'ok')
  for (const name of ['', 'x'.repeat(256), 'é', 'a\n', '\u0000', 'a\u007f'])
    assert.equal(await codeOf(run(name)), 'validation_error', JSON.stringify(name))
})

test("licensing.with(): a rollback of the host's transaction leaves nothing, and nothing is signed in it", async () => {
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

test('idempotent(): a caller who waits ten seconds gets idempotency_in_progress, and may ask again', async (t) => {
  const { licensing } = await newWorld()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const key = { key: 'k', scope: 's', fingerprint: 'f' }
  const first = Promise.withResolvers<{ made: number }>()
  const running = licensing.idempotent(key, () => first.promise)
  const waiting = licensing.idempotent(key, async () => ({ made: 2 }))
  const told = assert.rejects(waiting, { name: 'LicensingError', code: 'idempotency_in_progress' })
  t.mock.timers.tick(10_000)
  // Deno leaves a mock to the tests that follow.
  t.mock.timers.reset()
  await told
  first.resolve({ made: 1 })
  assert.deepEqual(await running, { result: { made: 1 }, replayed: false })
  const again = await licensing.idempotent(key, async () => ({ made: 3 }))
  assert.deepEqual(again, { result: { made: 1 }, replayed: true })
})
