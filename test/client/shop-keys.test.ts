import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  checkLicenseKey,
  createLicenseClient,
  LicensingError,
  memoryStore,
  type LicenseClient,
  type LicenseKeyError,
  type LicenseStore,
} from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { whileListening } from '../adapters/listening.ts'
import { newShopServer } from '../adapters/test-server.ts'
import { open } from './computers.ts'

/** Its check symbols are wrong. A license key of ours differs in one symbol. */
const foreign = 'ABCDE-FGH1J-K2MNP-QRST3-VWXY4'

/** Keys of another shop, as it sold them. All of them have the form of ours. */
const sold: Readonly<Record<string, string>> = {
  'groups with dashes': foreign,
  'small letters with dashes': 'abcde-fgh1j-k2mnp-qrst3-vwxy5',
  'one run': 'ABCDEFGH1JK2MNPQRST3VWXY6',
  'one run of small letters': 'abcdefgh1jk2mnpqrst3vwxy7',
  'a prefix': 'SHOP-ABCDE-FGH1J-K2MNP-QRST3-VWXY8',
  'a prefix in small letters': 'shop-abcde-fgh1j-k2mnp-qrst3-vwxy9',
  'letters that look like digits': 'OBCDE-FGHIJ-K2MNP-QRSTL-VWXY4',
  'right check symbols': 'ABCDE-FGH1J-K0DNP-QRST3-VWXY4',
  'right check symbols in one run of small letters': 'bacdefgh1jk0mnpqr3t3vwxy4',
  'right check symbols, with letters like digits': 'ooooo-ooooo-ooooo-ooooo-ooooo',
}

interface Program {
  readonly client: LicenseClient
  /** The license keys that it has sent. */
  readonly keys: readonly string[]
}

async function program(baseUrl: string, publicKeys: string, store: LicenseStore): Promise<Program> {
  const keys: string[] = []
  const client = await createLicenseClient({
    ...{ baseUrl, app: 'desktop-app', publicKeys, store, background: false },
    now: () => Date.parse('2026-01-23T10:00:00Z'),
    fetch: async (url, init) => {
      keys.push((JSON.parse(String(init.body)) as { license_key: string }).license_key)
      return fetch(url, init)
    },
  })
  return { client, keys }
}

test('activate(): takes the key of another shop in our form as it was sold, and so does every other call', async () => {
  const shop = await newShopServer()
  const { licenseKeys, apps } = shop.licensing
  const publicKeys = await apps.publicKey('desktop-app')
  const terms = { customerId: shop.customer.id, tierId: 'pro', forever: true } as const
  await whileListening(shop, async ({ origin }) => {
    for (const [form, key] of Object.entries(sold)) {
      assert.equal(checkLicenseKey(key).ok, form.startsWith('right'), form)
      await licenseKeys.create('desktop-app', { ...terms, key })
      const store = memoryStore()
      const { client } = await program(origin, publicKeys, store)
      assert.equal((await client.activate(` ${key}\n`)).state, 'active', form)
      const [seat] = await client.seats()
      assert.equal(seat?.this, true, form)
      assert.equal((await licenseKeys.verify('desktop-app', key)).valid, true, form)
      const next = await program(origin, publicKeys, store)
      assert.equal((await next.client.activate()).state, 'active', form)
      await next.client.seats()
      assert.equal(next.keys.at(-1), key, form)
      assert.equal((await next.client.releaseSeat(seat.licenseId)).state, 'invalid', form)
    }
  })
})

test('activate(): sends a license key of ours in its usual form, in one request', async () => {
  const shop = await newShopServer()
  const { licenseKeys, apps } = shop.licensing
  const publicKeys = await apps.publicKey('desktop-app')
  const sale = { customerId: shop.customer.id, tierId: 'pro', forever: true } as const
  const { key } = await licenseKeys.create('desktop-app', sale)
  await whileListening(shop, async ({ origin }) => {
    for (const typed of [
      key,
      key.toLowerCase(),
      ` ${key.replaceAll('-', ' ')}\n`,
      key.replaceAll('0', 'o'),
    ]) {
      const { client, keys } = await program(origin, publicKeys, memoryStore())
      assert.equal((await client.activate(typed)).state, 'active')
      assert.deepEqual(keys, [key])
      await client.releaseSeat(client.license.licenseId!)
    }
  })
})

/** The error of an activation. */
async function failureOf(work: Promise<unknown>): Promise<LicenseKeyError> {
  const error = await work.catch((reason: unknown) => reason)
  assert.ok(error instanceof LicensingError)
  return error as LicenseKeyError
}

function mistyped(key: string): string {
  return key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
}

async function storedKey(store: LicenseStore): Promise<unknown> {
  const record = JSON.parse((await store.read()) ?? '{}') as { readonly activation?: { licenseKey: unknown } }
  return record.activation?.licenseKey
}

test('activate(): suggests what a typo meant once the server has refused it', async () => {
  const server = await createTestServer()
  const { key } = await server.sell()
  const { client, store } = await open(server)
  const typo = mistyped(key)
  const refusal = await failureOf(client.activate(typo))
  assert.deepEqual([refusal.code, refusal.message], ['invalid_license_key', 'The license key has a typo'])
  assert.ok(refusal.suggestions?.includes(key))
  const shown = [inspect(refusal), JSON.stringify(refusal), `${refusal.stack}`].join()
  assert.ok(!shown.includes(key.slice(5, 15)))
  assert.deepEqual([server.requests.length, await storedKey(store)], [1, null])
})

test('activate(): suggests nothing for a text that is near no license key, and none for another refusal', async () => {
  const server = await createTestServer()
  const { key } = await server.sell()
  const near = checkLicenseKey(foreign)
  assert.ok(!near.ok && near.suggestions.length > 0)
  const { client } = await open(server)
  const refused = ['CBADE-FGH1J-K0MNP-QRST3-VWXY5', key.slice(0, -9), `${key}-${key}`, 'another-shops-key-1']
  for (const text of refused) {
    const { code, message, suggestions } = await failureOf(client.activate(text))
    assert.deepEqual(
      [code, message, suggestions],
      ['invalid_license_key', 'The license server does not know this license key', undefined],
    )
  }
  const { customers, licenseKeys } = server.licensing
  const { id: customerId } = await customers.create(server.app, { email: 'bob@example.com' })
  const sale = { customerId, tierId: 'pro', forever: true, key: foreign } as const
  await licenseKeys.revoke(server.app, (await licenseKeys.create(server.app, sale)).id)
  const { code, suggestions } = await failureOf(client.activate(foreign))
  assert.deepEqual([code, suggestions], ['license_key_revoked', undefined])
})

test('activate(): without a server a typo is an outage, which says what the text may mean', async () => {
  const server = await createTestServer()
  const { key } = await server.sell()
  const { client } = await open(server)
  server.fail('outage')
  const outage = await failureOf(client.activate(mistyped(key)))
  assert.deepEqual([outage.code, outage.message], ['unavailable', 'The license server cannot be reached'])
  assert.ok(outage.suggestions?.includes(key))
  assert.equal((await failureOf(client.activate(key))).suggestions, undefined)
  server.recover()
  assert.equal((await client.activate(key)).state, 'active')
})
