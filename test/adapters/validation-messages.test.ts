import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refusalOf } from '../support/fixtures.ts'
import { newShopServer, type Json } from './test-server.ts'

const { send, keys, licensing, customer, issue } = await newShopServer()
const licenses = '/apps/desktop-app/licenses'
const canary = 'c4n4ry'

interface Refusal {
  readonly message: string
  readonly details: Readonly<Record<string, readonly string[]>>
}

async function refused(method: string, path: string, body?: Json): Promise<Refusal> {
  const response = await send(method, path, { key: keys.sk, ...(body !== undefined && { body }) })
  assert.equal(response.status, 422, response.text)
  assert.equal(response.text.includes(canary), false, 'the error repeats a value')
  const { code, message, details = {} } = response.error()
  assert.equal(code, 'validation_error')
  return { message, details }
}

describe('validation_error over HTTP', () => {
  const cases: Readonly<
    Record<string, readonly [method: string, path: string, body: Json | undefined, message: RegExp]>
  > = {
    'a broken rule': [
      'POST',
      '/apps',
      { name: 'A', slug: `${canary}!` },
      /: slug must be 1 to 63 lowercase letters, digits or hyphens$/,
    ],
    'a missing field': ['POST', '/apps', { slug: 'a' }, /: name is required$/],
    'a field of two words': [
      'PUT',
      '/apps/desktop-app',
      { webhook_url: canary },
      /: webhook_url must be an https address/,
    ],
    'an unknown field': [
      'POST',
      '/apps',
      { name: 'A', slug: 'a', nonsense: canary },
      /: nonsense is not a known field$/,
    ],
    'an unknown field that is not shown': [
      'POST',
      '/apps',
      { name: 'A', slug: 'a', [`${canary} x`]: 1 },
      /: \(unknown\) is not a known field$/,
    ],
    'no object': ['POST', '/apps', [canary] as unknown as Json, /: \(body\) must be an object$/],
    'a repeated parameter': ['GET', `/apps?page=1&page=2`, undefined, /: page must be given once$/],
    'none of several': [
      'GET',
      `${licenses}/verify`,
      undefined,
      /: installation_id is required: exactly one of installation_id and jti must be given$/,
    ],
  }
  for (const [what, [method, path, body, message]] of Object.entries(cases))
    test(`${what}: the message names the field and its rule`, async () => {
      const refusal = await refused(method, path, body)
      assert.match(refusal.message, message)
      const [[field, [rule]] = ['', []]] = Object.entries(refusal.details)
      assert.equal(refusal.message, `The request is not valid: ${field} ${rule}`)
    })

  test('several broken rules: the message has the first, details have all', async () => {
    const { message, details } = await refused('POST', '/apps', { name: 5, slug: 5 })
    assert.deepEqual(Object.keys(details).toSorted(), ['name', 'slug'])
    assert.match(message, /^The request is not valid: name must be a string of 1 to 255 characters$/)
  })
})

test('validation_error in core: the message names the field and its rule', async () => {
  const error = await refusalOf(licensing.apps.update('desktop-app', { webhookUrl: canary }))
  assert.match(error.message, /^The request is not valid: webhookUrl must be an https address/)
  assert.equal(error.message.includes(canary), false)
})

describe('times over HTTP', () => {
  const end = async (body: Json): Promise<unknown> => {
    const { id } = await issue()
    return (await send('PUT', `${licenses}/${id}`, { key: keys.sk, body })).data().expires_at
  }
  const wanted = /RFC 3339 with its offset, such as 2026-01-23T10:00:00Z/

  test('without an offset, without a time, or as a number: the rule shows the form', async () => {
    const { id } = await issue()
    for (const expires_at of [
      '2030-01-01T00:00:00',
      '2030-01-01 00:00:00Z',
      '2030-01-01',
      1_900_000_000,
      true,
    ]) {
      const { details } = await refused('PUT', `${licenses}/${id}`, { expires_at })
      assert.match(details.expires_at?.[0] ?? '', wanted)
    }
    const { details } = await refused('POST', '/api-keys', { expires_at: '2030-01-01' })
    assert.match(details.expires_at?.[0] ?? '', wanted)
  })

  test('null as the end of a license: the rule names forever', async () => {
    const { id } = await issue()
    const { details } = await refused('PUT', `${licenses}/${id}`, { expires_at: null })
    assert.match(details.expires_at?.[0] ?? '', /forever: true means no end$/)
  })

  test('with any number of digits in its fraction: taken, and cut to whole seconds', async () => {
    for (const digits of [1, 9, 10, 12, 30])
      assert.equal(
        await end({ expires_at: `2030-01-01T01:00:00.${'9'.repeat(digits)}+01:00` }),
        '2030-01-01T00:00:00Z',
      )
  })
})

test('a Date in core: taken wherever a time is taken, and cut to whole seconds', async () => {
  const time = new Date('2030-01-01T00:00:00.999Z')
  const seconds = Math.floor(time.getTime() / 1000)
  const { licenses: issued, apiKeys } = licensing
  const license = { installationId: crypto.randomUUID(), customerId: customer.id, tierId: 'pro' }
  const { id, expiresAt } = await issued.create('desktop-app', { ...license, expiresAt: time })
  assert.equal(expiresAt, seconds)
  const later = new Date('2031-01-01T00:00:00Z')
  const changed = await issued.update('desktop-app', id, { expiresAt: later })
  assert.equal(changed.expiresAt, later.getTime() / 1000)
  assert.equal((await apiKeys.create({ expiresAt: time })).expiresAt, seconds)
  for (const wrong of [new Date(NaN), new Date(-1), new Date(8.64e15)]) {
    const error = await refusalOf(issued.update('desktop-app', id, { expiresAt: wrong }))
    assert.match(error.details?.expiresAt?.[0] ?? '', /^must be whole seconds since 1970, or a valid Date/)
    assert.equal((await refusalOf(apiKeys.create({ expiresAt: wrong }))).code, 'validation_error')
  }
})
