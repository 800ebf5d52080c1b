import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { generateRsaKeyPair, type AppChanges, type KeyPair, type NewApp } from '../../src/core/index.ts'
import { testKeyPairs } from '../support/keys.ts'
import { codeOf, newShop, newWorld, refusalOf, start, tallyOf, type Shop } from '../support/fixtures.ts'

test('apps.create(): returns the given fields with public key and issuer', async () => {
  const { licensing } = await newWorld({ issuer: 'licenses.example.com' })
  const app = await licensing.apps.create({
    name: 'My Desktop App',
    slug: 'desktop-app',
    description: 'License management for my desktop application',
    webhookUrl: 'https://example.com/hooks',
  })
  const { id, ...rest } = app
  assert.match(id, /^app_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
  assert.deepEqual(rest, {
    ...{ name: 'My Desktop App', slug: 'desktop-app', mode: 'live', issuer: 'licenses.example.com' },
    description: 'License management for my desktop application',
    webhookUrl: 'https://example.com/hooks',
    webhookDisabledAt: null,
    webhookQueueFullAt: null,
    webhookDroppedEvents: 0,
    keyPrefix: null,
    publicKeyPem: testKeyPairs[0]!.publicKeyPem,
    ...{ createdAt: start, updatedAt: start },
  })
  for (const name of ['desktop-app', id]) assert.deepEqual(await licensing.apps.get(name), app)
  assert.deepEqual((await licensing.apps.list()).data, [app])
})

test('apps.create(): a slug is 1 to 63 lowercase letters, digits and hyphens', async () => {
  const { licensing } = await newWorld()
  for (const slug of ['my-app', 'app-123', 'myapp', '-', '0', 'a'.repeat(63)])
    assert.equal((await licensing.apps.create({ name: 'n', slug })).slug, slug)
  const odd: readonly unknown[] = [
    ...[
      'My_App',
      'my app',
      'my.app',
      '',
      'a'.repeat(64),
      'app\n',
      'app\u0000',
      'äpp',
      'ａpp',
      '..%2f..%2fetc',
      '../etc',
    ],
    ...['app_01kfgt0000e008000000000001', null, undefined, 5, ['a'], { a: 1 }],
  ]
  for (const slug of odd) {
    const error = await refusalOf(licensing.apps.create({ name: 'n', slug } as NewApp))
    assert.deepEqual(
      [error.code, Object.keys(error.details!)],
      ['validation_error', ['slug']],
      JSON.stringify(slug),
    )
  }
})

test('apps.create(): a slug is unique over live and test apps, also for concurrent callers', async () => {
  const { licensing } = await newWorld()
  const create = (mode: 'live' | 'test') => licensing.apps.create({ name: 'n', slug: 'wanted' }, { mode })
  const calls = Array.from({ length: 6 }, (_, at) => create(at % 2 ? 'live' : 'test'))
  assert.deepEqual(await tallyOf(calls), { conflict: 5, ok: 1 })
  const error = await refusalOf(create('live'))
  assert.deepEqual([error.code, error.details], ['conflict', { slug: ['is already taken'] }])
  assert.equal((await licensing.apps.list()).total, 1)
})

test('apps: the private key and the token secret appear nowhere', async () => {
  const { licensing, storage, app } = await newShop()
  const shown = JSON.stringify([
    app,
    await licensing.apps.get('desktop-app'),
    await licensing.apps.list(),
    await licensing.apps.jwks('desktop-app'),
  ])
  assert.doesNotMatch(shown, /PRIVATE|tokenSecret|privateKey|"d":/)
  const record = (await storage.findActiveKey(app.id))!
  assert.ok(!shown.includes(record.privateKey!.slice(20, 60)))
})

test('apps.jwks(): names each key by its thumbprint and shows only its public half', async () => {
  const { licensing } = await newShop()
  const { keys } = await licensing.apps.jwks('desktop-app')
  const [{ kty, n, e, kid, alg, use }] = keys as unknown as [Record<string, string>]
  assert.deepEqual([keys.length, kty, e, alg, use, n!.length], [1, 'RSA', 'AQAB', 'RS256', 'sig', 683])
  const members = `{"e":"${e}","kty":"RSA","n":"${n}"}`
  assert.equal(kid, createHash('sha256').update(members).digest('base64url'))
  assert.deepEqual(Object.keys(keys[0]!).toSorted(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
})

test('apps.create(): a webhook URL is https and without credentials', async () => {
  const { licensing } = await newWorld()
  const good = ['https://example.com', 'https://example.com:8443/a?b=c', 'https://münchen.example/', null]
  const odd: readonly unknown[] = [
    ...[
      '',
      'example.com',
      'http://example.com',
      'https://',
      'https:// example.com',
      'ftp://example.com',
      'javascript:1',
    ],
    ...[
      'https://user@example.com',
      'https://:secret@example.com',
      'file:///etc/passwd',
      `https://example.com/${'a'.repeat(2048)}`,
      5,
      ['https://example.com'],
    ],
  ]
  await licensing.apps.create({ name: 'n', slug: 'app' })
  for (const webhookUrl of good)
    assert.equal((await licensing.apps.update('app', { webhookUrl })).webhookUrl, webhookUrl)
  for (const webhookUrl of odd) {
    const changes = { webhookUrl } as AppChanges
    for (const call of [
      licensing.apps.update('app', changes),
      licensing.apps.create({ name: 'n', slug: 'new', ...changes }),
    ]) {
      const error = await refusalOf(call)
      assert.deepEqual(
        [error.code, Object.keys(error.details!)],
        ['validation_error', ['webhookUrl']],
        `${webhookUrl}`,
      )
    }
  }
})

test('apps.update(): changes name, description and webhook URL, and nothing else', async () => {
  const { licensing, clock, app } = await newShop()
  clock.seconds += 5
  const changed = await licensing.apps.update('desktop-app', {
    name: 'New',
    description: 'd',
    webhookUrl: 'https://a.example/',
  })
  assert.deepEqual(changed, {
    ...app,
    name: 'New',
    description: 'd',
    webhookUrl: 'https://a.example/',
    updatedAt: start + 5,
  })
  const cleared = await licensing.apps.update(app.id, { description: null, webhookUrl: null })
  assert.deepEqual([cleared.name, cleared.description, cleared.webhookUrl], ['New', null, null])
  const odd = [
    { slug: 'x' },
    { mode: 'test' },
    { issuer: 'x' },
    { id: 'x' },
    { publicKeyPem: 'x' },
    { tokenSecret: 'x' },
    { name: null },
  ]
  for (const changes of odd)
    assert.equal(
      await codeOf(licensing.apps.update('desktop-app', changes as AppChanges)),
      'validation_error',
    )
})

/** One call of every use case that takes an app. */
function callsOn({ licensing }: Shop, app: string): readonly Promise<unknown>[] {
  const { apps, customers, features, licenses, tiers, verification } = licensing
  return [
    ...[apps.get(app), apps.update(app, {}), apps.delete(app), apps.publicKey(app), apps.jwks(app)],
    ...[
      tiers.list(app),
      tiers.create(app, { name: 'x', slug: 'x' }),
      features.list(app),
      features.create(app, { name: 'x', slug: 'x' }),
    ],
    ...[
      customers.list(app),
      customers.create(app, { email: 'a@b' }),
      customers.getOrCreate(app, { email: 'a@b' }),
    ],
    ...[
      licenses.list(app),
      licenses.regenerateAll(app),
      licensing.rotateKeys(app),
      licensing.rotateKeys(app, { dryRun: true }),
    ],
    ...[verification.verifyToken(app, 'x'), verification.verifyBatch(app, { jtis: [] })],
  ]
}

test('every use case: an app that does not exist is not_found', async () => {
  const shop = await newShop()
  const odd: readonly unknown[] = [
    'no-app',
    '',
    'DESKTOP-APP',
    'desktop-app ',
    'app_01kfgt0000e0080000000000zz',
    '\u0000',
    'a\u0000',
    '\uD800',
    '__proto__',
    undefined,
    null,
    5,
  ]
  for (const name of odd) {
    const tally = await tallyOf(callsOn(shop, name as string))
    assert.deepEqual(Object.keys(tally), ['not_found'], JSON.stringify(name))
  }
})

test('apps.delete(): deletes everything in the app and its bound keys, and nothing else', async () => {
  const shop = await newShop()
  const { licensing, storage, app } = shop
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await licensing.tiers.create('other-app', { name: 'Pro', slug: 'pro', features: ['api_access'] })
  await shop.issue()
  const bound = await licensing.apiKeys.create({ app: 'desktop-app' })
  const free = await licensing.apiKeys.create({})
  await licensing.apps.delete('desktop-app')
  const counts = [
    await storage.countTiers(app.id),
    await storage.countFeatures(app.id),
    await storage.countCustomers({ appId: app.id }),
    await storage.countLicenses({ appId: app.id, now: start }),
    (await storage.listSigningKeys(app.id)).length,
  ]
  assert.deepEqual(counts, [0, 0, 0, 0, 0])
  for (const name of ['desktop-app', app.id])
    assert.deepEqual(Object.keys(await tallyOf(callsOn(shop, name))), ['not_found'])
  assert.equal(await licensing.apiKeys.authenticate(bound.secret), null)
  assert.notEqual(await licensing.apiKeys.authenticate(free.secret), null)
  assert.deepEqual((await licensing.tiers.get('other-app', 'pro')).features, ['api_access'])
})

test('apps.delete(): a new app may take the slug, and accepts nothing of the old app', async () => {
  const { licensing, app, issue } = await newShop()
  const license = await issue()
  const key = await licensing.apiKeys.create({ app: 'desktop-app' })
  await licensing.apps.delete('desktop-app')
  const next = await licensing.apps.create({ name: 'Next', slug: 'desktop-app' })
  assert.notEqual(next.id, app.id)
  assert.equal(
    await codeOf(licensing.licenses.renew('desktop-app', license.id, license.token)),
    'invalid_token',
  )
  assert.equal(await codeOf(licensing.verification.verify('desktop-app', { jti: license.jti })), 'not_found')
  assert.equal(await codeOf(licensing.licenses.get('desktop-app', license.id)), 'not_found')
  assert.equal(await licensing.apiKeys.authenticate(key.secret), null)
})

test(
  'apps.create(): the default generator makes a different RSA-4096 pair for each app',
  { timeout: 120_000 },
  async () => {
    const { licensing } = await newWorld({ newKeyPair: generateRsaKeyPair })
    const { publicKeyPem } = await licensing.apps.create({ name: 'n', slug: 'made' })
    assert.match(publicKeyPem, /^-----BEGIN PUBLIC KEY-----\nMIICIjANBg/)
  },
)

test('apps.create(): refuses a pair that is not RSA-4096, or whose halves do not match', async () => {
  const { licensing } = await newWorld()
  const [one, two] = [testKeyPairs[0]!, testKeyPairs[1]!]
  const pairs: readonly unknown[] = [
    { publicKeyPem: one.publicKeyPem, privateKeyPem: two.privateKeyPem },
    { publicKeyPem: one.publicKeyPem, privateKeyPem: '' },
    { publicKeyPem: one.privateKeyPem, privateKeyPem: one.privateKeyPem },
    { publicKeyPem: one.publicKeyPem, privateKeyPem: one.publicKeyPem },
    {},
  ]
  for (const keyPair of pairs as never[]) {
    await assert.rejects(licensing.apps.create({ name: 'n', slug: 'app' }, { keyPair }))
    assert.equal(await codeOf(licensing.apps.get('app')), 'not_found')
  }
})

test('apps.create() and rotateKeys(): store one spelling of a key pair, however it is spelt', async () => {
  const { licensing } = await newWorld()
  const [one, two] = [testKeyPairs[0]!, testKeyPairs[1]!]
  const spellings: Readonly<Record<string, (pem: string) => string>> = {
    'with-crlf': (pem) => pem.replaceAll('\n', '\r\n'),
    'in-one-line': (pem) => pem.replaceAll('\n', ''),
    indented: (pem) => pem.replaceAll(/^/gm, '  '),
    'with-text-around': (pem) => `Kept by Ada\n${pem}<script>\n`,
    'without-end-of-line': (pem) => pem.trimEnd(),
  }
  for (const [slug, spell] of Object.entries(spellings)) {
    const spelt = ({ publicKeyPem, privateKeyPem }: KeyPair): KeyPair => ({
      publicKeyPem: spell(publicKeyPem),
      privateKeyPem: spell(privateKeyPem),
    })
    const { publicKeyPem } = await licensing.apps.create({ name: 'n', slug }, { keyPair: spelt(one) })
    assert.equal(publicKeyPem, one.publicKeyPem, slug)
    const rotation = await licensing.rotateKeys(slug, {}, spelt(two))
    assert.equal(rotation.publicKeyPem, two.publicKeyPem, slug)
    assert.equal(await licensing.apps.publicKey(slug), two.publicKeyPem, slug)
  }
})
