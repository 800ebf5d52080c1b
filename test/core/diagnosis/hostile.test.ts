import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import process from 'node:process'
import type { Diagnosis } from '../../../src/core/index.ts'
import { recognise } from '../../../src/core/diagnosis/recognition.ts'
import { newWorld, start } from '../../support/fixtures.ts'
import { testKeyPairs } from '../../support/keys.ts'
import { claimsOf, forge, signRaw } from '../../support/tokens.ts'
import { newDesk, type Desk } from './desk.ts'

const most = 64 * 1024

/** A text of 64 KiB that repeats a part. */
function filled(part: string, end = ''): string {
  const bytes = new TextEncoder().encode(part).length
  return part.repeat(Math.floor((most - end.length) / bytes)) + end
}

/** The time of the processor that a recognition takes, in microseconds. */
function cost(text: string): number {
  const before = process.cpuUsage()
  recognise(text)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** A text that is cut within a pair of surrogates is none. */
function wellFormed(text: string): string {
  return Buffer.from(text)
    .subarray(0, most)
    .toString()
    .replace(/\uFFFD+$/, '')
}

/** Texts that are long, or made to keep a search busy. A search that goes back would run for minutes on some. */
const busy: Readonly<Record<string, string>> = {
  dots: filled('.'),
  'dots before a letter': filled('.', 'x'),
  'pairs of dots': filled('..a', '!'),
  'dots and blanks, which become a row of dots': filled('..\t'),
  eyJ: filled('eyJ'),
  'eyJ in words': filled('eyJ '),
  'beginnings of tokens': filled('eyJhbGciOiJSUzI1NiIs.'),
  'at signs': filled('@'),
  'one long word before an at sign': filled('a', '@'),
  'words with at signs': filled('a@'),
  dashes: filled('-'),
  'long dashes': filled('—'),
  'groups of five': filled('ABC12-'),
  'groups of five with spaces': filled('ABC12 '),
  underscores: filled('_'),
  equals: filled('=\n'),
  quoting: filled('> '),
  'quoting without a line': filled('>', 'x'),
  fences: filled('```\n'),
  'a long fence': filled('`', 'x'),
  spaces: filled(' ', 'x'),
  'line breaks': filled('\n'),
  'line breaks and spaces': filled('\n \t'),
  'escaped line breaks': filled('\\n'),
  backslashes: filled('\\'),
  'zero-width spaces': filled('\u200B'),
  'combining marks': filled('e\u0301\u0302'),
  'wide letters': filled('\uFDFA'),
  emoji: filled('👩‍👩‍👧‍👦'),
  'beginnings of license files': filled('-----BEGIN HEARTWOOD LICENSE-----\n'),
  'beginnings of private keys': filled('-----BEGIN '),
  'a long beginning of a private key': `-----BEGIN ${filled('A').slice(11)}`,
  'beginnings of API keys': filled('sk_live'),
  'request ids': filled('request id '),
  'installation ids': filled('a1b2c3d4-e5f6-4a7b-8c9d-fffffffffff1 ').slice(0, most),
  'ids of licenses': Array.from(
    { length: 2_000 },
    (_, at) => `lic_01kfnb4zd5fd8rh1b9p2x${`${at}`.padStart(5, '0')}`,
  ).join(' '),
  'e-mails': Array.from({ length: 4_000 }, (_, at) => `a${at}@b.c`).join(' '),
  'names of prototypes': filled('__proto__ constructor '),
}

describe('diagnose(): hostile texts', () => {
  let desk: Desk
  const ask = (text: string): Promise<Diagnosis> => desk.world.licensing.diagnose({ text })
  before(async () => {
    desk = await newDesk(await newWorld(), start)
  })

  for (const [name, text] of Object.entries(busy))
    test(`64 KiB of ${name}: something fails, and no license is found`, async () => {
      // Some searches begin only behind the first letters of a token, and others only without them.
      for (const before of ['', 'eyJ ', 'eyJhbGciOiJSUzI1NiIs'])
        for (const after of ['', ' eyJ']) {
          const middle = text.slice(0, most - before.length - after.length - 2)
          const { checks, licenseId, candidates } = await ask(wellFormed(before + middle + after))
          assert.equal(checks.filter(({ state }) => state === 'failed').length, 1)
          assert.deepEqual([licenseId, candidates], [null, []])
        }
    })

  test('no text of that length takes the processor much longer than a mail does', () => {
    const line = 'My program says that 3 of the licenses in https://example.com/a.b are invalid, eyJ.\n'
    const ordinary = Math.min(...Array.from({ length: 8 }, () => cost(filled(line))))
    for (const [name, text] of Object.entries(busy)) {
      const whole = wellFormed(`eyJ ${text.slice(0, most - 10)} eyJ`)
      // Another process may take the caches, but not each time.
      const least = Math.min(cost(whole), cost(whole))
      assert.ok(least < 50 * ordinary, `${name}: ${least} µs beside ${ordinary} µs`)
    }
  })

  test('thousands of tokens: the first of them are looked at, and no more', async () => {
    const claims = claimsOf(desk.tokens['good']!)
    const { privateKeyPem } = testKeyPairs[1]!
    const forged: string[] = []
    for (let at = 0; at < 60; at++) forged.push(await forge({ ...claims, iat: at }, privateKeyPem))
    let reads = 0
    const { storage, licensing } = desk.world
    const counting = new Proxy(storage, {
      get: (target, name) => {
        const verb: unknown = Reflect.get(target, name)
        if (typeof verb !== 'function') return verb
        return (...given: readonly unknown[]) => {
          reads += 1
          return (verb as (...all: readonly unknown[]) => unknown).apply(target, [...given])
        }
      },
    })
    const { cause } = await licensing.with(counting).diagnose({ text: forged.join('\n').slice(0, most) })
    assert.equal(cause, 'bad_signature')
    assert.ok(reads > 20 && reads < 120, `${reads} reads`)
  })

  test('a header that brings or names a key of its own is refused by its form', async () => {
    const claims = claimsOf(desk.tokens['good']!)
    for (const header of [
      { alg: 'RS256', typ: 'JWT', jku: 'https://evil.example/jwks' },
      { alg: 'RS256', typ: 'JWT', x5c: ['AAAA'] },
      { alg: 'RS256', typ: 'JWT', crit: ['exp'], exp: 1 },
      { alg: 'HS256', typ: 'JWT' },
      { alg: 'none', typ: 'JWT' },
      { alg: 'RS256', typ: 'keystatement+jwt' },
    ]) {
      const { cause, checks } = await ask(await forge(claims, testKeyPairs[5]!.privateKeyPem, header))
      assert.deepEqual([cause, checks[0]?.state], ['altered_text', 'failed'], JSON.stringify(header))
    }
  })

  test('names of prototypes in claims and headers change nothing', async () => {
    const claims = JSON.stringify(claimsOf(desk.tokens['good']!))
    const { privateKeyPem } = testKeyPairs[5]!
    const header = '{"alg":"RS256","typ":"JWT"}'
    for (const member of [
      '"__proto__":{"aud":"x","revokedAt":1}',
      '"constructor":{"prototype":{"cause":"x"}}',
    ]) {
      const token = await signRaw(header, `${claims.slice(0, -1)},${member}}`, privateKeyPem)
      assert.equal((await ask(token)).cause, null)
      const other = await signRaw(`{"alg":"RS256",${member},"typ":"JWT"}`, claims, privateKeyPem)
      assert.equal((await ask(other)).cause, 'altered_text')
    }
    assert.equal(Reflect.get({}, 'cause'), undefined)
  })

  test('a thief of the signing key, who cannot make a jti, is told of a wrong signature', async () => {
    const { id } = desk.licenses['good']!
    const claims = { ...claimsOf(desk.tokens['good']!), jti: `${id}${'0'.repeat(32)}` }
    const { cause, licenseId } = await ask(await forge(claims, testKeyPairs[5]!.privateKeyPem))
    assert.deepEqual([cause, licenseId], ['bad_signature', null])
  })
})
