import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewApiKey, RestrictedLicensing } from '../../src/core/index.ts'
import { codeOf, day, installation, newShop, start, type Shop } from '../support/fixtures.ts'
import { readsOfLicenseKeys, sale, shopKey, writesOfLicenseKeys } from './license-keys/restricted.ts'

const app = 'desktop-app'

/** A shop with a license, and licensing as a new key with these rights may use it. */
async function shopWithKey(rights: NewApiKey): Promise<Shop & { id: string; own: RestrictedLicensing }> {
  const shop = await newShop()
  const { licensing } = shop
  const { id } = await shop.issue()
  await licensing.customers.update(app, shop.customer.id, { externalId: 'user-42' })
  const sold = { customerId: shop.customer.id, tierId: 'pro', forever: true } as const
  await licensing.licenseKeys.create(app, { ...sold, externalId: sale, key: shopKey })
  const { secret } = await licensing.apiKeys.create(rights)
  return { ...shop, id, own: licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!) }
}

/** Every use case that reads in an app. */
function reads(licensing: RestrictedLicensing, id: string) {
  const { apps, tiers, features, customers, licenses, verification } = licensing
  return [
    () => apps.get(app),
    () => apps.publicKey(app),
    () => apps.jwks(app),
    () => tiers.list(app),
    () => tiers.get(app, 'pro'),
    () => tiers.features(app, 'pro'),
    () => features.list(app),
    () => features.get(app, 'api_access'),
    () => customers.list(app),
    () => customers.getByEmail(app, 'ada@example.com'),
    () => customers.getByExternalId(app, 'user-42'),
    async () => customers.get(app, (await customers.getByEmail(app, 'ada@example.com')).id),
    () => licenses.list(app),
    () => apps.trust(app),
    () => licenses.get(app, id),
    () => licenses.getByInstallation(app, installation(1)),
    ...readsOfLicenseKeys(licensing),
    () => verification.verify(app, { installationId: installation(1) }),
    async () => verification.verifyDirectly(app, { installationId: installation(1) }),
    () => verification.verifyToken(app, 'x'),
    async () => verification.verifyTokenDirectly(app, 'x'),
    () => verification.verifyBatch(app, { installationIds: [] }),
  ]
}

/** Every use case that only a secret key may call in an app. */
function writes(licensing: RestrictedLicensing, id: string, customer: string) {
  const { apps, tiers, features, customers, licenses, webhooks, audit } = licensing
  const feature = { name: 'New', slug: 'new' }
  const license = {
    installationId: installation(9),
    customerId: customer,
    tierId: 'pro',
    forever: true,
  } as const
  return [
    () => licenses.get(app, id, { include: 'token' }),
    () => licenses.getByInstallation(app, installation(1), { include: 'token' }),
    () => licenses.list(app, { include: 'token' }),
    () => licenses.token(app, id),
    () => licenses.file(app, id),
    () => licenses.create(app, license),
    () => licenses.update(app, id, { metadata: { seat: 1 } }),
    () => licenses.revoke(app, id),
    () => licenses.reinstate(app, id),
    () => licenses.regenerate(app, id),
    () => licenses.regenerateAll(app),
    () => licenses.delete(app, id),
    ...writesOfLicenseKeys(licensing, customer),
    () => apps.update(app, { name: 'New', webhookUrl: 'https://example.com/hook' }),
    () => apps.keys(app),
    () => audit.list(app),
    () => webhooks.secret(app),
    () => webhooks.rollSecret(app),
    () => webhooks.deliveries(app),
    () => webhooks.test(app),
    async () => webhooks.retry(app, (await webhooks.test(app)).id),
    async () => webhooks.delivery(app, (await webhooks.test(app)).id),
    () => webhooks.retryAll(app, { state: 'failed', since: 0 }),
    () => features.create(app, { name: 'Other', slug: 'other' }),
    () => features.update(app, 'other', { name: 'Other 2' }),
    () => features.delete(app, 'other'),
    () => tiers.create(app, { name: 'Max', slug: 'max' }),
    () => tiers.update(app, 'max', { name: 'Max 2' }),
    () => tiers.addFeature(app, 'pro', feature),
    () => tiers.removeFeature(app, 'pro', 'new'),
    () => tiers.delete(app, 'max'),
    () => customers.create(app, { email: 'eve@example.com' }),
    () => customers.getOrCreate(app, { email: 'eve@example.com' }),
    () => customers.update(app, customer, { name: 'Ada' }),
    () => licensing.rotateKeys(app),
    () => customers.delete(app, customer),
    () => apps.delete(app),
  ]
}

async function outcomes(calls: readonly (() => Promise<unknown>)[]): Promise<Record<string, number>> {
  const codes: string[] = []
  for (const call of calls) codes.push(await codeOf(call()))
  return Object.fromEntries([...Map.groupBy(codes, (code) => code)].map(([code, all]) => [code, all.length]))
}

test('restrictedTo(): a public key reads everything in its app and writes nothing', async () => {
  const { own, id, customer } = await shopWithKey({ type: 'pk' })
  const allowed = reads(own, id)
  assert.deepEqual(await outcomes(allowed), { ok: allowed.length })
  const refused = writes(own, id, customer.id)
  assert.deepEqual(await outcomes(refused), { forbidden: refused.length })
  assert.deepEqual(await outcomes(allowed), { ok: allowed.length }, 'nothing was changed')
})

test('restrictedTo(): a secret key reads and writes in its app', async () => {
  const { own, id, customer } = await shopWithKey({ app })
  const calls = [...reads(own, id), ...writes(own, id, customer.id)]
  assert.deepEqual(await outcomes(calls), { ok: calls.length })
})

test('restrictedTo(): an app of the other mode, and another app for a bound key, is not found', async () => {
  for (const rights of [{ mode: 'test' }, { app: 'other-app' }] satisfies NewApiKey[]) {
    const shop = await newShop()
    await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' })
    const { id } = await shop.issue()
    const { secret } = await shop.licensing.apiKeys.create(rights)
    const own = shop.licensing.restrictedTo((await shop.licensing.apiKeys.authenticate(secret))!)
    const calls = [...reads(own, id), ...writes(own, id, shop.customer.id)]
    assert.deepEqual(await outcomes(calls), { not_found: calls.length })
  }
})

test('restrictedTo(): a public key sees no jti and no token', async () => {
  const { own, id } = await shopWithKey({ type: 'pk' })
  const { data } = await own.licenses.list(app)
  for (const license of [...data, await own.licenses.get(app, id)])
    assert.equal('jti' in license || 'token' in license, false)
})

/** The use cases that do not belong to an app, or that other tests of this file call. */
const others = new Set([
  'apps.list',
  'apps.create',
  'apiKeys.create',
  'apiKeys.createFirst',
  'apiKeys.list',
  'apiKeys.revoke',
  'apiKeys.roll',
  'apiKeys.invite',
  'apiKeys.authenticate',
  'apiKeys.me',
  'licenses.authenticate',
  'licenses.renew',
])

/** The walks, which `all.test.ts` calls. */
const walks = /\.all(Deliveries)?$/

/** Names each use case that is called, as `room.verb`. */
function recording(licensing: RestrictedLicensing, called: Set<string>): RestrictedLicensing {
  const room = (name: string, verbs: object) =>
    new Proxy(verbs, {
      get: (target, verb: string) => {
        called.add(`${name}.${verb}`)
        return target[verb as keyof typeof target]
      },
    })
  const rooms = Object.entries(licensing).map(([name, value]) => [
    name,
    typeof value === 'object' ? room(name, value) : value,
  ])
  return Object.fromEntries(rooms) as RestrictedLicensing
}

test('restrictedTo(): these tests call every use case', async () => {
  const { own, id, customer } = await shopWithKey({ app })
  const called = new Set(others)
  const recorded = recording(own, called)
  await outcomes([...reads(recorded, id), ...writes(recorded, id, customer.id)])
  const all = Object.entries(own).flatMap(([name, room]) =>
    typeof room === 'object' ? Object.keys(room as object).map((verb) => `${name}.${verb}`) : [],
  )
  assert.deepEqual([...called].toSorted(), all.filter((name) => !walks.test(name)).toSorted())
})

/** The use cases outside any app, by the permission that each requires. */
function outside(licensing: RestrictedLicensing, id: string) {
  const { apps, apiKeys } = licensing
  return {
    read: [
      () => apps.list(),
      () => apiKeys.me(),
      () => apiKeys.createFirst(),
      () => apiKeys.authenticate('x'),
    ],
    apps: [() => apps.create({ name: 'New', slug: `new-${crypto.randomUUID()}` })],
    keys: [
      () => apiKeys.list(),
      () => apiKeys.create(),
      () => apiKeys.invite(id),
      () => apiKeys.roll(id, { overlapSeconds: 60 }),
      () => apiKeys.revoke(id),
    ],
  }
}

test('restrictedTo(): apps and keys are created and managed by the keys that may', async () => {
  const soon = start + day
  const cases: readonly (readonly [NewApiKey, apps: boolean, keys: boolean])[] = [
    [{ type: 'pk' }, false, false],
    [{ type: 'pk', expiresAt: soon }, false, false],
    [{ type: 'pk', app }, false, false],
    [{ app }, false, false],
    [{ app, expiresAt: soon }, false, false],
    [{ expiresAt: soon }, true, false],
    [{}, true, true],
    [{ mode: 'test', type: 'pk' }, false, false],
    [{ mode: 'test', expiresAt: soon }, true, false],
    [{ mode: 'test' }, true, true],
  ]
  for (const [rights, mayCreate, mayManage] of cases) {
    const { own, licensing } = await shopWithKey(rights)
    const { id } = await licensing.apiKeys.create({ mode: 'test' })
    const calls = outside(own, id)
    const expect = (isAllowed: boolean, count: number) => (isAllowed ? { ok: count } : { forbidden: count })
    assert.deepEqual(await outcomes(calls.read), { ok: calls.read.length })
    assert.deepEqual(await outcomes(calls.apps), expect(mayCreate, calls.apps.length), JSON.stringify(rights))
    assert.deepEqual(await outcomes(calls.keys), expect(mayManage, calls.keys.length), JSON.stringify(rights))
  }
})

test('restrictedTo(): a test key neither finds nor lists nor makes a live key', async () => {
  const { own, licensing } = await shopWithKey({ mode: 'test' })
  const live = await licensing.apiKeys.create()
  const calls = [
    () => own.apiKeys.roll(live.id),
    () => own.apiKeys.invite(live.id),
    () => own.apiKeys.revoke(live.id),
    () => own.apiKeys.create({ app }),
    () => own.apiKeys.create({ mode: 'live' }),
    () => own.apiKeys.list({ mode: 'live' }),
    () => own.apps.create({ name: 'New', slug: 'new' }, { mode: 'live' }),
  ]
  assert.deepEqual(await outcomes(calls), { not_found: 4, forbidden: 3 })
  assert.deepEqual(new Set((await own.apiKeys.list()).data.map(({ mode }) => mode)), new Set(['test']))
  assert.equal((await own.apps.create({ name: 'New', slug: 'new' })).mode, 'test')
})

test('restrictedTo(): a public key gets no token, by a renewal or by options without their field', async () => {
  const { own, id, licensing } = await shopWithKey({ type: 'pk' })
  const before = await licensing.licenses.get(app, id, { include: 'token' })
  const credential = await own.licenses.authenticate(app, before.token)
  const noInclude = {} as { readonly include: 'token' }
  const calls = [
    () => own.licenses.renew(app, id, before.token),
    () => own.licenses.renew(app, id, credential),
    () => own.licenses.get(app, id, noInclude),
    () => own.licenses.getByInstallation(app, installation(1), noInclude),
  ]
  assert.deepEqual(await outcomes(calls), { forbidden: calls.length })
  assert.deepEqual(await licensing.licenses.get(app, id, { include: 'token' }), before, 'nothing was changed')
})

test('restrictedTo(): a credential of an app that the key does not see renews nothing', async () => {
  for (const rights of [{ mode: 'test' }, { app: 'other-app' }] satisfies NewApiKey[]) {
    const { licensing, issue } = await newShop()
    await licensing.apps.create({ name: 'Other', slug: 'other-app' })
    const { id, token } = await issue()
    const credential = await licensing.licenses.authenticate(app, token)
    const { secret } = await licensing.apiKeys.create(rights)
    const own = licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!)
    assert.equal(await codeOf(own.licenses.renew(app, id, credential)), 'not_found')
    assert.equal(await codeOf(own.licenses.authenticate(app, token)), 'not_found')
    assert.equal(await codeOf(licensing.licenses.renew(app, id, credential)), 'ok')
  }
})

test('restrictedTo(): an idempotency key belongs to the API key, whatever its scope', async () => {
  const { licensing, issue } = await newShop()
  const { id } = await issue()
  const key = { key: 'k', scope: 'orders', fingerprint: 'f', license: { app } }
  const regenerate = (at: RestrictedLicensing) => at.licenses.regenerate(app, id)
  const keyed = async (rights: NewApiKey): Promise<RestrictedLicensing> => {
    const { secret } = await licensing.apiKeys.create(rights)
    return licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!)
  }
  const secretKey = await keyed({})
  const first = await secretKey.idempotent(key, regenerate)
  assert.deepEqual(await secretKey.idempotent(key, regenerate), { ...first, replayed: true })
  assert.equal(await codeOf((await keyed({ type: 'pk' })).idempotent(key, regenerate)), 'forbidden')
  assert.equal(await codeOf((await keyed({ mode: 'test' })).idempotent(key, regenerate)), 'not_found')
  assert.equal((await (await keyed({ app })).idempotent(key, regenerate)).replayed, false)
  assert.equal((await licensing.idempotent(key, regenerate)).replayed, false)
})

test('restrictedTo(): a license that a public key read under an idempotency key is replayed without a token', async () => {
  const { own, id } = await shopWithKey({ type: 'pk' })
  const key = { key: 'k', scope: '', fingerprint: 'f', license: { app } }
  const read = (at: RestrictedLicensing): Promise<object> => at.licenses.get(app, id)
  const { result } = await own.idempotent(key, read)
  const replay = await own.idempotent(key, read)
  assert.deepEqual(replay, { result: { ...result, token: null }, replayed: true })
  assert.equal('jti' in replay.result, false)
})

test('may(): a secret key has every permission that its expiry and its app leave it', async () => {
  const permissions = [
    'customers:read',
    'customers:write',
    'licenses:token',
    'apps:create',
    'keys:write',
  ] as const
  const cases: readonly (readonly [NewApiKey, number])[] = [
    [{ type: 'pk' }, 1],
    [{ app }, 3],
    [{ expiresAt: 4_000_000_000 }, 4],
    [{}, 5],
  ]
  for (const [rights, count] of cases) {
    const { own, licensing } = await shopWithKey(rights)
    assert.deepEqual(
      permissions.filter((permission) => own.may(permission)),
      permissions.slice(0, count),
    )
    assert.ok(permissions.every((permission) => licensing.may(permission)))
  }
})

test('authorize(): an unknown app comes before a missing permission', async () => {
  const { own } = await shopWithKey({ type: 'pk' })
  assert.equal(await codeOf(own.authorize('customers:write', 'no-app')), 'not_found')
  assert.equal(await codeOf(own.authorize('customers:write', app)), 'forbidden')
  assert.equal(await codeOf(own.authorize('keys:write')), 'forbidden')
  assert.equal((await own.authorize('customers:read')).app, null)
})
