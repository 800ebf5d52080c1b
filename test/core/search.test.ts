import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NewApiKey, RestrictedLicensing, Scope } from '../../src/core/index.ts'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { isSecretText } from '../../src/core/secret-text.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { codeOf, installation, newShop, refusalOf, tokenOf, type Shop } from '../support/fixtures.ts'

const app = 'desktop-app'

/** A shop with one record of each kind. */
async function stocked() {
  const shop = await newShop({ storage: await sqliteStorage({ filename: ':memory:' }) })
  const { licensing, customer } = shop
  await licensing.customers.update(app, customer.id, { name: 'Ada Lovelace', externalId: 'crm-1' })
  const license = await shop.issue()
  const sold = { customerId: customer.id, tierId: 'pro', forever: true, externalId: 'sub-1' } as const
  const key = await licensing.licenseKeys.create(app, sold)
  return { ...shop, license, key }
}

async function asKey({ licensing }: Shop, rights: NewApiKey): Promise<RestrictedLicensing> {
  const { secret } = await licensing.apiKeys.create(rights)
  return licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!)
}

async function kindsFound(licensing: RestrictedLicensing, text: string): Promise<string[]> {
  return (await licensing.search(text)).map(({ kind }) => kind)
}

describe('licensing.search()', () => {
  test('finds each record by what people have of it, with a label', async () => {
    const shop = await stocked()
    const { licensing, customer, license, key, tier } = shop
    const ada = { kind: 'customer', app, id: customer.id, label: 'Ada Lovelace <ada@example.com>' }
    const seat = { kind: 'license', app, id: license.id, label: `pro · ${installation(1)}` }
    const sold = { kind: 'license_key', app, id: key.id, label: 'pro · sub-1' }
    const expected: readonly (readonly [text: string, found: readonly object[]])[] = [
      [customer.id, [ada]],
      ['crm-1', [ada]],
      ['ADA', [ada]],
      ['ada@exam', [ada]],
      ['  ada   love ', [ada]],
      [license.id, [seat]],
      [license.jti, [seat]],
      [installation(1).toUpperCase(), [seat]],
      [key.id, [sold]],
      ['sub-1', [sold]],
      ['pro', [{ kind: 'tier', app, id: tier.id, label: 'Pro' }]],
      [app, [{ kind: 'app', app, id: shop.app.id, label: 'My Desktop App' }]],
      ['lovelace', []],
      [`${license.jti.slice(0, -1)}${license.jti.endsWith('0') ? '1' : '0'}`, []],
      [`ada\u{10ffff}`, []],
    ]
    for (const [text, found] of expected) assert.deepEqual(await licensing.search(text), found, text)
  })

  test('finds a license by its UUID, and by the jti of an earlier token', async () => {
    const { licensing, license } = await stocked()
    const { lic_id: uuid } = JSON.parse(atob(tokenOf(license).split('.')[1]!)) as { lic_id: string }
    await licensing.licenses.regenerate(app, license.id)
    for (const text of [uuid, uuid.toUpperCase(), license.jti])
      assert.deepEqual(
        (await licensing.search(text)).map(({ id }) => id),
        [license.id],
      )
    assert.notEqual((await licensing.licenses.get(app, license.id)).jti, license.jti)
  })

  test('shows at most 20 records, and each once', async () => {
    const { licensing } = await stocked()
    for (let at = 0; at < 30; at++)
      await licensing.customers.create(app, { email: `ada${at}@example.com`, name: `Ada ${at}` })
    const found = await licensing.search('ada')
    assert.equal(found.length, 20)
    assert.equal(new Set(found.map(({ id }) => id)).size, 20)
  })

  test('shows a key only the nouns that it may read', async () => {
    const shop = await stocked()
    const texts = [shop.app.id, shop.tier.id, shop.customer.id, 'ada', shop.license.id, shop.key.id]
    const all = ['app', 'tier', 'customer', 'customer', 'license', 'license_key']
    const shown: Readonly<Record<string, readonly string[]>> = {
      'catalogue:read': ['app', 'tier'],
      'customers:read': ['customer', 'customer'],
      'licenses:write': ['license'],
      'license_keys:read': ['license_key'],
      'webhooks:read': [],
    }
    for (const [scope, kinds] of Object.entries(shown)) {
      const own = await asKey(shop, { scopes: [scope as Scope] })
      const found = await Promise.all(texts.map((text) => kindsFound(own, text)))
      assert.deepEqual(found.flat(), kinds, scope)
    }
    const found = await Promise.all(texts.map((text) => kindsFound(shop.licensing, text)))
    assert.deepEqual(found.flat(), all)
  })

  test('a public key finds nothing by a jti', async () => {
    const shop = await stocked()
    const own = await asKey(shop, { type: 'pk' })
    assert.deepEqual(await own.search(shop.license.jti), [])
    assert.deepEqual(await kindsFound(own, shop.license.id), ['license'])
  })

  test('tells a key nothing of other apps and of the other mode', async () => {
    const shop = await stocked()
    const { licensing } = shop
    await licensing.apps.create({ name: 'Other', slug: 'other' })
    await licensing.apps.create({ name: 'Trial', slug: 'trial' }, { mode: 'test' })
    const texts: string[] = []
    for (const slug of ['other', 'trial']) {
      const feature = await licensing.features.create(slug, { name: 'X', slug: `x_${slug}` })
      const tier = await licensing.tiers.create(slug, { name: 'Max', slug: `max_${slug}` })
      const buyer = { email: `bob@${slug}.example`, name: `Bob of ${slug}`, externalId: `crm-${slug}` }
      const { id: customerId } = await licensing.customers.create(slug, buyer)
      const installationId = crypto.randomUUID()
      const issued = { customerId, tierId: tier.id, forever: true } as const
      const license = await licensing.licenses.create(slug, { ...issued, installationId })
      const key = await licensing.licenseKeys.create(slug, { ...issued, externalId: `sub-${slug}` })
      const ids = [feature.id, tier.id, customerId, license.id, key.id, (await licensing.apps.get(slug)).id]
      texts.push(...ids, slug, feature.slug, tier.slug, 'bob', `bob of ${slug}`, `crm-${slug}`)
      texts.push(license.jti, installationId, `sub-${slug}`)
    }
    const bound = await asKey(shop, { app })
    for (const text of texts) assert.deepEqual(await bound.search(text), [], text)
    const test = await asKey(shop, { mode: 'test' })
    const live = await asKey(shop, {})
    for (const text of texts) {
      assert.ok(
        (await test.search(text)).every((found) => found.app === 'trial'),
        text,
      )
      assert.ok(
        (await live.search(text)).every((found) => found.app !== 'trial'),
        text,
      )
      assert.ok((await licensing.search(text)).length > 0, text)
      const asked = await licensing.search(text, { mode: 'test' })
      assert.deepEqual(asked, await test.search(text))
    }
    assert.deepEqual(await kindsFound(test, 'bob'), ['customer'])
  })

  test('refuses a token, a license key and an API key, says diagnose, and repeats none of it', async () => {
    const { licensing, license, key } = await stocked()
    const token = tokenOf(license)
    const texts = [
      token,
      token.slice(0, 40),
      `Bearer ${token}`,
      `"${token}"`,
      key.key,
      key.key.toLowerCase().replaceAll('-', ' '),
      key.key.replaceAll('-', ''),
      `${key.key.slice(0, -1)}${key.key.endsWith('7') ? '8' : '7'}`,
      `My key is ${key.key}, it does not work`,
      apiKeySecret('sk', 'live'),
      apiKeySecret('pk', 'test').slice(0, 20),
      `Authorization: ${apiKeySecret('sk', 'test')}`,
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    ]
    for (const text of texts) {
      const error = await refusalOf(licensing.search(text))
      assert.equal(error.code, 'validation_error')
      assert.match(error.message, /diagnose/)
      const spoken = JSON.stringify([error.message, error.details])
      for (const piece of text.match(/[\w-]{12,}/g) ?? []) assert.ok(!spoken.includes(piece), piece)
    }
  })

  test('refuses what is no text to look for, and takes every other text literally', async () => {
    const { licensing } = await stocked()
    const wrong: readonly unknown[] = ['', '   ', 'a'.repeat(201), 'a\0b', '\ud800', 7, null, {}, undefined]
    for (const text of wrong)
      assert.equal(await codeOf(licensing.search(text as string)), 'validation_error', String(text))
    const none = [
      '%',
      '_',
      'a%',
      '\\',
      "'",
      '"',
      "' or 1=1 --",
      '*',
      '[a-z]',
      'ﷺ'.repeat(200),
      '\u0301'.repeat(200),
    ]
    for (const text of none) assert.deepEqual(await licensing.search(text), [], text)
  })
})

test('isSecretText(): leaves names, addresses and ids of other systems alone', () => {
  const plain = [
    'Maria Elena Perez Lopez Gomez',
    'christopher.alexander.brown@example.com',
    'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
    'sub_1MowQVLkdIwHu7ixeraBm864',
    'clh3am8hv0000356nb5g5x1vz',
    '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
    'Order 2026-0001',
    'eyJ',
    'sk_lane@example.com',
  ]
  assert.deepEqual(plain.filter(isSecretText), [])
  // One UUID of a thousand has right check symbols by chance.
  const uuids = Array.from({ length: 5_000 }, () => crypto.randomUUID())
  assert.deepEqual(uuids.filter(isSecretText), [])
})
