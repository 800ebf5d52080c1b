/**
 * Generates openapi.json from the route table. Run it with `npm run reference`. Servers and packages carry the file, so that
 * only this script needs the generator.
 */
import { swagger } from '@elysiajs/swagger'
import { Elysia } from 'elysia'
import { writeFileSync } from 'node:fs'
import { ignoresAuthorization, permissionOf, type Route } from '../src/adapters/http/route.ts'
import { healthExample } from '../src/adapters/openapi/examples.ts'
import { requestSchema } from '../src/adapters/openapi/json-schema.ts'
import { healthSchema, namedSchemas } from '../src/adapters/openapi/schemas.ts'
import { basePath, routes } from '../src/adapters/routes/index.ts'
import { version } from '../src/adapters/version.ts'
import { requiredScopes } from '../src/core/principal.ts'
import { namedParameters, parametersOf } from './openapi/parameters.ts'
import { commonHeaders, headers, namedResponses, responsesOf, sharedExamples } from './openapi/responses.ts'

const file = new URL('../openapi.json', import.meta.url)

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
  'Audit log':
    'Who did what, and when. An entry comes with each committed change, and outlives what it tells of.',
  Diagnosis: 'Says why a program, or the server, refuses what a customer holds.',
  Webhooks: 'License events, sent to the app’s webhook_url as Standard Webhooks defines it.',
  'API keys': 'The credentials of this API, and the rights of each.',
  Search: 'Records of all apps, by what people have of them.',
  Statistics: 'Numbers of what happened in an app, and the state of the server.',
  Health: 'For load balancers and monitors.',
}

function security(route: Route): readonly object[] {
  if (ignoresAuthorization(route)) return []
  return route.access === 'renewal' || route.access === 'release' ? [{ apiKey: [] }, {}] : [{ apiKey: [] }]
}

/** The scopes that the route asks of a scoped key, for programs and, as a sentence, for people. */
function scopesOf(route: Route): { readonly sentence: string; readonly extension: object } {
  const scopes = ignoresAuthorization(route) ? [] : requiredScopes[permissionOf(route)]
  if (scopes.length === 0) return { sentence: '', extension: {} }
  return { sentence: ` Scope: ${scopes.join(', ')}.`, extension: { 'x-scopes': scopes } }
}

function requestBody({ body, bodyExample }: Route): object {
  if (body === undefined) return {}
  const schema = requestSchema(body.schema)
  const required = schema.required !== undefined || schema.oneOf !== undefined
  return { requestBody: { required, content: { 'application/json': { schema, example: bodyExample } } } }
}

function operation(route: Route): object {
  const { tag, operationId, summary, description } = route
  const { sentence, extension } = scopesOf(route)
  return {
    tags: [tag],
    operationId,
    summary,
    description: description + sentence,
    security: security(route),
    ...extension,
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
      apiKey: {
        type: 'http',
        scheme: 'bearer',
        description:
          'sk_… may write, pk_… may only read; a scoped key also needs the scopes of the operation',
      },
    },
    schemas: namedSchemas,
    responses: namedResponses,
    headers,
    examples: sharedExamples,
    parameters: namedParameters,
  },
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

/** Makes the OpenAPI 3.1 document of the route table. A running server names its public address in it too. */
export async function generateOpenApi(): Promise<unknown> {
  const exclude = ['/swagger', '/swagger/json']
  const app = new Elysia().use(swagger({ excludeStaticFile: false, exclude, documentation }))
  const nothing = (): string => ''
  for (const route of routes)
    app.route(route.method, basePath + route.path, nothing, { detail: operation(route) })
  app.get('/api/health', nothing, { detail: healthOperation })
  const response = await app.handle(new Request('http://localhost/swagger/json'))
  return withoutRepeats((await response.json()) as Documented)
}

/** The text of openapi.json. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await generateOpenApi(), null, 2)}\n`
}

if (import.meta.main) writeFileSync(file, await openApiText())
