import assert from 'node:assert/strict'
import { test } from 'node:test'
import { macSecret } from '../../src/core/runtime/crypto.ts'
import { makeJti, readJti } from '../../src/core/token/jti.ts'
import { golden, newGoldenShop } from '../support/golden.ts'
import { testKeyPairs } from '../support/keys.ts'
import {
  claimsOf,
  forge,
  headerText,
  payloadText,
  signRaw,
  verdictOf,
  verifyOffline,
} from '../support/tokens.ts'
import {
  codeOf,
  masterKey,
  newShop,
  newWorld,
  otherMasterKey,
  refusalOf,
  tokenOf,
} from '../support/fixtures.ts'

test('licenses.token(): equals the token that openssl makes of the same sealed keys, byte for byte', async () => {
  const { license } = await newGoldenShop()
  assert.equal(license.id, golden.licenseId)
  assert.equal(headerText(tokenOf(license)), golden.header)
  assert.equal(payloadText(tokenOf(license)), golden.claims)
  assert.equal(license.token, golden.token)
})

test('makeJti(): equals id, revision and the MAC that openssl computes', () => {
  const secret = macSecret(new Uint8Array(32).fill(7))
  const hmac = (message: Uint8Array): Uint8Array => secret.mac(message)
  for (const { revision, jti } of golden.jtis) {
    const parts = { licenseId: golden.licenseId, revision }
    assert.equal(makeJti(hmac, parts, golden.licenseUuid), jti)
    assert.deepEqual(readJti(jti), parts)
    assert.equal(jti.length, 'lic_'.length + 26 + 32)
  }
})

test('readJti(): reads no other text', () => {
  const good = golden.jtis[0]!.jti
  const id = golden.licenseId
  const others = [
    ...['', 'lic_', id, good.slice(0, -1), `${good}0`, ` ${good}`, `${good}\n`, good.toUpperCase()],
    ...[
      good.replace('lic_', 'cus_'),
      good.replace('lic_0', 'lic_8'),
      `${good.slice(0, -1)}u`,
      `${id}-${'0'.repeat(31)}`,
    ],
  ]
  for (const text of others) assert.equal(readJti(text), null, text)
})

test('licenses.token(): a license that never expires has no exp', async () => {
  const { app, issue } = await newShop()
  const claims = await verifyOffline(tokenOf(await issue({ forever: true })), app.publicKeyPem)
  assert.equal('exp' in claims, false)
})

test('licenses.token(): the same license and key give the same token every time', async () => {
  const { licensing, clock, issue } = await newShop()
  const license = await issue()
  clock.seconds += 1000
  assert.equal(await licensing.licenses.token('desktop-app', license.id), license.token)
})

test('apps.create(): an app keeps its issuer, whatever the default becomes', async () => {
  const { storage, app, issue } = await newShop({ issuer: 'licenses.example.com' })
  const license = await issue()
  assert.equal(claimsOf(tokenOf(license)).iss, 'licenses.example.com')
  const { licensing } = await newWorld({ storage, issuer: 'other' })
  const renewed = await licensing.licenses.renew(app.slug, license.id, license.token)
  assert.equal(claimsOf(tokenOf(renewed)).iss, 'licenses.example.com')
})

test('createLicensing(): an issuer is short text without control characters', async () => {
  for (const issuer of ['', 'x'.repeat(256), 'a\u0000', 'a\n', 'a\u0085', '\uD800'])
    await assert.rejects(newWorld({ issuer }), { name: 'TypeError' }, JSON.stringify(issuer))
})

/** Different slugs of the greatest length. */
function slugs(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => first + String(at).padStart(62, '0'))
}

test('verifyToken(): accepts the token of the largest legal license', async () => {
  const { licensing, issue } = await newShop({ issuer: '"'.repeat(255) })
  await licensing.apps.create({ name: 'n', slug: 'a'.repeat(63) })
  const slug = 't'.repeat(63)
  await licensing.tiers.create('desktop-app', { name: 'Max', slug, features: slugs('a', 100) })
  const license = await issue({ tierId: slug, customFeatures: slugs('b', 50) })
  assert.equal(license.features.length, 150)
  assert.equal(await verdictOf(licensing, 'desktop-app', license.token), 'ok')
  assert.equal(await codeOf(licensing.licenses.renew('desktop-app', license.id, license.token)), 'ok')
})

/** Other spellings of the same bytes, one change at a time. */
function respelled(token: string): readonly string[] {
  const characters = ' \n\t\r\u0000=+/%.,\u3002'
  const places = [
    0,
    1,
    token.indexOf('.'),
    token.indexOf('.') + 1,
    token.lastIndexOf('.'),
    token.length - 1,
    token.length,
  ]
  return places.flatMap((at) => [...characters].map((odd) => token.slice(0, at) + odd + token.slice(at)))
}

test('verifyToken(): accepts only the one spelling of RFC 7515', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  for (const text of respelled(tokenOf({ token }))) {
    assert.equal(await verdictOf(licensing, 'desktop-app', text), 'invalid_token', JSON.stringify(text))
    assert.equal(await codeOf(licensing.licenses.renew('desktop-app', id, text)), 'invalid_token')
  }
})

test('verifyToken(): refuses a token that is no text', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  const values = [undefined, null, 0, 1, true, {}, [], [token], { token }, new String(token), Symbol('token')]
  for (const value of values) {
    assert.equal(await verdictOf(licensing, 'desktop-app', value), 'invalid_token')
    assert.equal(await codeOf(licensing.licenses.renew('desktop-app', id, value)), 'invalid_token')
  }
})

/** A well-signed token with the license's claims. One long feature makes its payload `length` bytes long. */
function padded(token: string, length: number): Promise<string> {
  const claims = { ...claimsOf(token), features: [''] }
  const features = ['f'.repeat(length - JSON.stringify(claims).length)]
  return forge({ ...claims, features }, testKeyPairs[0]!.privateKeyPem)
}

test('verifyToken(): refuses a token over 32 KiB, even if it is well signed', async () => {
  const { licensing, issue } = await newShop()
  const token = tokenOf(await issue())
  // The header has 36 characters, the signature 683, and two are dots. 24,035 bytes fill the other 32,047.
  const [longest, tooLong] = [await padded(token, 24_035), await padded(token, 24_036)]
  assert.deepEqual([longest.length, tooLong.length], [32_768, 32_769])
  assert.equal(await verdictOf(licensing, 'desktop-app', longest), 'ok')
  assert.equal(await verdictOf(licensing, 'desktop-app', tooLong), 'invalid_token')
  assert.equal(await verdictOf(licensing, 'desktop-app', token + 'A'.repeat(20_000_000)), 'invalid_token')
})

test('verifyToken(): accepts a payload of 32 levels and refuses one of more, on every runtime', async () => {
  const { licensing, issue } = await newShop()
  const claims = JSON.stringify(claimsOf(tokenOf(await issue()))).slice(0, -1)
  const header = '{"alg":"RS256","typ":"JWT"}'
  for (const [levels, verdict] of [
    [31, 'ok'],
    [32, 'invalid_token'],
    [10_000, 'invalid_token'],
  ] as const) {
    const payload = `${claims},"later":${'['.repeat(levels)}${']'.repeat(levels)}}`
    const token = await signRaw(header, payload, testKeyPairs[0]!.privateKeyPem)
    assert.equal(await verdictOf(licensing, 'desktop-app', token), verdict, `${levels}`)
  }
})

test('verifyToken(): refuses every bad token with the same error', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  const claims = claimsOf(tokenOf({ token }))
  const [own, foreign] = testKeyPairs
  const otherJti = claims.jti.slice(0, -1) + (claims.jti.endsWith('0') ? '1' : '0')
  const bad = [
    ...['', 'a.b.c', 'A'.repeat(20_000), await forge(claims, foreign!.privateKeyPem)],
    await forge({ ...claims, aud: 'other-app' }, own!.privateKeyPem),
    await forge({ ...claims, jti: otherJti }, own!.privateKeyPem),
  ]
  const refusals = await Promise.all(
    bad.map((text) => refusalOf(licensing.licenses.renew('desktop-app', id, text))),
  )
  for (const { code, message, details, cause } of refusals)
    assert.deepEqual(
      [code, message, details, cause],
      ['invalid_token', 'Invalid license token', undefined, undefined],
    )
})

test("verifyToken(): kid only selects among the app's own keys", async () => {
  const { licensing, issue } = await newShop()
  const claims = claimsOf(tokenOf(await issue()))
  const kid = JSON.parse(headerText(tokenOf(await issue()))).kid as string
  const [own, foreign] = testKeyPairs
  const header = { alg: 'RS256', typ: 'JWT' }
  const cases = [
    [own, header, 'ok'],
    [own, { ...header, kid }, 'ok'],
    [own, { ...header, kid: `${kid}x` }, 'invalid_token'],
    [own, { ...header, kid: '' }, 'invalid_token'],
    [own, { ...header, kid: null }, 'invalid_token'],
    [foreign, header, 'invalid_token'],
    [foreign, { ...header, kid }, 'invalid_token'],
  ] as const
  for (const [pair, head, verdict] of cases) {
    const token = await forge(claims, pair!.privateKeyPem, head)
    assert.equal(await verdictOf(licensing, 'desktop-app', token), verdict, JSON.stringify(head))
  }
})

test('verifyToken(): a token is good in its own app only, and not in a later app of the same slug', async () => {
  const { licensing, issue } = await newShop()
  const license = await issue()
  const keyPair = testKeyPairs[0]!
  // It fails even with the same key pair, because the jti depends on a secret of the app.
  await licensing.apps.create({ name: 'Other', slug: 'other-app' }, { keyPair })
  assert.equal(await verdictOf(licensing, 'other-app', license.token), 'invalid_token')
  const claims = { ...claimsOf(tokenOf(license)), aud: 'other-app' }
  const moved = await forge(claims, keyPair.privateKeyPem)
  assert.equal(await verdictOf(licensing, 'other-app', moved), 'invalid_token')
  await licensing.apps.delete('desktop-app')
  await licensing.apps.create({ name: 'Successor', slug: 'desktop-app' }, { keyPair })
  assert.equal(await verdictOf(licensing, 'desktop-app', license.token), 'invalid_token')
  assert.equal(
    await codeOf(licensing.licenses.renew('desktop-app', license.id, license.token)),
    'invalid_token',
  )
})

test('verifyToken(): refuses a jti that was not made here, also under a good signature', async () => {
  const { licensing, issue } = await newShop()
  const [one, two] = [await issue(), await issue()]
  const claims = claimsOf(tokenOf(one))
  const other = claimsOf(tokenOf(two))
  const idLength = one.id.length
  const jtis = [
    one.jti.slice(0, -1) + (one.jti.endsWith('0') ? '1' : '0'),
    one.jti.slice(0, idLength) + two.jti.slice(idLength),
    `${one.id}${'0'.repeat(32)}`,
    other.jti,
  ]
  for (const jti of jtis) {
    const token = await forge({ ...claims, jti }, testKeyPairs[0]!.privateKeyPem)
    assert.equal(await codeOf(licensing.licenses.renew('desktop-app', one.id, token)), 'invalid_token', jti)
    assert.equal(await verdictOf(licensing, 'desktop-app', token), 'invalid_token', jti)
  }
  const crossed = await forge({ ...claims, lic_id: other.lic_id }, testKeyPairs[0]!.privateKeyPem)
  assert.equal(await verdictOf(licensing, 'desktop-app', crossed), 'invalid_token')
})

test('licenses.get(): another master key makes other jtis, even for the same ids', async () => {
  const first = await newShop({ masterKey })
  const second = await newShop({ masterKey: otherMasterKey })
  const [one, two] = [await first.issue(), await second.issue()]
  assert.equal(one.id, two.id)
  assert.notEqual(one.jti, two.jti)
})

test('licenses.authenticate(): refuses an invalidated token, and reads the license of any other', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  const licenseOf = async (text: string | null): Promise<unknown> =>
    (await licensing.licenses.authenticate('desktop-app', text)).license?.id
  assert.equal(await licenseOf(token), id)
  const next = await licensing.licenses.regenerate('desktop-app', id, { invalidatePrevious: true })
  assert.equal(await codeOf(licenseOf(token)), 'invalid_token')
  assert.equal(await licenseOf(next.token), id)
  await licensing.licenses.delete('desktop-app', id)
  assert.equal(await licenseOf(next.token), undefined)
})
