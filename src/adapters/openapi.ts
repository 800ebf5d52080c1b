import { swagger } from '@elysiajs/swagger'
import type { TObject } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { errorCodes, type ErrorCode } from './errors.ts'
import type { Route, SuccessAnswer } from './route.ts'
import { basePath, routes } from './routes.ts'
import { healthSchema } from './schemas.ts'
import { version } from './version.ts'
import { wireSchema, type JsonSchema } from './wire.ts'

const pathParameters: Readonly<Record<string, string>> = {
  slug: 'Slug of the app',
  tier: 'Id or slug of the tier',
  feature: 'Id or slug of the feature',
  id: 'Its id',
}

const errorSchema: JsonSchema = {
  type: 'object',
  description: 'What went wrong',
  required: ['error'],
  additionalProperties: false,
  properties: {
    error: {
      type: 'object',
      description: 'The error',
      required: ['code', 'message'],
      additionalProperties: false,
      properties: {
        code: { type: 'string', description: 'For a program; never changes its meaning' },
        message: { type: 'string', description: 'For people' },
        details: {
          type: 'object',
          description: 'The fields at fault, each with the rules it breaks',
          additionalProperties: { type: 'array', items: { type: 'string' } },
        },
      },
    },
  },
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
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

function errorsOf(route: Route): readonly ErrorCode[] {
  const fromAccess: ErrorCode[] = route.access === 'public' ? [] : ['unauthorized', 'forbidden']
  const fromPath: ErrorCode[] = route.path.includes(':') ? ['not_found'] : []
  const fromBody: ErrorCode[] =
    route.body === undefined ? [] : ['invalid_json', 'body_too_large', 'unsupported_media_type']
  const fromKey: ErrorCode[] = takesIdempotencyKey(route)
    ? ['idempotency_in_progress', 'idempotency_mismatch']
    : []
  const always: ErrorCode[] = ['validation_error', 'internal_error', 'unavailable']
  return [...fromAccess, ...fromPath, ...fromBody, ...fromKey, ...(route.errors ?? []), ...always]
}

function errorAnswers(route: Route): Record<string, unknown> {
  const byStatus = Map.groupBy(new Set(errorsOf(route)), (code) => errorCodes[code].status)
  const answers = [...byStatus].map(([status, codes]) => {
    const examples = codes.map((code) => [
      code,
      { summary: errorCodes[code].when, value: { error: { code, message: errorCodes[code].when } } },
    ])
    const content = { 'application/json': { schema: errorSchema, examples: Object.fromEntries(examples) } }
    return [
      status,
      { description: codes.map((code) => `\`${code}\`: ${errorCodes[code].when}`).join('. '), content },
    ]
  })
  return Object.fromEntries(answers)
}

function successAnswer({
  description,
  contentType = 'application/json',
  schema,
  example,
}: SuccessAnswer): object {
  return schema === undefined
    ? { description }
    : { description, content: { [contentType]: { schema, example } } }
}

function responses(route: Route): Record<string, unknown> {
  const good = Object.entries(route.answers).map(([status, answer]) => [status, successAnswer(answer)])
  return { ...Object.fromEntries(good), ...errorAnswers(route) }
}

function queryParameters(schema: TObject): readonly object[] {
  const { properties, required = [] } = wireSchema(schema) as {
    properties: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    ...{ name, in: 'query', required: required.includes(name), description, schema: rest },
  }))
}

function parameters(route: Route): readonly object[] {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const inPath = names.map((name) => ({
    ...{ name, in: 'path', required: true, description: pathParameters[name], schema: { type: 'string' } },
  }))
  const inQuery = route.query === undefined ? [] : queryParameters(route.query.schema)
  return [...inPath, ...inQuery, ...(takesIdempotencyKey(route) ? [idempotencyKey] : [])]
}

function security(route: Route): readonly object[] {
  if (route.access === 'public') return []
  return route.access === 'renewal' ? [{ apiKey: [] }, {}] : [{ apiKey: [] }]
}

function requestBody({ body, bodyExample }: Route): object {
  if (body === undefined) return {}
  const schema = wireSchema(body.schema)
  const required = (schema.required as readonly string[] | undefined)?.length !== undefined
  return { requestBody: { required, content: { 'application/json': { schema, example: bodyExample } } } }
}

function operation(route: Route): object {
  const { tag, operationId, summary, description } = route
  return {
    ...{ tags: [tag], operationId, summary, description, security: security(route) },
    ...{ parameters: parameters(route), responses: responses(route), ...requestBody(route) },
  }
}

const healthOperation: object = {
  tags: ['Health'],
  operationId: 'getHealth',
  summary: 'Ask how the server is',
  description: 'For load balancers and monitors.',
  security: [],
  responses: {
    200: { description: 'All is well', content: { 'application/json': { schema: healthSchema } } },
    503: {
      description: 'Storage does not answer',
      content: { 'application/json': { schema: healthSchema } },
    },
  },
}

const documentation: object = {
  openapi: '3.1.0',
  info: {
    title: 'Heartwood',
    version,
    description: 'Software licensing: apps, tiers, customers, licenses, signed tokens.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/', description: 'This server' }],
  components: {
    securitySchemes: {
      apiKey: { type: 'http', scheme: 'bearer', description: 'sk_… may write, pk_… only read' },
    },
  },
}

/**
 * Makes the OpenAPI 3.1 document of the route table, by a private Elysia instance: none of a host's routes gets into it.
 */
export async function openApiDocument(): Promise<unknown> {
  const app = new Elysia().use(
    swagger({ excludeStaticFile: false, exclude: ['/swagger', '/swagger/json'], documentation }),
  )
  const nothing = (): string => ''
  for (const route of routes)
    app.route(route.method, basePath + route.path, nothing, { detail: operation(route) })
  app.get('/api/health', nothing, { detail: healthOperation })
  const response = await app.handle(new Request('http://localhost/swagger/json'))
  return response.json()
}
