import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkLicenseKey as checkInClient } from '../../src/client/index.ts'
import { checkLicenseKey } from '../../src/core/index.ts'
import {
  deriveLicenseKey,
  handleOf,
  isLicenseKeyOf,
  newHandle,
  revisionOf,
} from '../../src/core/license-keys/derivation.ts'
import { readId } from '../../src/core/ids.ts'
import { macSecret, type MacSecret } from '../../src/core/runtime/crypto.ts'
import { formatLicenseKey, readLicenseKey } from '../../src/core/license-keys/text.ts'
import { missedSlips } from './license-key-slips.ts'
import type { LicenseKeyVectors } from './license-key-vectors.ts'

const { tokenSecret, keys, typos, spellings } = JSON.parse(
  readFileSync(new URL('../../vectors/license-keys.json', import.meta.url), 'utf8'),
) as LicenseKeyVectors

function secretOf(hex: string): MacSecret {
  return macSecret(Buffer.from(hex, 'hex'))
}

test('deriveLicenseKey(): equals the license keys that Python made', () => {
  const secret = secretOf(tokenSecret)
  for (const { symbols, key, ...facts } of keys) {
    assert.equal(deriveLicenseKey(secret, facts), symbols)
    assert.equal(formatLicenseKey(symbols), key)
    assert.equal(handleOf(symbols), facts.handle)
    assert.deepEqual(checkLicenseKey(key), { ok: true, key })
  }
})

test('vectors/license-keys.json: no vector of an earlier release has changed', () => {
  const earlier = [tokenSecret, keys.slice(0, 21), typos, spellings.slice(0, 38)]
  const digest = createHash('sha256').update(JSON.stringify(earlier)).digest('hex')
  assert.equal(digest, '0588f4af1e65e5fdeaf88a50b03e6c86160b2f707117c4b136ecc9d9c7c3a5d6')
})

test('isLicenseKeyOf(): accepts no key of another secret, id, revision or handle', () => {
  const [{ symbols, key: _, ...facts }, other] = [keys[0]!, keys.at(-1)!]
  const secret = secretOf(tokenSecret)
  assert.equal(isLicenseKeyOf(secret, symbols, facts), true)
  assert.equal(isLicenseKeyOf(secretOf('ff'.repeat(32)), symbols, facts), false)
  for (const change of [{ uuid: other.uuid }, { revision: 3 }, { handle: other.handle }])
    assert.equal(isLicenseKeyOf(secret, symbols, { ...facts, ...change }), false, JSON.stringify(change))
  assert.equal(isLicenseKeyOf(secret, symbols.slice(0, -1), facts), false)
})

test('revisionOf(): finds the newest text and the one before, with the same work for a text that is neither', () => {
  const { symbols: _, key: _key, ...facts } = keys[0]!
  let macs = 0
  const real = secretOf(tokenSecret)
  const secret: MacSecret = { mac: (message) => (macs++, real.mac(message)) }
  const text = (revision: number): string => deriveLicenseKey(real, { ...facts, revision })
  const known = { id: readId('lkey', facts.uuid)!, handle: facts.handle, keyRevision: 7 }
  const cases = [
    [text(7), known, 7],
    [text(6), known, 6],
    [text(5), known, null],
    [text(8), known, null],
    [keys.at(-1)!.symbols, known, null],
    [text(7), null, null],
  ] as const
  for (const [symbols, given, revision] of cases) {
    macs = 0
    assert.deepEqual([revisionOf(secret, symbols, given), macs], [revision, 2], symbols)
  }
})

test('newHandle(): makes seven symbols, and uses every symbol at every place', () => {
  const handles = Array.from({ length: 2000 }, newHandle)
  for (const handle of handles) assert.match(handle, /^[0-9A-HJKMNP-TV-Z]{7}$/)
  for (let at = 0; at < 7; at++) assert.equal(new Set(handles.map((handle) => handle[at])).size, 32)
})

test('checkLicenseKey(): gives the suggestions that Python found for 200 typos', () => {
  assert.equal(typos.length, 200)
  for (const { text, suggestions } of typos)
    assert.deepEqual(checkLicenseKey(text), { ok: false, suggestions }, text)
})

for (const { name, text, key, prefix, suggestions } of spellings)
  test(`checkLicenseKey(): ${name}`, () => {
    const expected = key === null ? { ok: false, suggestions } : { ok: true, key }
    assert.deepEqual(checkInClient(text), expected)
    const symbols = key?.replaceAll('-', '').slice(-25) ?? null
    assert.equal(readLicenseKey(text, prefix), symbols)
  })

test('checkLicenseKey(): suggests the key for every wrong symbol and every swap, and finds every two wrong symbols', () => {
  const { tried, ...missed } = missedSlips(
    keys.map(({ symbols }) => symbols),
    311,
  )
  assert.ok(tried > 30_000, `${tried}`)
  assert.deepEqual(missed, { uncorrected: [], undetected: [] })
})

test('readLicenseKey(): leaves the check symbols to the caller, and takes off the known prefix alone', () => {
  const wrong = '15J9HHP4ZSRQCJ7ZRPF3BA3GB'
  assert.equal(readLicenseKey(wrong), wrong)
  assert.equal(readLicenseKey(`acme${wrong}`, 'ACME'), wrong)
  for (const prefix of ['OTHER', '', null]) assert.equal(readLicenseKey(`acme${wrong}`, prefix), null)
})

test('checkLicenseKey(): refuses a text of more than 1,000 characters, whatever it begins with', () => {
  const { key } = keys[0]!
  assert.equal(checkLicenseKey(key.padEnd(1000)).ok, true)
  assert.deepEqual(checkLicenseKey(key.padEnd(1001)), { ok: false, suggestions: [] })
  assert.equal(readLicenseKey(key.padEnd(1_000_000)), null)
})
