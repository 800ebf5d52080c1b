import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LicensingError, createLicensing, type Storage } from '../../src/core/index.ts'
import { testKeyPairs } from '../support/keys.ts'
import { dump, spoken } from '../support/dump.ts'
import { forge, claimsOf } from '../support/tokens.ts'
import {
  installation,
  masterKey,
  newShop,
  newWorld,
  otherMasterKey,
  tokenOf,
  type Shop,
} from '../support/fixtures.ts'

/** The middle of a secret's text identifies it, in any wrapping. */
function heart(secret: string): string {
  const text = secret.replace(/-----[A-Z ]+-----|\s/g, '')
  return text.slice(Math.floor(text.length / 2) - 12, Math.floor(text.length / 2) + 12)
}

interface Secrets {
  readonly [what: string]: string
}

async function secretShop(): Promise<{
  shop: Shop
  id: string
  apiKey: string
  token: string
  secrets: Secrets
}> {
  const shop = await newShop()
  await shop.licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
  const { secret: webhookSecret } = await shop.licensing.webhooks.secret('desktop-app')
  const { secret: apiKey } = await shop.licensing.apiKeys.create({ name: 'canary' })
  const license = await shop.issue()
  const token = tokenOf(license)
  const key = Buffer.from(masterKey, 'base64')
  const secrets = {
    'the master key in base64': heart(masterKey),
    'the master key in hexadecimal': heart(key.toString('hex')),
    'the master key itself': heart(key.toString('latin1')),
    'the private key': heart(testKeyPairs[0]!.privateKeyPem),
    'the API key': heart(apiKey),
    'the webhook secret': heart(webhookSecret),
    'the token': heart(token),
    'the token’s signature': heart(token.split('.')[2]!),
  }
  return { shop, id: license.id, apiKey, token, secrets }
}

function assertSilent(text: string, secrets: Secrets, where: string): void {
  for (const [what, secret] of Object.entries(secrets))
    assert.ok(!text.includes(secret), `${what} shows in ${where}`)
}

test('storage: holds no token, no API key, no private key and no master key', async () => {
  const { shop, id, apiKey, token, secrets } = await secretShop()
  const { licensing, storage } = shop
  await licensing.apiKeys.authenticate(apiKey)
  await licensing.licenses.renew('desktop-app', id, token)
  await licensing.licenses.regenerate('desktop-app', id, { invalidatePrevious: true })
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 5 })
  await licensing.flush()
  const held = await dump(storage)
  assert.ok(held.includes(id) && held.includes('BEGIN PUBLIC KEY'), 'the dump is whole')
  const rotated = { 'the next private key': heart(testKeyPairs[1]!.privateKeyPem) }
  assertSilent(held, { ...secrets, ...rotated, 'a PEM': 'PRIVATE KEY' }, 'the storage')
})

/** Calls that fail while they handle a secret. */
function failures({
  shop,
  id,
  apiKey,
  token,
}: Awaited<ReturnType<typeof secretShop>>): readonly (() => Promise<unknown>)[] {
  const { licensing, storage } = shop
  const { apiKeys, apps, customers, licenses, verification } = licensing
  const pem = testKeyPairs[0]!.privateKeyPem
  const swappedPair = { publicKeyPem: testKeyPairs[1]!.publicKeyPem, privateKeyPem: pem }
  const broken = { publicKeyPem: pem, privateKeyPem: `${pem}x` }
  return [
    () => licenses.renew('desktop-app', id, `${token}x`),
    () => licenses.renew('desktop-app', installation(9), token),
    () => licenses.renew(token, id, token),
    () => licenses.get('desktop-app', token),
    () => licenses.create('desktop-app', { [token.slice(0, 40)]: token, installationId: token } as never),
    () => licenses.update('desktop-app', id, { metadata: `${token}\u0000` } as never),
    () => licenses.list('desktop-app', { cursor: token.slice(0, 500) }),
    () => verification.verify('desktop-app', { jti: token.slice(0, 200) }),
    () => verification.verify('desktop-app', { installationId: token }),
    () => verification.verifyToken(token, token),
    () => apps.get(apiKey),
    () => apps.create({ name: 'n', slug: apiKey }),
    () => apps.create({ name: 'n', slug: 'x', webhookUrl: `https://user:${apiKey}@example.com` }),
    () => apps.create({ name: 'n', slug: 'swapped' }, { keyPair: swappedPair }),
    () => apps.create({ name: 'n', slug: 'broken' }, { keyPair: broken }),
    () => licensing.rotateKeys('desktop-app', {}, swappedPair),
    () => licensing.rotateKeys('desktop-app', { gracePeriodDays: pem } as never),
    () => customers.getByEmail('desktop-app', apiKey),
    () => customers.create('desktop-app', { email: apiKey }),
    () => apiKeys.create({ app: apiKey }),
    () => apiKeys.revoke(apiKey),
    () => createLicensing({ storage, masterKey: `${masterKey}${masterKey}` }),
    () => createLicensing({ storage, masterKey: [otherMasterKey] }),
    () => createLicensing({ storage, masterKey: Buffer.from(masterKey, 'base64').toString('hex') }),
  ]
}

test('LicensingError: shows no secret in message, details, stack or causes', async () => {
  const made = await secretShop()
  for (const [at, fail] of failures(made).entries()) {
    const error: unknown = await fail().then(
      () => assert.fail(`call ${at} did not fail`),
      (refused: unknown) => refused,
    )
    assertSilent(spoken(error), made.secrets, `the failure of call ${at}: ${fail}`)
  }
})

test('LicensingError: an altered sealed record is refused without showing it', async () => {
  const { shop, id, secrets } = await secretShop()
  const { storage } = shop
  const alter = (sealed: string): string => sealed.replace(/.{8}$/, 'AAAAAAAA')
  const altered: Storage = {
    ...storage,
    findActiveKey: async (app) => {
      const key = await storage.findActiveKey(app)
      return key && { ...key, privateKey: alter(key.privateKey!) }
    },
  }
  const { licensing } = await newWorld({ storage: altered })
  const error: unknown = await licensing.licenses
    .token('desktop-app', id)
    .catch((refused: unknown) => refused)
  assert.ok(error instanceof LicensingError && error.code === 'master_key')
  const sealed = (await storage.findActiveKey(shop.app.id))!.privateKey!
  assertSilent(spoken(error), { ...secrets, 'the sealed key': heart(sealed) }, 'the refusal')
})

test('licensing: shows no secret if it is logged', async () => {
  const { shop, apiKey, secrets } = await secretShop()
  const { licensing } = shop
  const principal = await licensing.apiKeys.authenticate(apiKey)
  const { inspect } = await import('node:util')
  const shown = [licensing, principal, await licensing.apiKeys.list(), await licensing.apps.list()]
  for (const thing of shown) {
    assertSilent(JSON.stringify(thing), secrets, 'JSON')
    assertSilent(inspect(thing, { depth: 20, showHidden: true }), secrets, 'a log of it')
  }
})

test('verification: shows no token, jti or customer to the public', async () => {
  const { shop, token, secrets } = await secretShop()
  const { verification } = shop.licensing
  const claims = claimsOf(token)
  const answers = [
    await verification.verify('desktop-app', { installationId: installation(1) }),
    await verification.verifyToken('desktop-app', token),
    await verification.verifyToken('desktop-app', await forge(claims, testKeyPairs[4]!.privateKeyPem)),
    [...(await verification.verifyBatch('desktop-app', { installationIds: [installation(1)] })).values()],
  ]
  const personal = {
    'the customer': shop.customer.id,
    'the e-mail': 'ada@',
    'the jti': claims.jti,
    'the license': claims.lic_id,
  }
  assertSilent(JSON.stringify(answers), { ...secrets, ...personal }, 'a public answer')
})
