import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKeySecret } from '../../../src/core/api-keys/secret.ts'
import { deriveLicenseKey } from '../../../src/core/license-keys/derivation.ts'
import { formatLicenseKey } from '../../../src/core/license-keys/text.ts'
import type { TestResponse } from '../openapi-checker.ts'
import { endOf, storages, type Json, type Sent } from '../test-server.ts'
import { base, keys, mistyped, whileSelling, type Till } from './till.ts'

const installationId = 'a1b2c3d4-e5f6-4a7b-8c9d-0000000000ff'

/** A seat of a license key, with the token of another seat of it. */
interface Sold {
  readonly key: string
  readonly seat: string
  readonly token: string
  readonly otherToken: string
}

async function sold(till: Till): Promise<Sold> {
  const { key } = await till.sell({ seats: 100 })
  const first = (await till.activate(key, 1)).data<{ id: string; token: string }>()
  const second = (await till.activate(key, 2)).data<{ token: string }>()
  return { key, seat: first.id, token: first.token, otherToken: second.token }
}

/** The routes of holders: path and body of a valid call, without the license key. */
const routes: Readonly<Record<string, (seat: string) => readonly [path: string, body: Json]>> = {
  activate: () => [`${keys}/activate`, { installation_id: installationId }],
  verify: () => [`${keys}/verify`, {}],
  seats: () => [`${keys}/seats`, {}],
  release: (seat) => [`${base}/licenses/${seat}/release`, {}],
}

/** A text with the handle of a license key, another MAC and right check symbols. */
async function guessed(key: string): Promise<string> {
  const secret = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const handle = key.replaceAll('-', '').slice(0, 7)
  return formatLicenseKey(
    await deriveLicenseKey(secret as CryptoKey, { handle, uuid: crypto.randomUUID(), revision: 1 }),
  )
}

async function soldIn({ licensing }: Till, app: string): Promise<string> {
  await licensing.tiers.create(app, { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await licensing.customers.create(app, { email: 'bob@example.com' })
  return (await licensing.licenseKeys.create(app, { customerId, tierId: 'pro', forever: true })).key
}

async function ofDeletedApp(till: Till): Promise<string> {
  await till.licensing.apps.create({ name: 'Old', slug: 'old-app' })
  const key = await soldIn(till, 'old-app')
  await till.licensing.apps.delete('old-app')
  await till.licensing.apps.create({ name: 'New', slug: 'old-app' })
  await soldIn(till, 'old-app')
  return key
}

async function ofTestApp(till: Till): Promise<string> {
  await till.licensing.apps.create({ name: 'Test', slug: 'test-app' }, { mode: 'test' })
  return soldIn(till, 'test-app')
}

/** Every kind of bad license key, as a value in the body. `undefined` leaves it out. */
async function badKeys(till: Till, key: string): Promise<Readonly<Record<string, unknown>>> {
  const rolled = await till.sell()
  await till.ask('POST', `${keys}/${rolled.id}/roll`)
  const deleted = await till.sell()
  await till.ask('DELETE', `${keys}/${deleted.id}`)
  const alias = await till.sell({ key: 'order_0123456789-abc' })
  await till.ask('POST', `${keys}/${alias.id}/roll`)
  await till.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  return {
    missing: undefined,
    null: null,
    empty: '',
    'a number': 7,
    'a list': [key],
    'an object': { key },
    'the prototype of objects': '__proto__',
    mistyped: mistyped(key),
    'one symbol short': key.slice(1),
    'with one more symbol': `${key}0`,
    'with a Cyrillic letter': key.replace(/[A-Z]/, '\u0410'),
    'its handle and another MAC': await guessed(key),
    unknown: '00000-00000-00000-00000-00000',
    rolled: rolled.key,
    deleted: deleted.key,
    'of another app': await soldIn(till, 'other-app'),
    'of a deleted app': await ofDeletedApp(till),
    'of a test app': await ofTestApp(till),
    'the key of a shop that was rolled away': 'order_0123456789-abc',
    'the key of no shop': 'order_9876543210-abc',
    'an API key': till.keys.sk,
    'of 200,000 characters': key.repeat(200_000 / key.length),
    'after 2,000 blanks': ' '.repeat(2_000) + key,
    'with U+0000': `${key}\u0000x`,
    'with a lone surrogate': `${key}\uD800`,
  }
}

/** All that a response says: its headers except those of its own request, and its bytes. */
function saidBy(response: TestResponse): string {
  const headers = [...response.headers].filter(([name]) => !['x-request-id', 'date'].includes(name))
  return JSON.stringify([response.status, headers, response.text])
}

const badLicenseKey: Readonly<Record<string, string>> = {
  activate: '401 invalid_license_key',
  verify: '200',
  seats: '401 invalid_license_key',
  release: '401 invalid_license_key',
}

for (const [name, use] of storages)
  describe(`routes of holders on ${name}`, () => {
    test('a bad license key: the same bytes for every kind, whatever else the body holds', () =>
      use((storage) =>
        whileSelling(
          async (till) => {
            const { key, seat } = await sold(till)
            const kinds = await badKeys(till, key)
            for (const [route, make] of Object.entries(routes)) {
              const [path, body] = make(seat)
              const said = new Map<string, string>()
              for (const [kind, value] of Object.entries(kinds)) {
                // A release without any credential is 401 unauthorized, as a renewal is.
                if (route === 'release' && (value === undefined || value === null)) continue
                for (const more of [body, { nonsense: 1, installation_id: 7 }]) {
                  const response = await till.tell(path, { ...more, license_key: value })
                  assert.equal(endOf(response), badLicenseKey[route], `${route}, ${kind}`)
                  said.set(saidBy(response), kind)
                }
              }
              assert.equal(said.size, 1, `${route}: ${JSON.stringify([...said])}`)
            }
            const unchanged = await till.tell(`${keys}/verify`, { license_key: key })
            assert.equal(unchanged.data<Json>().seats_used, 2)
          },
          { storage },
        ),
      ))

    test('an Authorization header beside a good license key: only a release reads it', () =>
      use((storage) => whileSelling(checkHeaders, { storage })))
  })

const bearer = (secret: string): Sent['headers'] => ({ authorization: `Bearer ${secret}` })

async function checkHeaders(till: Till): Promise<void> {
  const { key, seat } = await sold(till)
  await till.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const { secret: bound } = await till.licensing.apiKeys.create({ app: 'other-app' })
  const headers: Readonly<Record<string, readonly [release: string, headers: Sent['headers']]>> = {
    'an sk_ key': ['200', bearer(till.keys.sk)],
    'a pk_ key': ['403 forbidden', bearer(till.keys.pk)],
    'an sk_ key of another app': ['404 not_found', bearer(bound)],
    'an sk_ key of the test mode': ['404 not_found', bearer(till.keys.testSk)],
    'an unknown key': ['401 unauthorized', bearer(apiKeySecret('sk', 'live'))],
    'the license key itself': ['401 unauthorized', bearer(key)],
    'an empty header': ['401 unauthorized', { authorization: '' }],
    'no header': ['200', {}],
  }
  for (const [kind, [release, sent]] of Object.entries(headers))
    for (const [route, make] of Object.entries(routes)) {
      const [path, body] = make(seat)
      const response = await till.send('POST', path, { body: { ...body, license_key: key }, headers: sent! })
      const end = endOf(response).replace('201', '200')
      assert.equal(end, route === 'release' ? release : '200', `${route} with ${kind}`)
    }
}

/** The credentials of a release without an API key, and its end. */
type ReleaseCase = readonly [end: string, body: (sold: Sold) => Json]

const releases: Readonly<Record<string, ReleaseCase>> = {
  'no credential': ['401 unauthorized', () => ({})],
  'both null': ['401 unauthorized', () => ({ license_key: null, current_token: null })],
  'no credential beside an unknown field': ['401 unauthorized', () => ({ nonsense: 1 })],
  'a bad token': ['401 invalid_token', () => ({ current_token: 'eyJ' })],
  'a token of another type': ['401 invalid_token', () => ({ current_token: 7 })],
  'another seat’s token': ['400 token_mismatch', ({ otherToken }) => ({ current_token: otherToken })],
  'a bad license key beside a good token': [
    '401 invalid_license_key',
    ({ key, token }) => ({ license_key: mistyped(key), current_token: token }),
  ],
  'an unknown field beside a good license key': [
    '422 validation_error',
    ({ key }) => ({ license_key: key, nonsense: 1 }),
  ],
  'an unknown field beside a good token': [
    '422 validation_error',
    ({ token }) => ({ current_token: token, nonsense: 1 }),
  ],
  'its own token': ['200', ({ token }) => ({ license_key: null, current_token: token })],
  'its own token again': ['200', ({ token }) => ({ current_token: token })],
  'a good license key beside another seat’s token': [
    '200',
    ({ key, otherToken }) => ({ license_key: key, current_token: otherToken }),
  ],
}

test('POST /licenses/:id/release without an API key: a license key decides, then the seat’s own token', () =>
  whileSelling(async (till) => {
    const seats = await sold(till)
    for (const [kind, [end, body]] of Object.entries(releases)) {
      const response = await till.tell(`${base}/licenses/${seats.seat}/release`, body(seats))
      assert.equal(endOf(response), end, `${kind}: ${response.text}`)
    }
    const { key: another } = await till.sell()
    const foreign = await till.tell(`${base}/licenses/${seats.seat}/release`, { license_key: another })
    assert.equal(endOf(foreign), '404 not_found')
    const alone = await till.issue({ installationId: crypto.randomUUID() })
    const path = `${base}/licenses/${alone.id}/release`
    assert.equal(endOf(await till.tell(path, { current_token: alone.token })), '409 conflict')
    assert.equal(endOf(await till.ask('POST', path)), '409 conflict')
    assert.equal(endOf(await till.tell(path, { license_key: another })), '404 not_found')
  }))

test('an app in the path that is not the license key’s: 404 if there is none, otherwise a bad license key', () =>
  whileSelling(async (till) => {
    const { key, seat } = await sold(till)
    await till.licensing.apps.create({ name: 'Other', slug: 'other-app' })
    for (const [route, make] of Object.entries(routes)) {
      const [path, body] = make(seat)
      const at = (slug: string) => till.tell(path.replace('desktop-app', slug), { ...body, license_key: key })
      for (const slug of ['no-such-app', '__proto__', 'constructor', 'Desktop-App'])
        assert.equal(endOf(await at(slug)), '404 not_found', `${route} ${slug}`)
      assert.equal(endOf(await at('other-app')), badLicenseKey[route], route)
    }
    // The app comes before the body.
    for (const path of ['activate', 'verify', 'seats'])
      assert.equal(endOf(await till.tell(`/apps/no-such-app/license-keys/${path}`, '{')), '404 not_found')
    assert.equal(endOf(await till.tell(`${keys}/activate`, '{')), '400 invalid_json')
  }))
