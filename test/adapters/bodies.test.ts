import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { wireSchema, type JsonSchema } from '../../src/adapters/http/wire.ts'
import { everything, givenFor, pathOf } from './calls.ts'
import { newCounter, type Counter } from './credentials.ts'
import type { Answer } from './documented.ts'
import { judgements, type Given } from './judgements.ts'
import type { Json } from './http.ts'

/** What no body may set, and what no body knows. */
const foreign = [
  ...['id', 'app_id', 'status', 'token', 'jti', 'mode', 'issuer', 'created_at', 'updated_at', 'revoked_at'],
  ...[
    'issued_at',
    'revision',
    'min_revision',
    'version',
    'current',
    'secret',
    'hash',
    'token_secret',
    'public_key_pem',
  ],
  ...['nonsense', 'installationId', 'tierId', 'expiresAt', '__proto__', 'constructor', 'toString'],
  ...['with space', 'Ünknown', 'x'.repeat(64), '', 'a.b', '$where', 'email\u0000'],
]

/** One of each type, at the edges of what any field takes. */
const values: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e9, 2 ** 53, '', ' ', '1', '30', 'true', 'null', 'x'],
  ...[
    'x'.repeat(5000),
    '2026-02-30T00:00:00Z',
    '2030-01-01',
    '12026-01-01T00:00:00Z',
    'UPPER',
    'a-b',
    '\u0000',
  ],
  ...[[], [null], ['a', 'a'], ['A'], [['a']], {}, { a: 1 }],
]

const ajv = new Ajv2020({ strict: false })
formats.default(ajv)

interface Writable {
  readonly row: string
  readonly fields: Readonly<Record<string, JsonSchema>>
}

const writable: readonly Writable[] = routes
  .filter(({ body, method }) => body !== undefined && method !== 'GET')
  .map(({ method, path, body }) => ({
    row: `${method} ${path}`,
    fields: wireSchema(body!.schema).properties as Writable['fields'],
  }))

function post({ send, keys }: Counter, row: string, given: Given, body: string): Promise<Answer> {
  const [method = '', path = ''] = row.split(' ')
  return send(method, pathOf(path, given), { key: keys.sk, body })
}

/** A good body with a name more, which may be one that no object literal can have. */
function withName(body: Json, name: string, value: unknown): string {
  const members = Object.entries(body).filter(([other]) => other !== name)
  const text = [...members, [name, value] as const].map(
    ([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`,
  )
  return `{${text.join(',')}}`
}

/** Sends a body with each of the names and values to a route; each must be refused for that field, writing nothing. */
async function refuseAll(
  counter: Counter,
  row: string,
  fields: readonly (readonly [name: string, value: unknown])[],
): Promise<void> {
  const given = await givenFor(counter, row)
  const before = await everything(counter.licensing)
  for (const [name, value] of fields) {
    const body = withName(given.body ?? {}, name, value)
    const answer = await post(counter, row, given, body)
    assert.equal(answer.status, 422, `${row} ${body.slice(0, 200)}: ${answer.text}`)
    const { details = {} } = answer.error()
    const shown = /^[a-z0-9_]{1,63}$/.test(name) ? name : '(unknown)'
    assert.ok(Object.hasOwn(details, shown), `${row} ${body.slice(0, 200)}: ${answer.text}`)
  }
  assert.equal(await everything(counter.licensing), before, `${row} wrote something`)
}

describe('every body that writes', () => {
  test('is of a route that is judged', () => {
    assert.ok(writable.length > 15)
    for (const { row } of writable) assert.ok(row in judgements, row)
  })

  for (const { row, fields } of writable) {
    const names = foreign.filter((name) => !Object.hasOwn(fields, name))
    test(`${row} refuses ${names.length} fields that are not its own`, async () => {
      await refuseAll(
        await newCounter(),
        row,
        names.flatMap(
          (name) =>
            [
              [name, 'x'],
              [name, null],
            ] as const,
        ),
      )
    })

    const wrong = Object.entries(fields).flatMap(([name, schema]) => {
      const fits = ajv.compile(schema)
      return values.filter((value) => !fits(value)).map((value) => [name, value] as const)
    })
    test(`${row} refuses ${wrong.length} values that its schema does not allow`, async () => {
      await refuseAll(await newCounter(), row, wrong)
    })
  }

  test('says all that is wrong with it at once', async () => {
    const counter = await newCounter()
    const body = '{"email":1,"external_id":2,"nonsense":3}'
    const answer = await post(counter, 'POST /apps/:slug/customers', {}, body)
    assert.deepEqual(Object.keys(answer.error().details ?? {}).toSorted(), [
      'email',
      'external_id',
      'nonsense',
    ])
  })

  test('lacks nothing that is required', async () => {
    const counter = await newCounter()
    for (const { row } of writable) {
      const required = wireSchema(
        routes.find(({ method, path }) => `${method} ${path}` === row)!.body!.schema,
      ).required
      if (required === undefined) continue
      const answer = await post(counter, row, await givenFor(counter, row), '{}')
      assert.equal(answer.status, 422, row)
      for (const name of required as string[])
        assert.deepEqual(answer.error().details?.[name], ['is required'], row)
    }
  })
})
