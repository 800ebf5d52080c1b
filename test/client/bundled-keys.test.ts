import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { createLicenseClient, type PublicKeys, type PublicKeySet } from '../../src/client/index.ts'
import { createTestServer, type TestClientOptions } from '../../src/testing/server.ts'
import { testKeyPairs } from '../support/keys.ts'

const next = testKeyPairs[5]!.publicKeyPem
const pkcs1 = `${createPublicKey(next).export({ type: 'pkcs1', format: 'pem' })}`
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
const spki = (key: typeof short): string => `${key.export({ type: 'spki', format: 'pem' })}`

let options: TestClientOptions & { readonly token: string }
let present: string

before(async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ forever: true })
  options = { ...(await server.clientOptions()), token }
  present = [options.publicKeys].flat().join('\n')
})

/** The message of the refusal; the state of the license if there is none. */
async function open(publicKeys: PublicKeys): Promise<string> {
  return createLicenseClient({ ...options, publicKeys, background: false }).then(
    ({ license }) => license.state,
    (error: unknown) => {
      assert.ok(error instanceof TypeError)
      assert.ok(!error.message.includes('MII'))
      return error.message
    },
  )
}

const unusable: Readonly<Record<string, readonly [key: () => string, fault: RegExp]>> = {
  'a PKCS#1 key': [() => pkcs1, /key 2 is in the PKCS#1 form/],
  'a certificate': [() => next.replaceAll('PUBLIC KEY', 'CERTIFICATE'), /key 2 is a certificate/],
  'a key that is cut short': [() => next.slice(0, 500), /key 2 is cut short/],
  'a key without its middle': [() => next.replace(/\n.+\n.+\n/, '\n'), /key 2 is damaged, cut short/],
  'a key without its beginning': [() => next.slice(27), /key 2 has no BEGIN line/],
  'an elliptic-curve key': [() => spki(elliptic), /key 2 is damaged, cut short, or no RSA key/],
  'a key of 1024 bits': [() => spki(short), /key 2 has less than 2048 bits/],
}

for (const [kind, [key, fault]] of Object.entries(unusable))
  test(`createLicenseClient(): refuses ${kind} beside a good one, and says which one and what it is`, async () => {
    assert.match(await open([present, key()]), fault)
    assert.match(await open(`${present}\n${key()}`), fault)
    assert.match(await open([key(), present]), new RegExp(fault.source.replace('key 2', 'key 1')))
  })

test('createLicenseClient(): refuses an item of a list that is no key, and a key of a set that is none', async () => {
  for (const item of ['', 'next.pem', undefined, 7])
    assert.match(await open([present, item as string]), /key 2 is no key/)
  const set = createPublicKey(present).export({ format: 'jwk' })
  const keys = (other: unknown): PublicKeySet => ({ keys: [set, other as object] })
  assert.match(await open(keys(elliptic.export({ format: 'jwk' }))), /key 2 is no RSA key/)
  assert.match(await open(keys(short.export({ format: 'jwk' }))), /key 2 has less than 2048 bits/)
  for (const other of [null, {}, 'nonsense']) assert.match(await open(keys(other)), /key 2 is no RSA key/)
})

test('createLicenseClient(): takes keys in every form in which settings and files hold them', async () => {
  const both = `${present}\n${next}`
  const forms: Readonly<Record<string, PublicKeys>> = {
    'with prose around them': `Our keys, of 2026:\n${present}\nThe next one:\n${next}\nEnd`,
    'with CRLF': both.replaceAll('\n', '\r\n'),
    'with \\n as two characters': both.replaceAll('\n', '\\n'),
    'with \\r\\n as four characters': both.replaceAll('\n', '\\r\\n'),
    'with a byte order mark': `\uFEFF${both}`,
    'from a UTF-16 file that was read as UTF-8': Buffer.from(`\uFEFF${both}`, 'utf16le').toString('utf8'),
    'in one item of a list': [both],
  }
  for (const [form, publicKeys] of Object.entries(forms)) assert.equal(await open(publicKeys), 'active', form)
})

test('refreshKeys: takes the keys that it knows from a set which holds others too', async () => {
  const server = await createTestServer()
  const given = { ...(await server.clientOptions()), background: false }
  await server.rotateKeys()
  const { token } = await server.issue({ forever: true })
  const fetch: typeof given.fetch = async (url, init) => {
    const response = await given.fetch(url, init)
    if (!url.endsWith('jwks.json')) return response
    const { keys } = (await response.json()) as PublicKeySet
    return Response.json({ keys: [elliptic.export({ format: 'jwk' }), ...keys, { kty: 'AKP' }] })
  }
  const client = await createLicenseClient({
    ...given,
    fetch,
    refreshKeys: { from: 'jwks.json', pin: 'origin' },
  })
  assert.equal((await client.setToken(token)).state, 'active')
})
