import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import assert from 'node:assert/strict'
import { errorCodes, type ErrorCode } from '../../src/adapters/http/errors.ts'

/** A response in the OpenAPI document. */
interface DocumentedResponse {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, { readonly examples?: object }>>
}

export interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, DocumentedResponse>>
}

export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, DocumentedResponse>>>>
}

/** A received response. */
export interface TestResponse {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
  readonly text: string
  /** Parses the body. It throws if the body is not JSON. */
  json<Body>(): Body
  /** `data` of the body. */
  data<Data = Record<string, unknown>>(): Data
  /** `error` of the body. */
  error(): { readonly code: ErrorCode; readonly message: string; readonly details?: Record<string, string[]> }
}

/** Checks responses against an OpenAPI document. */
export interface OpenApiChecker {
  /** Fails unless the document has this response, with this schema, for the operation. */
  check(method: string, path: string, response: TestResponse): void
  /** The operation of a request; `undefined` if the document does not have the path or method. */
  operationOf(method: string, path: string): Operation | undefined
}

const pointer = (part: string): string => encodeURIComponent(part.replace(/~/g, '~0').replace(/\//g, '~1'))

function matches(template: string, path: string): boolean {
  const wanted = template.split('/')
  const given = path.split('/')
  const fits = (part: string, at: number): boolean =>
    part.startsWith('{') ? given[at] !== '' : part === given[at]
  return wanted.length === given.length && wanted.every(fits)
}

/** The template of a path. A literal part takes precedence over a parameter. */
function templateOf(document: OpenApiDocument, path: string, method: string): string | undefined {
  const found = Object.keys(document.paths).filter((template) => matches(template, path))
  const having = found.filter((template) => document.paths[template]?.[method] !== undefined)
  return having.toSorted((a, b) => a.split('{').length - b.split('{').length)[0]
}

function checkHeaders({ status, headers, text }: TestResponse): void {
  assert.match(headers.get('x-request-id') ?? '', /^[A-Za-z0-9._-]{1,128}$/)
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.notEqual(headers.get('cache-control'), null)
  if (status === 401) assert.match(headers.get('www-authenticate') ?? '', /^Bearer/)
  if (status === 204 || status === 304) assert.equal(text, '')
}

function checkError(response: TestResponse): void {
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/, response.text)
  const { code } = response.error()
  assert.equal(errorCodes[code]?.status, response.status, `${code} with ${response.status}`)
}

export function openApiChecker(document: OpenApiDocument): OpenApiChecker {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, 'openapi')
  const validators = new Map<string, ValidateFunction>()
  const validatorOf = (where: string): ValidateFunction => {
    const validate = validators.get(where) ?? ajv.compile({ $ref: `openapi#${where}` })
    validators.set(where, validate)
    return validate
  }
  const checkBody = (where: string, response: TestResponse): void => {
    const validate = validatorOf(where)
    const type = response.headers.get('content-type') ?? ''
    const isValid = validate(type.includes('json') ? response.json() : response.text)
    assert.ok(isValid, `${where}: ${ajv.errorsText(validate.errors)}\n${response.text}`)
  }
  const operationOf = (method: string, path: string): Operation | undefined => {
    const lower = (method === 'HEAD' ? 'GET' : method).toLowerCase()
    return document.paths[templateOf(document, path, lower) ?? '']?.[lower]
  }
  const check = (method: string, path: string, response: TestResponse): void => {
    checkHeaders(response)
    if (response.status >= 400 && method !== 'HEAD' && path !== '/api/health') checkError(response)
    const lower = (method === 'HEAD' ? 'GET' : method).toLowerCase()
    const template = templateOf(document, path, lower)
    if (template === undefined) return
    const operation = document.paths[template]![lower]!
    const named = operation.responses[response.status]
    assert.ok(named, `${operation.operationId} does not document ${response.status}: ${response.text}`)
    const [, , , name = ''] = named.$ref?.split('/') ?? []
    const documented = named.$ref === undefined ? named : document.components.responses![name]!
    const base =
      named.$ref === undefined
        ? `/paths/${pointer(template)}/${lower}/responses/${response.status}`
        : `/components/responses/${name}`
    if (documented.content === undefined || method === 'HEAD') return assert.equal(response.text, '')
    const [type] = (response.headers.get('content-type') ?? '').split(';')
    const content = documented.content[type ?? '']
    assert.ok(content, `${operation.operationId} ${response.status} does not document ${type}`)
    checkBody(`${base}/content/${pointer(type ?? '')}/schema`, response)
    if (response.status < 400 || template === '/api/health') return
    const { code } = response.error()
    assert.ok(
      content.examples && code in content.examples,
      `${operation.operationId} does not document ${code}`,
    )
  }
  return { check, operationOf }
}
