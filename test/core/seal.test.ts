import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gcm } from '@noble/ciphers/aes.js'
import { base64url } from 'jose'
import { createLicensing, LicensingError, type MasterKey, type Storage } from '../../src/core/index.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import {
  codeOf,
  masterKey,
  newShop,
  newWorld,
  otherMasterKey,
  refusalOf,
  risingIds,
  tokenOf,
  type Shop,
} from '../support/fixtures.ts'

const secret = new TextEncoder().encode('a private key')
const bytes = new Uint8Array(32).fill(9)

test('sealer.open(): opens a secret for its purpose only', async () => {
  const sealer = await createSealer(masterKey)
  const sealed = sealer.seal(secret, 'private-key app_1 kid_1')
  assert.deepEqual(sealer.open(sealed, 'private-key app_1 kid_1'), secret)
  for (const purpose of [
    'private-key app_2 kid_1',
    'private-key app_1 kid_2',
    'token-secret app_1 kid_1',
    '',
  ])
    assert.throws(() => sealer.open(sealed, purpose), { code: 'master_key' }, purpose)
})

test('createSealer(): a master key is the same as bytes, base64 and base64url', async () => {
  const base64 = Buffer.from(bytes).toString('base64')
  const sealed = (await createSealer(bytes)).seal(secret, 'p')
  for (const key of [base64, base64.replace('=', ''), base64url.encode(bytes), Buffer.from(bytes), [base64]])
    assert.deepEqual((await createSealer(key)).open(sealed, 'p'), secret)
})

test('createSealer(): copies the master key at the start', async () => {
  const key = Uint8Array.from(bytes)
  const sealer = await createSealer(key)
  const sealed = sealer.seal(secret, 'p')
  key.fill(1)
  assert.deepEqual(sealer.open(sealed, 'p'), secret)
})

/** A sealed text with one bit of one part flipped. */
function altered(sealed: string, part: number, byte: number): string {
  const parts = sealed.split('.')
  const changed = Uint8Array.from(base64url.decode(parts[part]!))
  changed[byte]! ^= 1
  return parts.with(part, base64url.encode(changed)).join('.')
}

test('sealer.open(): notices a flipped bit, a cut part and a missing part', async () => {
  const sealer = await createSealer(masterKey)
  const sealed = sealer.seal(secret, 'p')
  const [version, id, nonce, ciphertext] = sealed.split('.') as [string, string, string, string]
  const lengthOf = (part: number): number => base64url.decode(sealed.split('.')[part]!).length
  const bitFlips = [1, 2, 3].flatMap((part) =>
    Array.from({ length: lengthOf(part) }, (_, byte) => altered(sealed, part, byte)),
  )
  const broken = [
    ...bitFlips,
    `${sealed}.x`,
    ...['', 'v1', 'not sealed', sealed.slice(0, -8), `v2${sealed.slice(2)}`, `V1${sealed.slice(2)}`],
    ...[
      [version, id, nonce],
      [version, id, '', ciphertext],
      [version, '', nonce, ciphertext],
    ].map((parts) => parts.join('.')),
    [version, id, nonce, base64url.encode(base64url.decode(ciphertext).subarray(0, -1))].join('.'),
    [version, id, base64url.encode(base64url.decode(nonce).subarray(0, 8)), ciphertext].join('.'),
    [version, id, base64url.encode(new Uint8Array(16)), ciphertext].join('.'),
  ]
  for (const text of broken) assert.throws(() => sealer.open(text, 'p'), { code: 'master_key' }, text)
})

test('createSealer(): the first of several keys seals, and all open', async () => {
  const [first, second] = [await createSealer(masterKey), await createSealer(otherMasterKey)]
  const both = await createSealer([otherMasterKey, masterKey])
  assert.deepEqual(both.open(first.seal(secret, 'p'), 'p'), secret)
  assert.deepEqual(second.open(both.seal(secret, 'p'), 'p'), secret)
  assert.throws(() => first.open(both.seal(secret, 'p'), 'p'), { code: 'master_key' })
})

test('sealer.seal(): 10,000 seals of one secret never repeat a nonce', async () => {
  const sealer = await createSealer(masterKey)
  const nonces = new Set<string>()
  for (let count = 0; count < 10_000; count++) nonces.add(sealer.seal(secret, 'p').split('.')[2]!)
  assert.equal(nonces.size, 10_000)
  for (const nonce of nonces) assert.equal(base64url.decode(nonce).length, 12)
})

const hexadecimal = 'ab'.repeat(32)
const malformed: Readonly<Record<string, unknown>> = {
  missing: undefined,
  null: null,
  empty: '',
  'no list of keys': [],
  'a list with an empty one': [masterKey, ''],
  'a list with a hole': [masterKey, undefined],
  'a list of lists': [[masterKey]],
  short: masterKey.slice(4),
  long: `${masterKey.slice(0, -1)}A`,
  hexadecimal,
  'with a newline': `${masterKey}\n`,
  'with a space before it': ` ${masterKey}`,
  'two in one text': `${masterKey},${otherMasterKey}`,
  'a passphrase': 'correct horse battery staple correct horse b',
  'zero bytes': new Uint8Array(32),
  'zero in base64': Buffer.alloc(32).toString('base64'),
  '31 bytes': bytes.subarray(1),
  '33 bytes': new Uint8Array(33).fill(1),
  numbers: Array.from(bytes),
  'a number': 32,
  'an object': { length: 32 },
}

test('createLicensing(): a malformed master key gets one message, which hides it, and writes nothing', async () => {
  for (const [what, key] of Object.entries(malformed)) {
    const storage = memoryStorage()
    const error = await refusalOf(createLicensing({ storage, masterKey: key as MasterKey }))
    assert.equal(error.code, 'master_key', what)
    assert.equal(
      error.message,
      'Master key must be 32 random bytes, or the same in base64 (44 characters), and not all zero',
    )
    assert.equal(error.cause, undefined, what)
    assert.equal(await storage.claimKeyCheck('mine'), 'mine', `${what}: nothing was written`)
  }
})

test('createLicensing(): the wrong master key is refused and leaves the storage unchanged', async () => {
  const { storage } = await newShop()
  const error = await refusalOf(createLicensing({ storage, masterKey: otherMasterKey }))
  assert.deepEqual(
    [error.code, error.message],
    ['master_key', 'Wrong master key: it does not open this storage'],
  )
  assert.ok(error.cause instanceof LicensingError, 'the cause tells what did not open')
  assert.equal(await codeOf(createLicensing({ storage, masterKey })), 'ok')
})

test('createLicensing(): with the old key behind a new one everything works, and new apps use the new key', async () => {
  const shop = await newShop()
  const license = await shop.issue()
  const next = await newWorld({
    storage: shop.storage,
    masterKey: [otherMasterKey, masterKey],
    newId: risingIds(1_000),
  })
  assert.equal(await next.licensing.licenses.token('desktop-app', license.id), license.token)
  const fresh = await next.licensing.apps.create({ name: 'Fresh', slug: 'fresh' })
  const keyIdOf = async (app: string): Promise<string> =>
    (await shop.storage.findApp(app))!.tokenSecret.split('.')[1]!
  assert.notEqual(await keyIdOf(fresh.id), await keyIdOf('desktop-app'))
  assert.equal(await codeOf(newWorld({ storage: shop.storage, masterKey: otherMasterKey })), 'master_key')
})

test('createLicensing(): of two concurrent first starts with different keys one wins', async () => {
  const storage = memoryStorage()
  const starts = [masterKey, otherMasterKey].map((key) =>
    codeOf(createLicensing({ storage, masterKey: key })),
  )
  assert.deepEqual((await Promise.all(starts)).toSorted(), ['master_key', 'ok'])
})

/** The shop's storage, after `swap` moved sealed texts between the records of two apps. */
async function swapped(
  shop: Shop,
  swap: (storage: Storage, one: string, two: string) => Promise<Partial<Storage>>,
): Promise<{
  readonly token: () => Promise<string | null>
  readonly untouched: () => Promise<string | null>
}> {
  const other = await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await shop.licensing.tiers.create('other-app', { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await shop.licensing.customers.create('other-app', { email: 'a@b' })
  const one = await shop.issue()
  const given = { installationId: one.installationId, customerId, tierId: 'pro', forever: true } as const
  const two = await shop.licensing.licenses.create('other-app', given)
  const storage = { ...shop.storage, ...(await swap(shop.storage, shop.app.id, other.id)) }
  const { licensing } = await newWorld({ storage })
  return {
    token: () => licensing.licenses.token('other-app', two.id),
    untouched: async () => tokenOf({ token: await licensing.licenses.token('desktop-app', one.id) }),
  }
}

test('licenses.token(): a private key moved to another app does not open, and other apps work on', async () => {
  const { token, untouched } = await swapped(await newShop(), async (storage, one, two) => {
    const stolen = (await storage.findActiveKey(one))!
    return {
      findActiveKey: async (app) => (app === two ? { ...stolen, appId: two } : storage.findActiveKey(app)),
    }
  })
  assert.equal(await codeOf(token()), 'master_key')
  assert.equal(await codeOf(untouched()), 'ok')
})

test('licenses.token(): a private key moved to another kid does not open', async () => {
  const { token } = await swapped(await newShop(), async (storage, one, two) => {
    const { kid } = (await storage.findActiveKey(one))!
    const own = (await storage.findActiveKey(two))!
    return { findActiveKey: async (app) => (app === two ? { ...own, kid } : storage.findActiveKey(app)) }
  })
  assert.equal(await codeOf(token()), 'master_key')
})

test('licenses.get(): a token secret moved to another app does not open', async () => {
  const { token, untouched } = await swapped(await newShop(), async (storage, one, two) => {
    const { tokenSecret } = (await storage.findApp(one))!
    const other = (await storage.findApp(two))!
    const isOther = (app: string): boolean => app === two || app === other.slug
    return {
      findApp: async (app) => (isOther(app) ? { ...other, tokenSecret } : storage.findApp(app)),
    }
  })
  assert.equal(await codeOf(token()), 'master_key')
  assert.equal(await codeOf(untouched()), 'ok')
})

test('createSealer(): takes a master key with a zero byte, and every character of both alphabets', async () => {
  const keys = [Uint8Array.from(bytes, (byte, at) => (at === 0 ? 0 : byte)), new Uint8Array(32).fill(255)]
  const mixed = Uint8Array.from(bytes, (_, at) => [0xfb, 0xef, 0xbe, 0xff][at % 4]!)
  for (const key of [...keys, mixed]) {
    const sealed = (await createSealer(key)).seal(secret, 'p')
    for (const encoding of ['base64', 'base64url'] as const)
      assert.deepEqual(
        (await createSealer(Buffer.from(key).toString(encoding))).open(sealed, 'p'),
        secret,
        encoding,
      )
  }
  assert.match(Buffer.from(mixed).toString('base64'), /\+.*\/|\/.*\+/)
})

test('sealer.open(): refuses a nonce of another length than 12 bytes, even under the right key', async () => {
  const sealer = await createSealer(bytes)
  const [version, id] = sealer.seal(secret, 'p').split('.')
  const sealedWith = (length: number): string => {
    const nonce = new Uint8Array(length).fill(5)
    const ciphertext = gcm(bytes, nonce, new TextEncoder().encode(`${version} p`)).encrypt(secret)
    return [version, id, base64url.encode(nonce), base64url.encode(ciphertext)].join('.')
  }
  assert.deepEqual(sealer.open(sealedWith(12), 'p'), secret)
  for (const length of [8, 11, 13, 16])
    assert.throws(() => sealer.open(sealedWith(length), 'p'), { code: 'master_key' }, `${length}`)
})

test('webhooks.secret(): a webhook secret moved to another app does not open', async () => {
  const { licensing, storage, app } = await newShop()
  const other = await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  for (const { id } of [app, other]) {
    await licensing.apps.update(id, { webhookUrl: 'https://hooks.example/x' })
    await licensing.webhooks.secret(id)
  }
  const stolen = (await storage.findWebhook(app.id))!
  const moved = { ...storage, findWebhook: async (id: string) => ({ ...stolen, appId: id }) }
  const { licensing: next } = await newWorld({ storage: moved })
  assert.equal(await codeOf(next.webhooks.secret(app.id)), 'ok')
  assert.equal(await codeOf(next.webhooks.secret(other.id)), 'master_key')
})

test('apps.create(): each app has its own token secret of 32 bytes, as long as an HMAC-SHA-256', async () => {
  const { licensing, storage, app } = await newShop()
  const other = await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const sealer = await createSealer(masterKey)
  const secrets: string[] = []
  for (const { id } of [app, other]) {
    const opened = sealer.open((await storage.findApp(id))!.tokenSecret, `token-secret ${id}`)
    assert.equal(opened.length, 32)
    secrets.push(base64url.encode(opened))
  }
  assert.notEqual(secrets[0], secrets[1])
})
