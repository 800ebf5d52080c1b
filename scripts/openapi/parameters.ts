import { Type, type TObject } from '@sinclair/typebox'
import { pagingFields } from '../../src/core/paging.ts'
import { ignoresAuthorization, type Route } from '../../src/adapters/http/route.ts'
import type { JsonSchema } from '../../src/adapters/http/wire.ts'
import { requestSchema } from '../../src/adapters/openapi/json-schema.ts'
import { refTo } from './reference.ts'

/** True for a POST that may be repeated under a key. */
export function takesIdempotencyKey(route: Route): boolean {
  return route.method === 'POST' && route.ignoresIdempotencyKey !== true && !ignoresAuthorization(route)
}

const pathParameters: Readonly<Record<string, JsonSchema>> = {
  slug: {
    description: 'Slug or id of the app',
    pattern: '^[a-z0-9_-]{1,63}$',
    maxLength: 63,
    example: 'desktop-app',
  },
  tier: { description: 'Id or slug of the tier', example: 'pro' },
  feature: { description: 'Id or slug of the feature', example: 'webhooks' },
  id: { description: 'Id of the resource' },
}

const clientHeader: object = {
  name: 'Heartwood-Client',
  in: 'header',
  required: false,
  description:
    'The program that activates or renews: seen_client of the license. Ignored unless it is 1 to 64 printable ASCII characters, and with an API key',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: 64,
    pattern: '^[\\x20-\\x7e]+$',
    examples: ['desktop-app/2.3.1 (macos)'],
  },
}

const idempotencyKey: object = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A repetition with the same key, method, path and body within 24 hours gets the first response again. Bodies are compared by meaning: the order of members does not matter',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    pattern: '^[\\x20-\\x7e]+$',
    examples: ['order-42'],
  },
}

interface QueryParameter {
  readonly name: string
  readonly in: 'query'
  readonly required: boolean
  readonly description: unknown
  readonly schema: JsonSchema
}

function queryParameters(schema: TObject): readonly QueryParameter[] {
  const { properties, required = [] } = requestSchema(schema) as {
    properties: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description,
    schema: rest,
  }))
}

/** Every list takes them, so they stand in the document once. */
const pagingParameters = queryParameters(Type.Object(pagingFields))

/** The parameters of a query. Those of paging are references. */
function referredParameters(schema: TObject): readonly object[] {
  return queryParameters(schema).map((parameter) =>
    pagingParameters.some(({ name }) => name === parameter.name)
      ? refTo('parameters', parameter.name)
      : parameter,
  )
}

function pathParameter(name: string): object {
  const { description, example, ...rest } = pathParameters[name] ?? {}
  const schema = { type: 'string', maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', ...rest }
  return { name, in: 'path', required: true, description, schema, ...(example !== undefined && { example }) }
}

/** The parameters of an operation. Those that several operations take are references. */
export function parametersOf(route: Route): readonly object[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => refTo('parameters', name))
  const inQuery = route.query === undefined ? [] : referredParameters(route.query.schema)
  return [
    ...inPath,
    ...inQuery,
    ...(takesIdempotencyKey(route) ? [refTo('parameters', 'Idempotency-Key')] : []),
    ...(route.notesClient === true ? [refTo('parameters', 'Heartwood-Client')] : []),
  ]
}

/** The parameters that several operations take, by name. */
export const namedParameters: Readonly<Record<string, object>> = {
  'Heartwood-Client': clientHeader,
  'Idempotency-Key': idempotencyKey,
  ...Object.fromEntries(Object.keys(pathParameters).map((name) => [name, pathParameter(name)])),
  ...Object.fromEntries(pagingParameters.map((parameter) => [parameter.name, parameter])),
}
