import assert from 'node:assert/strict'
import { test } from 'node:test'
import openApi from '../../openapi.json' with { type: 'json' }
import { hasOwnNames, isTimeName } from '../../src/core/wire.ts'

type Schema = Readonly<Record<string, unknown>>

interface RequestBody {
  readonly content: { readonly 'application/json': { readonly schema: Schema } }
}

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
  const formed = namesOf(({ format }) => format === 'date-time' || format === 'date')
  // It may be a day alone, too, so it has no format.
  const times = [...formed, 'releasedAt'].toSorted()
  assert.ok(times.length > 10)
  assert.deepEqual(
    times,
    [...new Set(properties.map(([name]) => name))].filter((name) => isTimeName(name)).toSorted(),
  )
})

test('hasOwnNames(): every object with names of the vendor is known', () => {
  // `results` is keyed by data, and has a reader of its own. `details` and `facts` have the names of fields.
  const keyed = ['details', 'facts', 'results']
  const open = namesOf(
    ({ type, additionalProperties }) => type === 'object' && additionalProperties !== false,
  )
  assert.ok(open.includes('metadata'))
  assert.deepEqual(
    open.filter((name) => !hasOwnNames(name) && !keyed.includes(name)),
    [],
  )
})

/** The objects of named fields in a schema, and how deep they lie in one another. */
function depthOf(schema: Schema): number {
  const fields = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Schema>>)
  const named = fields.filter(([name]) => !hasOwnNames(camelCase(name)))
  const depths = named.flatMap(([, field]) => membersOf(field).map(depthOf))
  return fields.length === 0 ? 0 : 1 + Math.max(0, ...depths)
}

test('toWire(): no request has named fields deeper than the client renames them', () => {
  const depths = Object.values(document.paths)
    .flatMap((path) => Object.values(path as Readonly<Record<string, Schema>>))
    .map(({ requestBody }) => requestBody as RequestBody | undefined)
    .map((body) => depthOf(body?.content['application/json'].schema ?? {}))
  assert.equal(Math.max(...depths), 2)
})
