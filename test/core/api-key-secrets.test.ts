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
  assert.equal(lookUps, 1)
})

test('apiKeySecret(): no character is likelier because 256 is no multiple of 62', () => {
  const text = Array.from({ length: 1_000 }, () => apiKeySecret('sk', 'live').slice(8, -6)).join('')
  const first = [...text].filter((character) => base62.indexOf(character) < 8).length
  // 30,000 draws give 3,871 of the first eight, with a deviation of 58. With the bias there are 4,688.
  assert.ok(first > 3_460 && first < 4_280, `${first}`)
  assert.equal(text.length, 30_000)
})
