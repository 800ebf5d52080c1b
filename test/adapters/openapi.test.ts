import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { errorCodes } from '../../src/adapters/http/errors.ts'
import { permissionOf } from '../../src/adapters/http/route.ts'
import { basePath, routes } from '../../src/adapters/routes/index.ts'
import { requiredScopes } from '../../src/core/principal.ts'
import { version } from '../../src/adapters/version.ts'
import { checker, document, newServer, type Json } from './test-server.ts'

interface Media {
  readonly schema: Json
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly $ref: string }>>
}

interface DocumentedResponse {
  readonly description: string
  readonly headers: Json
  readonly content?: Readonly<Record<string, Media>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: Json
}

interface DocumentedOperation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly security: readonly Json[]
  readonly 'x-scopes'?: readonly string[]
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, DocumentedResponse | { readonly $ref: string }>>
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema(document, 'openapi')

/** `ok`, or the errors of a value by a schema of the document. */
function fits(schema: Json, value: unknown): string {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/')
  return ajv.validate(JSON.parse(text) as Json, value) ? 'ok' : ajv.errorsText()
}

function resolved(response: DocumentedOperation['responses'][string]): DocumentedResponse {
  if (!('$ref' in response)) return response
  const name = response.$ref.split('/').at(-1) ?? ''
  return document.components.responses?.[name] as unknown as DocumentedResponse
}

function parametersOf({ parameters = [] }: DocumentedOperation): readonly Parameter[] {
  return parameters.map((parameter) => {
    if (!('$ref' in parameter)) return parameter
    const name = parameter.$ref.split('/').at(-1) ?? ''
    return document.components.parameters?.[name] as unknown as Parameter
  })
}

interface Shared {
  readonly components: { readonly examples: Readonly<Record<string, { readonly value: unknown }>> }
}

/** The examples of a response, found by their references. */
function examplesOf({ example, examples }: Media): readonly unknown[] {
  if (examples === undefined) return [example]
  const known = (document as unknown as Shared).components.examples
  return Object.values(examples).map(({ $ref }) => known[$ref.split('/').at(-1) ?? '']?.value)
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, operation]) =>
      [`${method.toUpperCase()} ${path}`, operation as unknown as DocumentedOperation] as const,
  ),
)

const nameOf = (path: string): string => basePath + path.replace(/:(\w+)/g, '{$1}')

describe('openApiDocument()', () => {
  test('lists every route and health, and nothing else', () => {
    const table = routes.map(({ method, path }) => `${method} ${nameOf(path)}`)
    assert.deepEqual(operations.map(([name]) => name).toSorted(), [...table, 'GET /api/health'].toSorted())
  })

  test('GET /swagger/json: serves it, with the versions of OpenAPI and Heartwood', async () => {
    const { send } = await newServer()
    const served = (await send('GET', '/swagger/json')).json<{ openapi: string; info: Json }>()
    assert.deepEqual(served, JSON.parse(JSON.stringify(document)))
    assert.equal(served.openapi, '3.1.0')
    assert.equal(served.info.version, version)
  })

  for (const [name, operation] of operations)
    test(`${name}: has texts, parameters, responses and valid examples`, () => {
      for (const text of [operation.summary, operation.description, operation.operationId])
        assert.match(text, /\w/)
      assert.ok(Array.isArray(operation.security))
      const { tags } = document as unknown as { tags: readonly { name: string }[] }
      assert.ok(operation.tags.every((tag) => tags.some((known) => known.name === tag)))
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, part]) => part)
      const declared = parametersOf(operation).filter((parameter) => parameter.in === 'path')
      assert.deepEqual(
        declared.map((parameter) => parameter.name),
        inPath,
      )
      const statuses = Object.keys(operation.responses)
      assert.ok(statuses.some((status) => status.startsWith('2')))
      assert.ok(statuses.includes('503'))
      for (const [status, response] of Object.entries(operation.responses)) {
        const { description, headers, content } = resolved(response)
        assert.match(description, /\w/, status)
        assert.ok('X-Request-Id' in headers, status)
        if (status === '204' || status === '304') continue
        for (const media of Object.values(content ?? {})) {
          const shown = examplesOf(media)
          assert.notEqual(shown.length, 0, `${status} has an example`)
          for (const value of shown) assert.equal(fits(media.schema, value), 'ok', `example of ${status}`)
        }
      }
      for (const { schema, example } of Object.values(operation.requestBody?.content ?? {}))
        assert.equal(fits(schema, example), 'ok', 'example of the body')
    })

  test('operation ids: unique', () => {
    assert.equal(new Set(operations.map(([, { operationId }]) => operationId)).size, operations.length)
  })

  test('error codes: all except those of requests that reach no operation', () => {
    const examples = Object.values(document.components.responses ?? {}).flatMap(({ content }) =>
      Object.keys(content?.['application/json']?.examples ?? {}),
    )
    assert.deepEqual(
      Object.keys(errorCodes).filter((code) => !examples.includes(code)),
      ['invalid_request', 'no_such_route', 'method_not_allowed'],
    )
  })

  test('security: a key on every route that is not public', () => {
    for (const { method, path, access } of routes) {
      const operation = checker.operationOf(method, nameOf(path)) as unknown as DocumentedOperation
      const byKey = { apiKey: [] }
      const scopes = requiredScopes[permissionOf({ access })]
      const isOpen = ['public', 'licenseKey', 'anyLicenseKey'].includes(access)
      const isForHolders = ['renewal', 'release'].includes(access)
      assert.deepEqual(operation.security, isOpen ? [] : isForHolders ? [byKey, {}] : [byKey], path)
      assert.deepEqual(operation['x-scopes'] ?? [], scopes, path)
      assert.equal('401' in operation.responses, !['public', 'anyLicenseKey'].includes(access), path)
    }
  })

  test('rate limits: headers on limited routes, Retry-After on every 429', () => {
    for (const { method, path, limit, access } of routes) {
      const { responses } = checker.operationOf(method, nameOf(path)) as unknown as DocumentedOperation
      const good = Object.entries(responses).find(([status]) => status.startsWith('2'))!
      const isLimited = limit !== undefined || access === 'renewal'
      assert.equal('RateLimit' in resolved(good[1]).headers, isLimited, path)
      assert.ok('Retry-After' in resolved(responses['429']!).headers, path)
    }
  })

  // It was 160,000 before the 16 operations of license keys, and 200,000 before each operation named its scopes. An operation
  // takes some 3,000, its share of the schemas among them. The statements about signing keys, the license file and the dry run
  // of a rotation took 8,700 more. The two lists of the audit log took 6,800. The filters, the detail and the retry of
  // deliveries took 8,800, the statistics with the status 5,500, and the invitation to the dashboard, with the search and the
  // diagnosis, what is left.
  test('size: under 252,000 characters', () => {
    assert.ok(JSON.stringify(document).length < 252_000, `${JSON.stringify(document).length} characters`)
  })
})

describe('licensingServer() with documents: false', () => {
  test('serves everything except /swagger', async () => {
    const { licensing, keys } = await newServer()
    const app = licensingServer(licensing, { documents: false, standalone: true })
    const status = async (path: string): Promise<number> => {
      const headers = { authorization: `Bearer ${keys.sk}` }
      return (await app.fetch(new Request(`http://localhost${path}`, { headers }))).status
    }
    assert.equal(await status('/api/v1/apps'), 200)
    assert.equal(await status('/api/health'), 200)
    for (const path of ['/swagger', '/swagger/json', '/swagger/swagger-ui.css'])
      assert.equal(await status(path), 404, path)
  })
})
