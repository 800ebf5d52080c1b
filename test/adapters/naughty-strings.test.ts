import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { readVectors } from '../support/vectors.ts'
import { newShop } from '../support/fixtures.ts'
import type { TestResponse } from './openapi-checker.ts'
import { newShopServer, serve, storages, type Json, type Send } from './test-server.ts'

const strings = readVectors('naughty-strings/blns.json') as readonly string[]
const app = '/apps/desktop-app'

/** Checks that the status is not 5xx, and that an accepted value comes back unchanged, now and when it is read again. */
async function isKept(
  send: Send,
  key: string,
  response: TestResponse,
  where: string,
  field: string,
  sent: unknown,
): Promise<boolean> {
  assert.ok([200, 201, 409, 422].includes(response.status), `${JSON.stringify(sent)}: ${response.text}`)
  if (response.status > 201) return false
  const made = response.data<Json>()
  assert.deepEqual(made[field], sent)
  const again = await send('GET', where.endsWith('s') ? `${where}/${String(made.id)}` : where, { key })
  assert.deepEqual(again.data<Json>()[field], sent)
  return true
}

/** Text fields, each with a request that sends a text. */
const fields: readonly (readonly [
  method: string,
  path: string,
  field: string,
  body: (text: string, at: number) => Json,
])[] = [
  ['PUT', app, 'name', (name) => ({ name })],
  ['PUT', app, 'description', (description) => ({ description })],
  ['PUT', `${app}/tiers/pro`, 'name', (name) => ({ name })],
  ['POST', `${app}/tiers`, 'slug', (slug) => ({ name: 'T', slug })],
  [
    'POST',
    `${app}/features`,
    'description',
    (description, at) => ({ name: 'F', slug: `f_${at}`, description }),
  ],
  ['POST', `${app}/customers`, 'email', (email) => ({ email })],
  ['POST', `${app}/customers`, 'email', (text) => ({ email: `${text}@example.com` })],
  ['POST', `${app}/customers`, 'name', (name, at) => ({ name, email: `name-${at}@example.com` })],
  [
    'POST',
    `${app}/customers`,
    'external_id',
    (external_id, at) => ({ external_id, email: `id-${at}@example.com` }),
  ],
  [
    'POST',
    `${app}/customers`,
    'metadata',
    (text, at) => ({ metadata: { [text]: [text, { [text]: text }] }, email: `meta-${at}@example.com` }),
  ],
]

describe('naughty strings', () => {
  test('515 strings', () => {
    assert.equal(strings.length, 515)
  })

  for (const [name, use] of storages)
    test(`in text fields: returned byte for byte or refused, on ${name}`, () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
        } = await serve(await newShop({ storage }))
        // SQLite could change text and metadata. The other fields are validated before they reach it.
        const tried = name === 'SQLite' ? fields.slice(-3) : fields
        for (const [method, path, field, body] of tried) {
          let taken = 0
          for (const [at, text] of strings.entries()) {
            const sent = body(text, at)
            if (
              await isKept(send, key, await send(method, path, { key, body: sent }), path, field, sent[field])
            )
              taken += 1
          }
          assert.notEqual(taken, 0, `${path} ${field}`)
        }
      }))

  test('in every part of every path: never 5xx', async () => {
    const {
      send,
      keys: { sk: key },
    } = await newShopServer()
    const parts = strings.flatMap((text) => [
      encodeURIComponent(text),
      encodeURI(text).replaceAll('#', '%23'),
    ])
    const templates = routes.filter(({ method, path }) => method === 'GET' && path.includes(':'))
    for (const [at, part] of parts.entries()) {
      const { path } = templates[at % templates.length]!
      for (const name of path.match(/:\w+/g) ?? []) {
        const where = path
          .replace(name, () => part)
          .replace(':slug', 'desktop-app')
          .replace(/:\w+/g, 'x')
        const response = await send('GET', where, { key })
        assert.ok(response.status < 500, `${where}: ${response.text}`)
      }
    }
  })

  test('as headers: never 5xx', async () => {
    const { send } = await newShopServer()
    for (const text of strings)
      for (const name of [
        'authorization',
        'idempotency-key',
        'x-request-id',
        'if-none-match',
        'origin',
        'x-forwarded-for',
      ]) {
        const sent = { headers: { [name]: text } }
        if (!isHeader(text)) continue
        assert.ok(
          (await send('POST', `${app}/customers`, sent)).status < 500,
          `${name} ${JSON.stringify(text)}`,
        )
        assert.ok(
          (await send('GET', `${app}/public-key`, sent)).status < 500,
          `${name} ${JSON.stringify(text)}`,
        )
      }
  })
})

function isHeader(text: string): boolean {
  try {
    return new Headers({ x: text }).has('x')
  } catch {
    return false
  }
}
