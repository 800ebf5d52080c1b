import assert from 'node:assert/strict'
import { test } from 'node:test'
import openApi from '../../openapi.json' with { type: 'json' }
import { hasOwnNames, isTimeName } from '../../src/core/wire.ts'

type Schema = Readonly<Record<string, unknown>>

const document = openApi as unknown as { readonly paths: Schema; readonly components: Schema }

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Every property of every schema in the document, by its name in core. */
function propertiesOf(value: unknown): readonly (readonly [name: string, schema: Schema])[] {
  if (typeof value !== 'object' || value === null) return []
  const { properties } = value as { readonly properties?: Schema }
  const own = Object.entries(typeof properties === 'object' ? properties : {})
  return [
    ...own.map(([name, schema]) => [camelCase(name), schema as Schema] as const),
    ...Object.values(value).flatMap(propertiesOf),
  ]
}

/** The schema and, if it may be null, its other members. */
function membersOf(schema: Schema): readonly Schema[] {
  return [schema, ...((schema['anyOf'] ?? []) as readonly Schema[])]
}

const properties = propertiesOf(document)
const namesOf = (holds: (schema: Schema) => boolean): readonly string[] =>
  [
    ...new Set(properties.filter(([, schema]) => membersOf(schema).some(holds)).map(([name]) => name)),
  ].toSorted()

test('isTimeName(): every time of the API has such a name, and nothing else has', () => {
  const times = namesOf(({ format }) => format === 'date-time' || format === 'date')
  assert.ok(times.length > 10)
  assert.deepEqual(
    times,
    [...new Set(properties.map(([name]) => name))].filter((name) => isTimeName(name)).toSorted(),
  )
})

test('hasOwnNames(): every object with names of the vendor is known', () => {
  // `results` is keyed by data, and has a reader of its own. `details` has the names of fields.
  const keyed = ['details', 'results']
  const open = namesOf(
    ({ type, additionalProperties }) => type === 'object' && additionalProperties !== false,
  )
  assert.ok(open.includes('metadata'))
  assert.deepEqual(
    open.filter((name) => !hasOwnNames(name) && !keyed.includes(name)),
    [],
  )
})
