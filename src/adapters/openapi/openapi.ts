import { swagger } from '@elysiajs/swagger'
import { Elysia } from 'elysia'
import { ignoresAuthorization, type Route } from '../http/route.ts'
import { basePath, routes } from '../routes/index.ts'
import { version } from '../version.ts'
import { healthExample } from './examples.ts'
import { requestSchema } from './json-schema.ts'
import { namedParameters, parametersOf } from './parameters.ts'
import { commonHeaders, headers, namedResponses, responsesOf, sharedExamples } from './responses.ts'
import { healthSchema, namedSchemas } from './schemas.ts'

const tags: Readonly<Record<string, string>> = {
  Apps: 'The programs that are licensed. Each app has its own key pair, tiers, features, customers and licenses.',
  Tiers: 'The editions in which an app is sold. A tier is a named list of features.',
  Features: 'The catalogue of an app. Tiers choose their features from it.',
  Customers: 'The holders of an app’s licenses.',
  Licenses: 'A license is the right of one installation to use an app. A signed token proves it offline.',
  'License keys':
    'A license key is sold and mailed. Each installation that is activated with it is a license, which takes one of its seats.',
  Verification:
    'Tells whether a license is valid now, to anybody who knows its installation id, jti or token.',
  Webhooks: 'License events, sent to the app’s webhook_url as Standard Webhooks defines it.',
  'API keys': 'The credentials of this API, and the rights of each.',
  Health: 'For load balancers and monitors.',
}

function security(route: Route): readonly object[] {
  if (ignoresAuthorization(route)) return []
  return route.access === 'renewal' || route.access === 'release' ? [{ apiKey: [] }, {}] : [{ apiKey: [] }]
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
    parameters: parametersOf(route),
    responses: responsesOf(route),
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

/** The relative one stays in the list for pages of Swagger UI that were opened under another address. */
function servers(publicUrl: string | null): readonly object[] {
  if (publicUrl === null) return [relativeServer]
  const description = 'This server at its public address, in production or in tests'
  return [{ url: publicUrl, description, 'x-internal': false }, relativeServer]
}

function documentation(publicUrl: string | null): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Heartwood',
      version,
      description,
      contact: { name: 'Heartwood' },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: servers(publicUrl),
    tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'sk_… may write, pk_… may only read' },
      },
      schemas: namedSchemas,
      responses: namedResponses,
      headers,
      examples: sharedExamples,
      parameters: namedParameters,
    },
  }
}

/** The part of the document that the library has filled in. */
interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { parameters?: readonly object[] }>>>>
}

/** The library adds every parameter of a path that it does not find. It follows no reference. */
function withoutRepeats(document: Documented): Documented {
  for (const operation of Object.values(document.paths).flatMap(
    Object.values<{ parameters?: readonly object[] }>,
  ))
    if (operation.parameters !== undefined)
      operation.parameters = operation.parameters.filter(
        (parameter) => !('in' in parameter && parameter.in === 'path'),
      )
  return document
}

/**
 * Makes the OpenAPI 3.1 document of the route table. Its first server is the public address, if there is one. A private
 * Elysia instance keeps a host's routes out of the document.
 */
export async function openApiDocument(publicUrl: string | null = null): Promise<unknown> {
  const app = new Elysia().use(
    swagger({
      excludeStaticFile: false,
      exclude: ['/swagger', '/swagger/json'],
      documentation: documentation(publicUrl),
    }),
  )
  const nothing = (): string => ''
  for (const route of routes)
    app.route(route.method, basePath + route.path, nothing, { detail: operation(route) })
  app.get('/api/health', nothing, { detail: healthOperation })
  const response = await app.handle(new Request('http://localhost/swagger/json'))
  return withoutRepeats((await response.json()) as Documented)
}
