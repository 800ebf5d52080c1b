import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { wireSchema, type JsonSchema } from '../../src/adapters/http/wire.ts'
import { storedState, inputFor, pathOf } from './call-route.ts'
import { newFixture, type Fixture } from './fixture.ts'
import type { TestResponse } from './openapi-checker.ts'
import { expectations, type RouteInput } from './route-expectations.ts'
import { document, type Json } from './test-server.ts'

/** Names of fields that no body has. */
const serverFields =
  'id app_id status token jti mode issuer created_at updated_at revoked_at issued_at revision min_revision version current secret hash token_secret public_key_pem'
const unknownFields =
  'nonsense installationId tierId expiresAt __proto__ constructor toString Ünknown a.b $where'
const foreign = [
  ...serverFields.split(' '),
  ...unknownFields.split(' '),
  'with space',
  'x'.repeat(64),
  '',
  'email\u0000',
]

/** Values of each type, at the limits of the fields. */
const numbers = [0, -1, 1, 1.5, 1e9, 2 ** 53]
const texts = ['', ' ', '1', '30', 'true', 'null', 'x', 'x'.repeat(5000), 'UPPER', 'a-b', '\u0000']
const times = ['2026-02-30T00:00:00Z', '2030-01-01', '12026-01-01T00:00:00Z']
const lists = [[], [null], ['a', 'a'], ['A'], [['a']]]
const values: readonly unknown[] = [null, true, false, ...numbers, ...texts, ...times, ...lists, {}, { a: 1 }]

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
    fields: fieldsOf(`${method} ${path}`, wireSchema(body!.schema)),
  }))

/** The fields with rules. A license key is a credential: a bad one gets 401 or a result, before the body is read. */
function fieldsOf(row: string, { properties }: JsonSchema): Writable['fields'] {
  const { license_key: licenseKey, ...others } = properties as Writable['fields']
  const isCredential = expectations[row]?.[0] === 'holder'
  return licenseKey === undefined || isCredential ? others : { ...others, license_key: licenseKey }
}

/** A body with the credential alone. */
function emptyBody({ body }: RouteInput): string {
  return JSON.stringify({ license_key: body?.license_key })
}

function post({ send, keys }: Fixture, row: string, input: RouteInput, body: string): Promise<TestResponse> {
  const [method = '', path = ''] = row.split(' ')
  return send(method, pathOf(path, input), { key: keys.sk, body })
}

/** A valid body with one more field. The text may hold names that an object literal cannot have. */
function withName(body: Json, name: string, value: unknown): string {
  const members = Object.entries(body).filter(([other]) => other !== name)
  const text = [...members, [name, value] as const].map(
    ([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`,
  )
  return `{${text.join(',')}}`
}

/** Sends a body with each of the fields. Each must be refused for that field, and must write nothing. */
async function refuseAll(
  fixture: Fixture,
  row: string,
  fields: readonly (readonly [name: string, value: unknown])[],
): Promise<void> {
  const input = await inputFor(fixture, row)
  const before = await storedState(fixture.licensing)
  for (const [name, value] of fields) {
    const body = withName(input.body ?? {}, name, value)
    const response = await post(fixture, row, input, body)
    assert.equal(response.status, 422, `${row} ${body.slice(0, 200)}: ${response.text}`)
    const { details = {} } = response.error()
    const shown = /^[a-z0-9_]{1,63}$/.test(name) ? name : '(unknown)'
    assert.ok(Object.hasOwn(details, shown), `${row} ${body.slice(0, 200)}: ${response.text}`)
  }
  assert.equal(await storedState(fixture.licensing), before, `${row} wrote something`)
}

describe('request bodies', () => {
  test('every route with a body has an expectation', () => {
    assert.ok(writable.length > 15)
    for (const { row } of writable) assert.ok(row in expectations, row)
  })

  for (const { row, fields } of writable) {
    const names = foreign.filter((name) => !Object.hasOwn(fields, name))
    test(`${row}: refuses ${names.length} unknown fields`, async () => {
      await refuseAll(
        await newFixture(),
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
      const fits = ajv.compile({ ...schema, components: document.components })
      return values.filter((value) => !fits(value)).map((value) => [name, value] as const)
    })
    test(`${row}: refuses ${wrong.length} values that break its schema`, async () => {
      await refuseAll(await newFixture(), row, wrong)
    })
  }

  test('POST /apps/:slug/customers: details name every broken field', async () => {
    const fixture = await newFixture()
    const body = '{"email":1,"external_id":2,"nonsense":3}'
    const response = await post(fixture, 'POST /apps/:slug/customers', {}, body)
    assert.deepEqual(Object.keys(response.error().details ?? {}).toSorted(), [
      'email',
      'external_id',
      'nonsense',
    ])
  })

  test('every route: a missing required field is named', async () => {
    const fixture = await newFixture()
    for (const { row } of writable) {
      const { body } = routes.find(({ method, path }) => `${method} ${path}` === row)!
      const { required = [] } = wireSchema(body!.schema) as { required?: readonly string[] }
      const wanted = required.filter((name) => name !== 'license_key')
      if (wanted.length === 0) continue
      const input = await inputFor(fixture, row)
      const response = await post(fixture, row, input, emptyBody(input))
      assert.equal(response.status, 422, row)
      for (const name of wanted) assert.deepEqual(response.error().details?.[name], ['is required'], row)
    }
  })
})
