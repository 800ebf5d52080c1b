import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Licensing, NewApiKey, Principal, RestrictedLicensing, Scope } from '../../src/core/index.ts'
import { presets, scopes } from '../../src/core/scopes.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, newShop, newWorld, refusalOf, start, type Shop } from '../support/fixtures.ts'

async function principal(licensing: Licensing, key: NewApiKey): Promise<Principal> {
  const { secret } = await licensing.apiKeys.create(key)
  return (await licensing.apiKeys.authenticate(secret))!
}

async function restricted(licensing: Licensing, key: NewApiKey): Promise<RestrictedLicensing> {
  return licensing.restrictedTo(await principal(licensing, key))
}

async function detailsOf(call: Promise<unknown>): Promise<unknown> {
  return (await refusalOf(call)).details
}

describe('apiKeys.create(): scopes', () => {
  test('they are kept in one order, shown, rolled along, and null without any', async () => {
    const { licensing } = await newWorld()
    const { apiKeys } = licensing
    const made = await apiKeys.create({ scopes: ['licenses:read', 'catalogue:read'] })
    assert.deepEqual([made.type, made.scopes], ['sk', ['catalogue:read', 'licenses:read']])
    assert.match(made.secret, /^sk_live_[0-9A-Za-z]{36}$/)
    const rolled = await apiKeys.roll(made.id, { overlapSeconds: 60 })
    assert.deepEqual([rolled.type, rolled.scopes], [made.type, made.scopes])
    for (const { secret } of [made, rolled])
      assert.deepEqual((await apiKeys.authenticate(secret))?.scopes, made.scopes)
    assert.equal((await apiKeys.create({ scopes: null })).scopes, null)
    assert.equal((await apiKeys.create({ type: 'pk' })).scopes, null)
    const listed = (await apiKeys.list()).data.find(({ id }) => id === made.id)
    assert.deepEqual([listed?.type, listed?.prefix, listed?.scopes], ['sk', 'sk_live_', made.scopes])
  })

  test('a preset gives its type and scopes', async () => {
    const { licensing } = await newWorld()
    for (const preset of ['support', 'payments', 'auditor'] as const) {
      const { type, scopes: given, prefix } = await licensing.apiKeys.create({ preset })
      assert.deepEqual([type, given, prefix], [presets[preset].type, presets[preset].scopes, `${type}_live_`])
      assert.deepEqual(
        given,
        scopes.filter((scope) => given?.includes(scope)),
      )
    }
  })

  test('bad ones are refused by field', async () => {
    const { apiKeys } = (await newWorld()).licensing
    const cases: readonly (readonly [object, string])[] = [
      [{ scopes: [] }, 'scopes'],
      [{ scopes: ['licenses:read', 'licenses:read'] }, 'scopes'],
      [{ scopes: ['licenses:all'] }, 'scopes'],
      [{ scopes: 'licenses:read' }, 'scopes'],
      [{ scopes: [5] }, 'scopes'],
      [{ preset: 'admin' }, 'preset'],
      [{ preset: null }, 'preset'],
      [{ preset: 'support', scopes: ['licenses:read'] }, 'preset'],
      [{ preset: 'support', scopes: null }, 'preset'],
      [{ preset: 'support', type: 'pk' }, 'type'],
      [{ preset: 'auditor', type: 'sk' }, 'type'],
      ...scopes
        .filter((scope) => !scope.endsWith(':read'))
        .map((scope) => [{ type: 'pk', scopes: [scope] }, 'scopes'] as const),
    ]
    for (const [key, field] of cases) {
      const details = await detailsOf(apiKeys.create(key as NewApiKey))
      assert.deepEqual(Object.keys(details as object), [field], JSON.stringify(key))
    }
    assert.equal((await apiKeys.list()).total, 0)
  })
})

describe('restrictedTo(): a key that manages keys climbs nowhere', () => {
  const own: readonly Scope[] = ['customers:write', 'licenses:read', 'keys:write']

  test('it makes only keys that may do no more than itself', async () => {
    const { licensing } = await newShop()
    const { apiKeys } = await restricted(licensing, { scopes: own })
    const tried: readonly (readonly [NewApiKey, string])[] = [
      [{}, 'forbidden'],
      [{ type: 'pk' }, 'forbidden'],
      [{ app: 'desktop-app' }, 'forbidden'],
      [{ expiresAt: start + 60 }, 'forbidden'],
      [{ mode: 'test' }, 'forbidden'],
      [{ scopes: null }, 'forbidden'],
      [{ preset: 'support' }, 'forbidden'],
      [{ preset: 'payments' }, 'forbidden'],
      [{ preset: 'auditor' }, 'forbidden'],
      [{ scopes: own }, 'ok'],
      [{ scopes: ['customers:read', 'keys:write'] }, 'ok'],
      [{ scopes: ['licenses:read'], app: 'desktop-app', expiresAt: start + 60 }, 'ok'],
      [{ type: 'pk', scopes: ['customers:read', 'licenses:read'] }, 'ok'],
      ...scopes.map((scope): readonly [NewApiKey, string] => {
        const isWithin = [...own, 'customers:read'].includes(scope)
        return [
          { scopes: ['keys:write', ...(scope === 'keys:write' ? [] : [scope])] },
          isWithin ? 'ok' : 'forbidden',
        ]
      }),
    ]
    for (const [key, expected] of tried)
      assert.equal(await codeOf(apiKeys.create(key)), expected, JSON.stringify(key))
    const all = (await licensing.apiKeys.list({ perPage: 100 })).data
    assert.equal(all.length, 1 + tried.filter(([, expected]) => expected === 'ok').length)
  })

  test('it neither lists nor rolls nor revokes a key that may do more', async () => {
    const { licensing } = await newShop()
    const self = await principal(licensing, { scopes: own })
    const { apiKeys } = licensing.restrictedTo(self)
    const above = await Promise.all(
      [
        {},
        { type: 'pk' },
        { scopes: ['licenses:write'] },
        { scopes: [...own, 'delete'] },
        { preset: 'auditor' },
      ].map((key) => licensing.apiKeys.create(key as NewApiKey)),
    )
    const below = await licensing.apiKeys.create({ scopes: ['customers:read'] })
    const before = await licensing.apiKeys.list({ perPage: 100 })
    for (const { id } of above) {
      assert.equal(await codeOf(apiKeys.roll(id)), 'not_found')
      assert.equal(await codeOf(apiKeys.revoke(id)), 'not_found')
    }
    assert.deepEqual(await licensing.apiKeys.list({ perPage: 100 }), before)
    const { data, total } = await apiKeys.list()
    assert.deepEqual([data.map(({ id }) => id), total], [[below.id, self.id], 2])
    const pages = [await apiKeys.list({ perPage: 1 }), await apiKeys.list({ perPage: 1, page: 2 })]
    assert.deepEqual(
      pages.flatMap((page) => page.data.map(({ id }) => id)),
      [below.id, self.id],
    )
    assert.equal(await codeOf(apiKeys.roll(below.id)), 'ok')
    assert.deepEqual((await apiKeys.roll(self.id)).scopes, self.scopes)
  })

  test('a bound one, and one with an end, manages no keys', async () => {
    const { licensing } = await newShop()
    for (const rights of [{ app: 'desktop-app' }, { expiresAt: start + 60 }]) {
      const { apiKeys } = await restricted(licensing, { ...rights, scopes: own })
      for (const call of [apiKeys.list(), apiKeys.create({ scopes: ['licenses:read'] })])
        assert.equal(await codeOf(call), 'forbidden')
    }
  })

  test('it gets no result that another key left under the same idempotency key', async () => {
    const { licensing } = await newShop()
    const key = { key: 'k', scope: '', fingerprint: 'f' }
    const make = (at: RestrictedLicensing) => at.apiKeys.create({})
    const strong = await restricted(licensing, {})
    const { result } = await strong.idempotent(key, make)
    assert.equal(result.scopes, null)
    const weak = await restricted(licensing, { scopes: own })
    assert.equal(await codeOf(weak.idempotent(key, make)), 'forbidden')
    assert.equal(await codeOf(weak.idempotentCall(key, make)), 'forbidden')
  })

  test('it reaches nothing that only the host may call', async () => {
    const { licensing } = await newShop()
    const weak = await restricted(licensing, { scopes: own })
    for (const name of ['ensure', 'rekey', 'restrictedTo', 'with', 'outbox', 'on'])
      assert.equal(name in weak, false, name)
    assert.equal(await codeOf(weak.apiKeys.createFirst().then((key) => assert.equal(key, null))), 'ok')
  })

  test('a principal of no stored key makes no first key either', async () => {
    const { licensing, storage } = await newWorld()
    const weak: Principal = {
      id: 'key_x',
      type: 'sk',
      mode: 'live',
      appId: null,
      expiresAt: null,
      scopes: own,
    }
    assert.equal(await codeOf(licensing.restrictedTo(weak).apiKeys.createFirst()), 'forbidden')
    assert.equal(await storage.countApiKeys({}), 0)
  })
})

describe('restrictedTo(): a key and itself', () => {
  const kinds: readonly NewApiKey[] = [
    {},
    { type: 'pk' },
    { app: 'desktop-app' },
    { expiresAt: start + 60 },
    { scopes: ['audit:read'] },
    { type: 'pk', app: 'desktop-app', scopes: ['licenses:read'] },
  ]

  test('me() shows it, and no other', async () => {
    const { licensing } = await newShop()
    for (const kind of kinds) {
      const { secret, ...shown } = await licensing.apiKeys.create(kind)
      const self = (await licensing.apiKeys.authenticate(secret))!
      const own = await licensing.restrictedTo(self).apiKeys.me()
      assert.deepEqual(own, { ...shown, lastUsedAt: start })
    }
    assert.equal(await codeOf(licensing.apiKeys.me()), 'not_found')
  })

  test('it may always revoke itself', async () => {
    const { licensing } = await newShop()
    for (const kind of kinds) {
      const { secret, id } = await licensing.apiKeys.create(kind)
      const self = (await licensing.apiKeys.authenticate(secret))!
      const { revokedAt } = await licensing.restrictedTo(self).apiKeys.revoke(id)
      assert.equal(revokedAt, start)
      assert.equal(await licensing.apiKeys.authenticate(secret), null)
    }
  })
})

test('restrictedTo(): a principal without scopes is a mistake, and gives no rights', async () => {
  const { licensing } = await newWorld()
  const { scopes: _scopes, ...forgotten } = await principal(licensing, {})
  assert.throws(() => licensing.restrictedTo(forgotten as Principal), TypeError)
})

test('apps: only a key that may write webhooks sets the address of events', async () => {
  const { licensing } = await newShop()
  const changes = { name: 'New', webhookUrl: 'https://example.com/hook' }
  const catalogue = await restricted(licensing, { scopes: ['catalogue:write'] })
  assert.equal(await codeOf(catalogue.apps.update('desktop-app', changes)), 'forbidden')
  assert.equal(await codeOf(catalogue.apps.update('desktop-app', { webhookUrl: null })), 'forbidden')
  assert.equal(await codeOf(catalogue.apps.create({ ...changes, slug: 'other' })), 'forbidden')
  assert.equal((await licensing.apps.list()).total, 1)
  assert.equal(await codeOf(catalogue.apps.update('desktop-app', { name: 'New' })), 'ok')
  const both = await restricted(licensing, { scopes: ['catalogue:write', 'webhooks:write'] })
  assert.equal((await both.apps.update('desktop-app', changes)).webhookUrl, changes.webhookUrl)
})

test('authenticate(): a storage that loses the scopes of a key leaves it no rights', async () => {
  for (const lost of [null, undefined]) {
    const storage = memoryStorage()
    const forgetful = {
      ...storage,
      findApiKeyByHash: async (hash: string) => {
        const key = await storage.findApiKeyByHash(hash)
        return key && { ...key, scopes: lost as never }
      },
    }
    const { licensing } = await newShop({ storage: forgetful })
    const scoped = await restricted(licensing, { preset: 'support' })
    assert.equal(await codeOf(scoped.licenses.list('desktop-app')), 'forbidden')
    const plain = await restricted(licensing, {})
    assert.equal(await codeOf(plain.licenses.list('desktop-app')), 'ok')
  }
})

/** A license key, and the restricted licensing that asks for its text under an idempotency key. */
async function replayedText(
  { licensing, customer }: Shop,
  rights: NewApiKey,
  app = 'desktop-app',
): Promise<unknown> {
  const sold = { customerId: customer.id, tierId: 'pro', forever: true } as const
  const { id } = await licensing.licenseKeys.create('desktop-app', sold)
  const own = await restricted(licensing, rights)
  const key = { key: 'k', scope: '', fingerprint: 'f', licenseKey: { app } }
  const work = async (): Promise<{ id: string; key: string | null }> => ({ id, key: null })
  await own.idempotent(key, work)
  return (await own.idempotent(key, work)).result.key
}

test('idempotent(): a replay shows the text of a license key only to a key that may see it', async () => {
  const shop = await newShop()
  await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  assert.equal(typeof (await replayedText(shop, {})), 'string')
  assert.equal(typeof (await replayedText(shop, { preset: 'support' })), 'string')
  assert.equal(await replayedText(shop, { scopes: ['license_keys:read'] }), null)
  assert.equal(await replayedText(shop, { type: 'pk' }), null)
  assert.equal(await replayedText(shop, { app: 'other-app' }), null)
})
