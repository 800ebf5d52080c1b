import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { apiKeySecret, isApiKeySecret } from '../../src/core/api-keys/secret.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { newWorld } from '../support/fixtures.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The text with its checksum, by Node's own CRC-32. */
function checked(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let at = 0; at < 6; at++, rest = Math.floor(rest / 62)) digits = base62[rest % 62] + digits
  return text + digits
}

const body = `sk_live_${'A'.repeat(30)}`
const genuine = checked(body)

const junk: readonly string[] = [
  ...['', 'sk_live_', body, `${body}000000`, genuine.slice(0, -1), `${genuine}0`],
  // The checksum of each of these is right, and their form is not.
  ...[`x${body}`, ` ${body}`, `${body}0`, body.slice(0, -1), genuine, `${body.slice(0, -1)}-`].map(checked),
  ...[body.replace('sk', 'rk'), body.replace('live', 'prod'), body.replace('_', '-'), ''].map(checked),
]

test('isApiKeySecret(): needs the form and the checksum', () => {
  assert.equal(isApiKeySecret(genuine), true)
  for (const text of [body.replace('sk', 'pk'), body.replace('live', 'test'), body.replaceAll('A', 'z')])
    assert.equal(isApiKeySecret(checked(text)), true, text)
  for (const text of junk) assert.equal(isApiKeySecret(text), false, text)
})

test('apiKeys.authenticate(): refuses junk without a look-up', async () => {
  let lookUps = 0
  const storage = memoryStorage()
  const counted = {
    ...storage,
    findApiKeyByHash: (hash: string) => {
      lookUps += 1
      return storage.findApiKeyByHash(hash)
    },
  }
  const { licensing } = await newWorld({ storage: counted })
  for (const text of junk) assert.equal(await licensing.apiKeys.authenticate(text), null)
  assert.equal(lookUps, 0)
  assert.equal(await licensing.apiKeys.authenticate(genuine), null)
  assert.equal(lookUps, 2, 'by the hash of a plain key, and by that of a scoped one')
  const { secret } = await licensing.apiKeys.create()
  assert.notEqual(await licensing.apiKeys.authenticate(secret), null)
  assert.equal(lookUps, 3)
})

test('apiKeySecret(): no character is likelier because 256 is no multiple of 62', () => {
  const text = Array.from({ length: 2_000 }, () => apiKeySecret('sk', 'live').slice(8, -6)).join('')
  assert.equal(text.length, 60_000)
  const count = (characters: string): number => [...text].filter((each) => characters.includes(each)).length
  // The limits are five deviations away from 60,000 fair draws, and two from draws with a bias.
  const eight = count('01234567')
  assert.ok(eight > 7_250 && eight < 8_230, `${eight} of the first eight`)
  assert.ok(count('0') < 1_130, `${count('0')} of the first`)
  assert.ok(count('xyz') > 2_600, `${count('xyz')} of the last three`)
})
