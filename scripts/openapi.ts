/**
 * Generates openapi.json from the route table. Run it with `npm run reference`. Servers and packages carry the file, so that
 * only this script needs the generator.
 */
import { swagger } from '@elysiajs/swagger'
import { Type, type TObject } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { writeFileSync } from 'node:fs'
import { pagingFields } from '../src/core/paging.ts'
import { errorCodes, type ErrorCode } from '../src/adapters/http/errors.ts'
import { healthExample } from '../src/adapters/openapi/examples.ts'
import type { Route, SuccessResponse } from '../src/adapters/http/route.ts'
import { basePath, routes } from '../src/adapters/routes/index.ts'
import { requestSchema } from '../src/adapters/openapi/json-schema.ts'
import { errorSchema, healthSchema, namedSchemas } from '../src/adapters/openapi/schemas.ts'
import { version } from '../src/adapters/version.ts'
import type { JsonSchema } from '../src/adapters/http/wire.ts'

const file = new URL('../openapi.json', import.meta.url)

const tags: Readonly<Record<string, string>> = {
  Apps: 'The programs that are licensed. Each app has its own key pair, tiers, features, customers and licenses.',
  Tiers: 'The editions in which an app is sold. A tier is a named list of features.',
  Features: 'The catalogue of an app. Tiers choose their features from it.',
  Customers: 'The holders of an app’s licenses.',
  Licenses: 'A license is the right of one installation to use an app. A signed token proves it offline.',
  Verification:
    'Tells whether a license is valid now, to anybody who knows its installation id, jti or token.',
  Webhooks: 'License events, sent to the app’s webhook_url as Standard Webhooks defines it.',
  'API keys': 'The credentials of this API, and the rights of each.',
  Health: 'For load balancers and monitors.',
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

const header = (description: string, example: string): object => ({
  description,
  schema: { type: 'string', maxLength: 1024, examples: [example] },
})

const headers: Readonly<Record<string, object>> = {
  'X-Request-Id': header(
    'X-Request-Id of the request if it is well formed, otherwise a new one; the log has it too',
    'order-42',
  ),
  'Access-Control-Allow-Origin': header(
    'Any origin may read public routes; only origins that this server names may read the others',
    '*',
  ),
  'WWW-Authenticate': header('How to authenticate (RFC 6750)', 'Bearer realm="heartwood"'),
  'Retry-After': header('Seconds to wait before the next request', '30'),
  RateLimit: header('Requests left before the limit, if this server has one', '"verify";r=99;t=60'),
  'RateLimit-Policy': header('The limit itself', '"verify";q=100;w=60'),
  'Idempotent-Replayed': header(
    'Present, and true, if this is the stored response of an earlier request',
    'true',
  ),
  ETag: header(
    'Version of the public keys: send it back in If-None-Match',
    '"6ff0f33a0a1f4b8e8f2d9c7b5a413d60"',
  ),
}

/** References to the headers of these names. */
function headerRefs(...names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

const commonHeaders = headerRefs('X-Request-Id', 'Access-Control-Allow-Origin')
const limitHeaders = headerRefs('RateLimit', 'RateLimit-Policy')

const errorHeaders: Readonly<Record<number, object>> = {
  401: headerRefs('WWW-Authenticate'),
  429: { ...headerRefs('Retry-After'), ...limitHeaders },
  503: headerRefs('Retry-After'),
}

function takesIdempotencyKey({ method, access }: Route): boolean {
  return method === 'POST' && access !== 'public'
}

const clientHeader: object = {
  name: 'Heartwood-Client',
  in: 'header',
  required: false,
  description:
    'The program that renews its license: seen_client of the license. Ignored unless it is 1 to 64 printable ASCII characters, and with an API key',
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

function errorsOf(route: Route): readonly ErrorCode[] {
  const fromAccess: ErrorCode[] = route.access === 'public' ? [] : ['unauthorized', 'forbidden']
  const fromPath: ErrorCode[] = route.path.includes(':') ? ['not_found'] : []
  const fromBody: ErrorCode[] =
    route.method === 'GET'
      ? []
      : ['invalid_json', 'request_timeout', 'body_too_large', 'unsupported_media_type']
  const fromKey: ErrorCode[] = takesIdempotencyKey(route)
    ? ['idempotency_in_progress', 'idempotency_mismatch']
    : []
  const fromAnywhere: ErrorCode[] = ['validation_error', 'rate_limited', 'internal_error', 'unavailable']
  return [...fromAccess, ...fromPath, ...fromBody, ...fromKey, ...(route.errors ?? []), ...fromAnywhere]
}

/** The codes of a route by status, always in the order of `errorCodes`, so that routes can share a response. */
function errorSetsOf(route: Route): readonly (readonly [status: number, codes: readonly ErrorCode[]])[] {
  const all = new Set(errorsOf(route))
  const codes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => all.has(code))
  return [...Map.groupBy(codes, (code) => errorCodes[code].status)]
}

/** Turns `['unauthorized', 'invalid_token']` into `UnauthorizedOrInvalidToken`. */
function responseName(codes: readonly ErrorCode[]): string {
  const words = codes.map((code) =>
    `_${code}`.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  )
  return words.join('Or')
}

function errorExample(code: ErrorCode): object {
  const details = code === 'validation_error' ? { details: { email: ['is required'] } } : {}
  const { when } = errorCodes[code]
  return { summary: when, value: { error: { code, message: when, ...details } } }
}

function errorResponse(status: number, codes: readonly ErrorCode[]): object {
  const examples = Object.fromEntries(codes.map((code) => [code, errorExample(code)]))
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code].when}`).join('. '),
    headers: { ...commonHeaders, ...errorHeaders[status] },
    content: { 'application/json': { schema: errorSchema, examples } },
  }
}

function namedResponses(): Record<string, object> {
  const sets = routes.flatMap(errorSetsOf)
  return Object.fromEntries(
    sets.map(([status, codes]) => [responseName(codes), errorResponse(status, codes)]),
  )
}

function successHeaders(route: Route): object {
  return {
    ...commonHeaders,
    ...((route.limit !== undefined || route.access === 'renewal') && limitHeaders),
    ...(takesIdempotencyKey(route) && headerRefs('Idempotent-Replayed')),
    ...(route.responses[304] !== undefined && headerRefs('ETag')),
  }
}

function successResponse(route: Route, response: SuccessResponse): object {
  const { description, contentType = 'application/json', schema, example } = response
  const content = schema === undefined ? {} : { content: { [contentType]: { schema, example } } }
  return { description, headers: successHeaders(route), ...content }
}

function responses(route: Route): Record<string, unknown> {
  const success = Object.entries(route.responses).map(([status, response]) => [
    status,
    successResponse(route, response),
  ])
  const errors = errorSetsOf(route).map(([status, codes]) => [
    status,
    { $ref: `#/components/responses/${responseName(codes)}` },
  ])
  return Object.fromEntries([...success, ...errors])
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
      ? { $ref: `#/components/parameters/${parameter.name}` }
      : parameter,
  )
}

function pathParameter(name: string): object {
  const { description, example, ...rest } = pathParameters[name] ?? {}
  const schema = { type: 'string', maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', ...rest }
  return { name, in: 'path', required: true, description, schema, ...(example !== undefined && { example }) }
}

function parameters(route: Route): readonly object[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => pathParameter(name))
  const inQuery = route.query === undefined ? [] : referredParameters(route.query.schema)
  return [
    ...inPath,
    ...inQuery,
    ...(takesIdempotencyKey(route) ? [{ $ref: '#/components/parameters/Idempotency-Key' }] : []),
    ...(route.access === 'renewal' ? [clientHeader] : []),
  ]
}

function security(route: Route): readonly object[] {
  if (route.access === 'public') return []
  return route.access === 'renewal' ? [{ apiKey: [] }, {}] : [{ apiKey: [] }]
}

function requestBody({ body, bodyExample }: Route): object {
  if (body === undefined) return {}
  const schema = requestSchema(body.schema)
  const required = schema.required !== undefined || schema.oneOf !== undefined
  return { requestBody: { required, content: { 'application/json': { schema, example: bodyExample } } } }
}

function operation(route: Route): object {
  const { tag, operationId, summary, description } = route
  return {
    tags: [tag],
    operationId,
    summary,
    description,
    security: security(route),
    parameters: parameters(route),
    responses: responses(route),
    ...requestBody(route),
  }
}

function healthResponse(description: string, example: object): object {
  return {
    description,
    headers: commonHeaders,
    content: { 'application/json': { schema: healthSchema, example } },
  }
}

const healthOperation: object = {
  tags: ['Health'],
  operationId: 'getHealth',
  summary: 'Check the health of the server',
  description: 'For load balancers and monitors.',
  security: [],
  responses: {
    200: healthResponse('The server and its storage respond', healthExample),
    503: healthResponse('Storage does not respond', { ...healthExample, status: 'error', storage: 'error' }),
  },
}

const description = `Software licensing: apps, tiers, customers, licenses and their signed tokens.

A response holds one resource as \`{"data": {…}}\`, a list as \`{"data": […], "meta": {…}}\`, or an error as
\`{"error": {"code", "message", "details"?}}\`. Rely on \`code\`: its meaning never changes. Times are ISO 8601 in UTC, in
whole seconds. Read a list by \`page\` or by \`cursor\`, which costs the same on every page. An unknown field or query
parameter is refused. A path that is none of these gets \`no_such_route\`, never \`not_found\`. A POST with an \`Idempotency-Key\` may be repeated: the work is done once.`

// Relative to the document, so that it is right under a host's prefix and behind a proxy too.
const relativeServer = {
  url: '..',
  description: 'This server, in production or in tests',
  'x-internal': false,
}

const documentation: object = {
  openapi: '3.1.0',
  info: {
    title: 'Heartwood',
    version,
    description,
    contact: { name: 'Heartwood' },
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [relativeServer],
  tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
  components: {
    securitySchemes: {
      apiKey: { type: 'http', scheme: 'bearer', description: 'sk_… may write, pk_… may only read' },
    },
    schemas: namedSchemas,
    responses: namedResponses(),
    headers,
    parameters: {
      'Idempotency-Key': idempotencyKey,
      ...Object.fromEntries(pagingParameters.map((parameter) => [parameter.name, parameter])),
    },
  },
}

/** Makes the OpenAPI 3.1 document of the route table. A running server names its public address in it too. */
export async function generateOpenApi(): Promise<unknown> {
  const exclude = ['/swagger', '/swagger/json']
  const app = new Elysia().use(swagger({ excludeStaticFile: false, exclude, documentation }))
  const nothing = (): string => ''
  for (const route of routes)
    app.route(route.method, basePath + route.path, nothing, { detail: operation(route) })
  app.get('/api/health', nothing, { detail: healthOperation })
  const response = await app.handle(new Request('http://localhost/swagger/json'))
  return response.json()
}

/** The text of openapi.json. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await generateOpenApi(), null, 2)}\n`
}

if (import.meta.main) writeFileSync(file, await openApiText())
