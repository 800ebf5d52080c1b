import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { importSPKI } from 'jose'
import {
  LicensingError,
  verifyToken,
  type LicenseClaims,
  type VerificationKey,
} from '../../src/core/index.ts'
import { isTokenText } from '../../src/core/token/token.ts'
import { golden } from '../support/golden.ts'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, signRaw } from '../support/tokens.ts'

const pair = testKeyPairs[0]!
const header = { alg: 'RS256', typ: 'JWT' }
const good: LicenseClaims = claimsOf(golden.token)
const latest = 253_402_300_799
const signature = golden.token.slice(golden.token.lastIndexOf('.') + 1)
let keys: readonly VerificationKey[]

before(async () => {
  keys = [{ kid: 'k', publicKey: await importSPKI(pair.publicKeyPem, 'RS256') }]
})

/** The verdict of `verifyToken` on a well-signed token: `ok`, an error code, or the name of an error that must not come out. */
async function verdictOn(head: string | Uint8Array, payload: string | Uint8Array): Promise<string> {
  const token = await signRaw(head, payload, pair.privateKeyPem)
  const verdict = await verifyToken(token, keys, { audience: good.aud, issuer: good.iss }).then(
    () => 'ok',
    (error: unknown) => (error instanceof LicensingError ? error.code : String(error)),
  )
  assert.equal(isTokenText(token), verdict === 'ok', 'the form alone tells the same')
  return verdict
}

const changed = (claims: Readonly<Record<string, unknown>>): string => JSON.stringify({ ...good, ...claims })

const accepted: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'as issued': {},
  'of the first second': { iat: 0, exp: 0 },
  'of the latest second': { iat: latest, exp: latest },
  'without end': { exp: undefined },
  'without features': { features: [] },
  'with a claim of a later version': { later: [{ a: null }] },
}

for (const [what, claims] of Object.entries(accepted))
  test(`verifyToken(): accepts claims ${what}`, async () => {
    assert.equal(await verdictOn(JSON.stringify(header), changed(claims)), 'ok')
  })

const oddTexts: readonly unknown[] = [undefined, null, 7, true, ['x'], { x: 1 }]
const oddInstants: readonly unknown[] = [null, '1', -1, 1.5, latest + 1, true, [1]]
const oddClaims: Readonly<Record<string, readonly unknown[]>> = {
  ...Object.fromEntries(
    ['sub', 'aud', 'iss', 'lic_id', 'tier', 'customer_id', 'jti'].map((name) => [name, oddTexts]),
  ),
  iat: [undefined, ...oddInstants],
  exp: oddInstants,
  features: [undefined, null, 'x', {}, [7], ['x', 7], [null, 'x'], [['x']]],
}

for (const [name, values] of Object.entries(oddClaims))
  test(`verifyToken(): refuses each odd value of ${name}`, async () => {
    for (const value of values)
      assert.equal(
        await verdictOn(JSON.stringify(header), changed({ [name]: value })),
        'invalid_token',
        String(value),
      )
  })

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The bytes of a text with the byte 0xFF in place of each `?`. */
const withBadByte = (text: string): Uint8Array => utf8(text).map((byte) => (byte === 0x3f ? 0xff : byte))

const noObjects: Readonly<Record<string, string | Uint8Array>> = {
  ...{ null: 'null', 'a list': '[]', 'a number': '1', 'a text': '"x"', true: 'true', 'no JSON': '{' },
  ...{ 'white space': ` ${changed({})}`, 'two names alike': changed({}).replace('{', '{"tier":"x",') },
  'a byte order mark': `\uFEFF${changed({})}`,
  'no UTF-8': withBadByte(changed({ tier: '?' })),
}

for (const [what, text] of Object.entries(noObjects))
  test(`verifyToken(): refuses ${what} as payload and as header, with its one error`, async () => {
    assert.equal(await verdictOn(JSON.stringify(header), text), 'invalid_token')
    assert.equal(await verdictOn(text, changed({})), 'invalid_token')
  })

test('verifyToken(): refuses each other header', async () => {
  const heads = [
    ...[
      { ...header, alg: 'RS512' },
      { ...header, alg: 'none' },
      { ...header, typ: 'jwt' },
    ],
    ...[{ alg: 'RS256' }, { typ: 'JWT' }, { ...header, crit: [] }, { ...header, kid: 7 }],
  ]
  for (const head of heads)
    assert.equal(await verdictOn(JSON.stringify(head), changed({})), 'invalid_token', JSON.stringify(head))
})

test('verifyToken(): without a key that fits, has the same error', async () => {
  const expected = { audience: good.aud, issuer: good.iss }
  const { publicKey } = keys[0]!
  const none = [[], [{ kid: 'other', publicKey }]]
  for (const given of none)
    await assert.rejects(verifyToken(golden.token, given, expected), {
      name: 'LicensingError',
      code: 'invalid_token',
    })
  const foreign = { kid: 'f', publicKey: await importSPKI(testKeyPairs[1]!.publicKeyPem, 'RS256') }
  const token = await signRaw(JSON.stringify(header), changed({}), pair.privateKeyPem)
  assert.equal((await verifyToken(token, [foreign, keys[0]!], expected)).jti, good.jti)
  for (const other of [
    { ...expected, audience: 'x' },
    { ...expected, issuer: 'x' },
  ])
    await assert.rejects(verifyToken(token, keys, other), { code: 'invalid_token' })
})

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

test('isTokenText(): of the last characters with unused bits, only those with zeros are the one spelling', () => {
  for (const tier of ['x', 'xx', 'xxx']) {
    const payload = Buffer.from(changed({ tier })).toString('base64url')
    const head = Buffer.from(JSON.stringify(header)).toString('base64url')
    const alike = [...alphabet].filter((last) =>
      isTokenText(`${head}.${payload.slice(0, -1)}${last}.${signature}`),
    )
    assert.deepEqual(alike, [payload.at(-1)], tier)
  }
})

test('isTokenText(): is false for every value that is no text', () => {
  for (const value of [undefined, null, 7, {}, [golden.token], new String(golden.token)])
    assert.equal(isTokenText(value), false)
  assert.equal(isTokenText(golden.token), true)
})
