import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { hasRightCheckSymbols } from '../../../src/core/license-keys/text.ts'
import { installation } from '../../support/fixtures.ts'
import { claimsOf } from '../../support/tokens.ts'
import { endOf, type Json } from '../test-server.ts'
import { base, keys, whileSelling, type Till } from './till.ts'

const each = (text: string, change: (symbol: string) => string): string => [...text].map(change).join('')

/** Ways in which mail, chat and people write a license key, and the end of an activation with it. */
const writings: Readonly<Record<string, readonly [end: string, write: (key: string) => string]>> = {
  'full-width': ['200', (key) => each(key, (at) => String.fromCodePoint(at.codePointAt(0)! + 0xfee0))],
  'soft hyphens': ['200', (key) => each(key, (at) => `${at}\u00AD`)],
  'zero-width joiners': ['200', (key) => each(key, (at) => `\u200D${at}`)],
  'a byte order mark': ['200', (key) => `\uFEFF${key}`],
  'marks of direction': ['200', (key) => `\u202A${key}\u202C`],
  'smart dashes': ['200', (key) => key.replaceAll('-', '\u2014')],
  'line breaks of mail': ['200', (key) => `\r\n ${key.slice(0, 14)}\r\n\t${key.slice(14)}\r\n`],
  'look-alikes': ['200', (key) => key.toLowerCase().replaceAll('1', 'l').replaceAll('0', 'o')],
  'a prefix': ['200', (key) => `ACME-${key}`],
  'a Cyrillic letter': ['401 invalid_license_key', (key) => key.replace(/[A-Z]/, '\u0410')],
  '1,001 characters': ['401 invalid_license_key', (key) => key.padStart(1_001)],
  '250 KB': ['401 invalid_license_key', (key) => key.padStart(250_000)],
  '1 MB': ['413 body_too_large', (key) => key.padStart(1_000_000)],
}

test('POST /license-keys/activate: every way to write a license key', () =>
  whileSelling(async ({ sell, activate }) => {
    const { key } = await sell()
    await activate(key, 1)
    for (const [name, [end, write]] of Object.entries(writings))
      assert.equal(endOf(await activate(write(key), 1)), end, name)
  }))

/** A UUID whose last 25 digits are a license key of ours by their check symbols. */
function misleadingUuid(): string {
  for (;;) {
    const digits = randomBytes(16).toString('hex')
    if (!hasRightCheckSymbols(digits.slice(-25).toUpperCase())) continue
    return [...digits.matchAll(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/g)][0]!.slice(1).join('-')
  }
}

test('POST /license-keys/activate: the key of a shop is a UUID that reads as one of ours', () =>
  whileSelling(async ({ sell, activate }) => {
    const key = misleadingUuid()
    const sold = await sell({ key })
    for (const text of [key, key.toUpperCase(), ` ${key}\n`, sold.key])
      assert.match(endOf(await activate(text, 1)), /^20[01]$/, text)
    assert.equal(endOf(await activate(key.replaceAll('-', ''), 1)), '401 invalid_license_key')
  }))

describe('an installation that has another active license', () => {
  interface Victim extends Till {
    readonly key: string
    readonly victim: { readonly id: string; readonly token: string }
  }

  /** A license of `installation(1)` from before license keys, and somebody else's license key. */
  const whileAttacking = (work: (victim: Victim) => Promise<void>): Promise<void> =>
    whileSelling(async (till) => {
      const { id, token } = await till.issue({ forever: true, durationDays: undefined } as never)
      await work({ ...till, key: (await till.sell()).key, victim: { id, token: token! } })
    })

  const proofs: Readonly<Record<string, (victim: Victim) => Promise<unknown>>> = {
    'no token': async () => undefined,
    null: async () => null,
    'text that is no token': async () => 'eyJ',
    'the token of another installation': async ({ issue }) => (await issue()).token,
    'a token that was invalidated': async ({ ask, victim }) => {
      await ask('POST', `${base}/licenses/${victim.id}/regenerate`, { invalidate_previous: true })
      return victim.token
    },
    'a token of another app': async ({ licensing }) => {
      await licensing.apps.create({ name: 'Other', slug: 'other-app' })
      await licensing.tiers.create('other-app', { name: 'Pro', slug: 'pro' })
      const { id: customerId } = await licensing.customers.create('other-app', { email: 'bob@example.com' })
      const installationId = installation(1)
      const license = { installationId, customerId, tierId: 'pro', forever: true } as const
      return (await licensing.licenses.create('other-app', license)).token
    },
  }
  for (const [name, proof] of Object.entries(proofs))
    test(`${name} proves nothing: 409, which names no id`, () =>
      whileAttacking(async (victim) => {
        const token = await proof(victim)
        const response = await victim.activate(victim.key, 1, { current_token: token })
        assert.equal(endOf(response), '409 conflict')
        assert.doesNotMatch(response.text, /lic_|lkey_|cus_|[0-9a-f]{8}-/)
        const { status } = (await victim.ask('GET', `${base}/licenses/${victim.victim.id}`)).data<Json>()
        assert.equal(status, 'active')
      }))

  test('its own token proves it: the license moves', () =>
    whileAttacking(async ({ activate, ask, key, victim }) => {
      assert.equal(endOf(await activate(key, 1, { current_token: victim.token })), '201')
      const moved = (await ask('GET', `${base}/licenses/${victim.id}`)).data<Json>()
      assert.deepEqual([moved.status, moved.revoked_cause], ['revoked', 'moved'])
    }))
})

/** Names of an installation, and the end of an activation with each. */
const names: Readonly<Record<string, readonly [end: string, name: unknown]>> = {
  markup: ['200', '<script>alert("x")</script>'],
  'control characters': ['200', 'a\u001B[2J\r\nb\u0007'],
  'right to left': ['200', '\u202Egpj.exe'],
  '64 characters': ['200', 'x'.repeat(64)],
  null: ['200', null],
  '65 characters': ['422 validation_error', 'x'.repeat(65)],
  '10 kB': ['422 validation_error', 'x'.repeat(10_000)],
  'U+0000': ['422 validation_error', 'a\u0000b'],
  'a lone surrogate': ['422 validation_error', 'a\uD800b'],
  'another type': ['422 validation_error', { name: 'x' }],
}

test('POST /license-keys/activate: every name of an installation comes back as JSON, or gets 422', () =>
  whileSelling(async ({ sell, activate, tell }) => {
    const { key } = await sell()
    await activate(key, 1)
    for (const [what, [end, name]] of Object.entries(names)) {
      const response = await activate(key, 1, { name })
      assert.equal(endOf(response), end, what)
      if (end !== '200') continue
      assert.equal(response.headers.get('content-type'), 'application/json')
      assert.equal(response.data<Json>().name, name, what)
      const [seat] = (await tell(`${keys}/seats`, { license_key: key })).data<Json[]>()
      assert.equal(seat!.name, name, what)
    }
  }))

test('replace_oldest without a budget: a full license key refuses', () =>
  whileSelling(async ({ sell, activate }) => {
    const terms = { seats: 1, when_full: 'replace_oldest', releases_per_year: 0 }
    const { key } = await sell(terms)
    await activate(key, 1)
    assert.equal(endOf(await activate(key, 2)), '409 seat_limit_reached')
    const { key: generous } = await sell({ ...terms, releases_per_year: 1 })
    await activate(generous, 3)
    assert.equal(endOf(await activate(generous, 4)), '201')
    assert.equal(endOf(await activate(generous, 5)), '409 seat_limit_reached')
  }))

test('a license key in a URL: no route reads it, and no response repeats it', () =>
  whileSelling(async ({ sell, send, keys: secrets }) => {
    const { key } = await sell()
    const query = `license_key=${key}`
    const body = { installation_id: installation(1) }
    const requests: readonly (readonly [end: string, method: string, path: string, sent: object])[] = [
      ['401 invalid_license_key', 'POST', `${keys}/activate?${query}`, { body }],
      ['422 validation_error', 'POST', `${keys}/activate?${query}`, { body: { ...body, license_key: key } }],
      ['401 invalid_license_key', 'POST', `${keys}/seats?${query}`, {}],
      ['422 validation_error', 'POST', `${keys}/verify?${query}`, {}],
      ['401 unauthorized', 'GET', `${keys}/${key}`, {}],
      ['404 not_found', 'GET', `${keys}/${key}`, { key: secrets.sk }],
      ['422 validation_error', 'GET', `${keys}?${query}`, { key: secrets.sk }],
      ['404 not_found', 'POST', `${keys}/${key}/roll`, { key: secrets.sk }],
      ['404 no_such_route', 'POST', `${keys}/activate/${key}`, {}],
    ]
    for (const [end, method, path, sent] of requests) {
      const response = await send(method, path, sent)
      assert.equal(endOf(response), end, `${method} ${path}`)
      assert.equal(response.text.includes(key.slice(-5)), false, `${method} ${path}`)
    }
  }))

test('POST /license-keys/:id/release-all: at most 100 exceptions', () =>
  whileSelling(async ({ sell, ask }) => {
    const { id } = await sell()
    const except = (count: number) => ({ except: Array.from({ length: count }, () => 'lic_x') })
    const release = async (count: number) =>
      endOf(await ask('POST', `${keys}/${id}/release-all`, except(count)))
    assert.deepEqual(
      [await release(100), await release(101), await release(10_000)],
      ['200', '422 validation_error', '422 validation_error'],
    )
  }))

test('a pk_ key: sees neither the text of a license key nor the key of a shop', () =>
  whileSelling(async ({ sell, send, keys: secrets }) => {
    const alias = 'order_0123456789-abc'
    const { id, key } = await sell({ key: alias, external_id: 'shop-1' })
    for (const path of [keys, `${keys}/${id}`, `${keys}/by-external-id?external_id=shop-1`]) {
      const response = await send('GET', path, { key: secrets.pk })
      assert.equal(endOf(response), '200')
      assert.ok(response.text.includes(id))
      for (const secret of [key, key.slice(0, -1), alias, alias.slice(0, -5), '"key"', 'alias_last_four'])
        assert.equal(response.text.includes(secret), false, `${path} shows ${secret}`)
      const asked = await send('GET', `${path}${path.includes('?') ? '&' : '?'}include=key`, {
        key: secrets.pk,
      })
      assert.equal(endOf(asked), '403 forbidden')
    }
  }))

test('custom_limits: names of prototypes are ordinary names', () =>
  whileSelling(async ({ sell, activate, ask }) => {
    const limits = JSON.parse('{"10":3,"__proto__":1,"constructor":2,"expires_at":4}') as Json
    const { id, key } = await sell({ custom_limits: limits })
    const { token, limits: held } = (await activate(key, 1)).data<{ token: string; limits: Json }>()
    const shown = (await ask('GET', `${keys}/${id}`)).data<Json>()
    for (const found of [shown.custom_limits, shown.limits, held, claimsOf(token).limits])
      assert.deepEqual(Object.entries(found as Json), Object.entries(limits))
    for (const custom_limits of [[], 1, { Bad: 1 }, { projects: -1 }, { projects: '5' }, { a: { b: 1 } }])
      assert.equal(endOf(await ask('PUT', `${keys}/${id}`, { custom_limits })), '422 validation_error')
  }))

test('POST /license-keys/activate: Idempotency-Key replays nothing', () =>
  whileSelling(async ({ sell, tell, send, keys: secrets, customer }) => {
    const [first, second] = [await sell(), await sell()]
    const headers = { 'idempotency-key': 'same' }
    const body = (key: string, number: number) => ({
      license_key: key,
      installation_id: installation(number),
    })
    const own = await tell(`${keys}/activate`, body(first.key, 1), headers)
    const other = await tell(`${keys}/activate`, body(second.key, 2), headers)
    const again = await tell(`${keys}/activate`, body(first.key, 1), headers)
    assert.deepEqual([own, other, again].map(endOf), ['201', '201', '200'])
    for (const response of [own, other, again])
      assert.equal(response.headers.get('idempotent-replayed'), null)
    assert.notEqual(other.data<Json>().license_key_id, own.data<Json>().license_key_id)
    // A secret key's own results are its alone, and their texts are derived anew.
    const sold = { customer_id: customer.id, tier_id: 'pro', forever: true }
    const sellOnce = (key: string, name: string) =>
      send('POST', keys, { key, headers, body: { ...sold, name } })
    const made = (await sellOnce(secrets.sk, 'a')).data<Json>()
    const replayed = await sellOnce(secrets.sk, 'a')
    assert.deepEqual(
      [replayed.data<Json>().key, replayed.headers.get('idempotent-replayed')],
      [made.key, 'true'],
    )
    assert.equal(endOf(await sellOnce(secrets.sk, 'b')), '422 idempotency_mismatch')
    assert.equal(endOf(await sellOnce(secrets.pk, 'a')), '403 forbidden')
    assert.equal(endOf(await sellOnce(first.key, 'a')), '401 unauthorized')
  }))
