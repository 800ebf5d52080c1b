import { swagger } from '@elysiajs/swagger'
import type { TObject } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { maxBodyBytes } from '../http/body.ts'
import { errorCodes, type ErrorCode } from '../http/errors.ts'
import { healthExample } from './examples.ts'
import type { Route, SuccessResponse } from '../http/route.ts'
import { basePath, routes } from '../routes/index.ts'
import { errorSchema, healthSchema, namedSchemas } from './schemas.ts'
import { version } from '../version.ts'
import { wireSchema, type JsonSchema } from '../http/wire.ts'

const tags: Readonly<Record<string, string>> = {
  Apps: 'What is licensed. Each app has its own key pair, tiers, features, customers and licenses.',
  Tiers: 'What an app is sold as: a list of features under a name.',
  Features: 'The catalogue that tiers choose from.',
  Customers: 'Who holds licenses of an app.',
  Licenses: 'The right of one installation, proved offline by a signed token.',
  Verification: 'Whether a license is good now, for anybody who knows its installation, jti or token.',
  Webhooks: 'What happens to licenses, sent to the app’s webhook_url as Standard Webhooks has it.',
  'API keys': 'Who may use this API, and for what.',
  Health: 'For load balancers and monitors.',
}

const pathParameters: Readonly<Record<string, JsonSchema>> = {
  slug: {
    description: 'Slug of the app',
    pattern: '^[a-z0-9-]{1,63}$',
    maxLength: 63,
    example: 'desktop-app',
  },
  tier: { description: 'Id or slug of the tier', example: 'pro' },
  feature: { description: 'Id or slug of the feature', example: 'webhooks' },
  id: { description: 'Its id' },
}

const header = (description: string, example: string): object => ({
  description,
  schema: { type: 'string', maxLength: 1024, examples: [example] },
})

const headers: Readonly<Record<string, object>> = {
  'X-Request-Id': header(
    'X-Request-Id of the request when well formed, else a new one; the log has it too',
    'order-42',
  ),
  'Access-Control-Allow-Origin': header(
    'Any origin may read public routes; of the others only those that this server names',
    '*',
  ),
  'WWW-Authenticate': header('How to authenticate (RFC 6750)', 'Bearer realm="heartwood"'),
  'Retry-After': header('Seconds to wait before asking again', '30'),
  RateLimit: header('What is left of the limit, where this server has one', '"verify";r=99;t=60'),
  'RateLimit-Policy': header('The limit itself', '"verify";q=100;w=60'),
  'Idempotent-Replayed': header(
    'There, and true, when this is the kept answer of an earlier request',
    'true',
  ),
  ETag: header('Of the public keys: ask again with If-None-Match', '"6ff0f33a0a1f4b8e8f2d9c7b5a413d60"'),
}

/** The headers of these names. */
function named(...names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

const always = named('X-Request-Id', 'Access-Control-Allow-Origin')
const limits = named('RateLimit', 'RateLimit-Policy')

const errorHeaders: Readonly<Record<number, object>> = {
  401: named('WWW-Authenticate'),
  429: { ...named('Retry-After'), ...limits },
  503: named('Retry-After'),
}

/** Every authenticated POST does. */
function takesIdempotencyKey({ method, access }: Route): boolean {
  return method === 'POST' && access !== 'public'
}

const idempotencyKey: object = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key, method, path and body within 24 hours get the first answer again',
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
    route.body === undefined ? [] : ['invalid_json', 'body_too_large', 'unsupported_media_type']
  const fromKey: ErrorCode[] = takesIdempotencyKey(route)
    ? ['idempotency_in_progress', 'idempotency_mismatch']
    : []
  const fromAnywhere: ErrorCode[] = ['validation_error', 'rate_limited', 'internal_error', 'unavailable']
  return [...fromAccess, ...fromPath, ...fromBody, ...fromKey, ...(route.errors ?? []), ...fromAnywhere]
}

/** The routes' sets of codes by status, in the order of `errorCodes`, so that equal sets are equal. */
function errorSetsOf(route: Route): readonly (readonly [status: number, codes: readonly ErrorCode[]])[] {
  const all = new Set(errorsOf(route))
  const codes = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => all.has(code))
  return [...Map.groupBy(codes, (code) => errorCodes[code].status)]
}

/** `['unauthorized', 'invalid_token']` to `UnauthorizedOrInvalidToken`. */
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
    headers: { ...always, ...errorHeaders[status] },
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
    ...always,
    ...((route.limit !== undefined || route.access === 'renewal') && limits),
    ...(takesIdempotencyKey(route) && named('Idempotent-Replayed')),
    ...(route.responses[304] !== undefined && named('ETag')),
  }
}

function successAnswer(route: Route, answer: SuccessResponse): object {
  const { description, contentType = 'application/json', schema, example } = answer
  const content = schema === undefined ? {} : { content: { [contentType]: { schema, example } } }
  return { description, headers: successHeaders(route), ...content }
}

function responses(route: Route): Record<string, unknown> {
  const good = Object.entries(route.responses).map(([status, answer]) => [
    status,
    successAnswer(route, answer),
  ])
  const bad = errorSetsOf(route).map(([status, codes]) => [
    status,
    { $ref: `#/components/responses/${responseName(codes)}` },
  ])
  return Object.fromEntries([...good, ...bad])
}

/** A core schema as the document shows it: without the rule in words, and with the limits that hold for all. */
function shown(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(shown)
  if (typeof schema !== 'object' || schema === null) return schema
  const { rule: _rule, ...fields } = schema as JsonSchema
  const clean = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(value)]))
  if (clean.type === 'integer')
    return { format: Number(clean.maximum) < 2 ** 31 ? 'int32' : 'int64', ...clean }
  if (clean.type !== 'string' || clean.enum !== undefined) return clean
  return { maxLength: clean.format === 'date-time' ? 35 : maxBodyBytes, ...clean }
}

function shownSchema(schema: TObject): JsonSchema {
  return shown(wireSchema(schema)) as JsonSchema
}

function queryParameters(schema: TObject): readonly object[] {
  const { properties, required = [] } = shownSchema(schema) as {
    properties: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    ...{ name, in: 'query', required: required.includes(name), description, schema: rest },
  }))
}

function pathParameter(name: string): object {
  const { description, example, ...rest } = pathParameters[name] ?? {}
  const schema = { type: 'string', maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', ...rest }
  return { name, in: 'path', required: true, description, schema, ...(example !== undefined && { example }) }
}

function parameters(route: Route): readonly object[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => pathParameter(name))
  const inQuery = route.query === undefined ? [] : queryParameters(route.query.schema)
  return [...inPath, ...inQuery, ...(takesIdempotencyKey(route) ? [idempotencyKey] : [])]
}

function security(route: Route): readonly object[] {
  if (route.access === 'public') return []
  return route.access === 'renewal' ? [{ apiKey: [] }, {}] : [{ apiKey: [] }]
}

function requestBody({ body, bodyExample }: Route): object {
  if (body === undefined) return {}
  const schema = shownSchema(body.schema)
  const required = schema.required !== undefined
  return { requestBody: { required, content: { 'application/json': { schema, example: bodyExample } } } }
}

function operation(route: Route): object {
  const { tag, operationId, summary, description } = route
  return {
    ...{ tags: [tag], operationId, summary, description, security: security(route) },
    ...{ parameters: parameters(route), responses: responses(route), ...requestBody(route) },
  }
}

function healthAnswer(description: string, example: object): object {
  return { description, headers: always, content: { 'application/json': { schema: healthSchema, example } } }
}

const healthOperation: object = {
  tags: ['Health'],
  operationId: 'getHealth',
  summary: 'Ask how the server is',
  description: 'For load balancers and monitors.',
  security: [],
  responses: {
    200: healthAnswer('All is well', healthExample),
    503: healthAnswer('Storage does not answer', { ...healthExample, status: 'error', storage: 'error' }),
  },
}

const description = `Software licensing: apps, tiers, customers, licenses and their signed tokens.

One resource is answered as \`{"data": {…}}\`, a list as \`{"data": […], "meta": {…}}\`, an error as
\`{"error": {"code", "message", "details"?}}\`: go by \`code\`, which never changes its meaning. Times are ISO 8601 in UTC,
in whole seconds. Lists go by \`page\` or, at the same cost on every page, by \`cursor\`. An unknown field or query
parameter is refused. A POST with an \`Idempotency-Key\` may be repeated: the work is done once.`

function documentation(): object {
  return {
    openapi: '3.1.0',
    info: {
      ...{ title: 'Heartwood', version, description, contact: { name: 'Heartwood' } },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Beside the document, so that it is right under a host's prefix and behind a proxy too.
    servers: [{ url: '..', description: 'This server, in production or on test', 'x-internal': false }],
    tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'sk_… may write, pk_… only read' },
      },
      schemas: namedSchemas,
      responses: namedResponses(),
      headers,
    },
  }
}

/**
 * Makes the OpenAPI 3.1 document of the route table, by a private Elysia instance: none of a host's routes gets into it.
 */
export async function openApiDocument(): Promise<unknown> {
  const app = new Elysia().use(
    swagger({
      ...{ excludeStaticFile: false, exclude: ['/swagger', '/swagger/json'] },
      documentation: documentation(),
    }),
  )
  const nothing = (): string => ''
  for (const route of routes)
    app.route(route.method, basePath + route.path, nothing, { detail: operation(route) })
  app.get('/api/health', nothing, { detail: healthOperation })
  const response = await app.handle(new Request('http://localhost/swagger/json'))
  return response.json()
}
