import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import assert from 'node:assert/strict'
import { errorCodes, type ErrorCode } from '../../src/adapters/http/errors.ts'

/** What the OpenAPI document says of an operation's answer. */
interface DocumentedAnswer {
  readonly $ref?: string
  readonly content?: Readonly<Record<string, { readonly examples?: object }>>
}

export interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, DocumentedAnswer>>
}

export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, DocumentedAnswer>>>>
}

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
  readonly text: string
  /** The body as JSON; what is none is refused. */
  json<Body>(): Body
  /** `data` of the body. */
  data<Data = Record<string, unknown>>(): Data
  /** `error` of the body. */
  error(): { readonly code: ErrorCode; readonly message: string; readonly details?: Record<string, string[]> }
}

/** Holds answers to an OpenAPI document. */
export interface Documentation {
  /** Fails unless the answer is one that the document gives for its operation, to the letter of its schema. */
  hold(method: string, path: string, answer: Answer): void
  /** Which operation a request is for; `undefined` for a path or method that the document has not. */
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

/** The template of a path: a part that is spelled out comes before one that is a parameter. */
function templateOf(document: OpenApiDocument, path: string, method: string): string | undefined {
  const found = Object.keys(document.paths).filter((template) => matches(template, path))
  const having = found.filter((template) => document.paths[template]?.[method] !== undefined)
  return having.toSorted((a, b) => a.split('{').length - b.split('{').length)[0]
}

function holdAlways({ status, headers, text }: Answer): void {
  assert.match(headers.get('x-request-id') ?? '', /^[A-Za-z0-9._-]{1,128}$/)
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.notEqual(headers.get('cache-control'), null)
  if (status === 401) assert.match(headers.get('www-authenticate') ?? '', /^Bearer/)
  if (status === 204 || status === 304) assert.equal(text, '')
}

function holdError(answer: Answer): void {
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/, answer.text)
  const { code } = answer.error()
  assert.equal(errorCodes[code]?.status, answer.status, `${code} with ${answer.status}`)
}

/** Makes the judge of a document. */
export function documentation(document: OpenApiDocument): Documentation {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, 'openapi')
  const validators = new Map<string, ValidateFunction>()
  const validatorOf = (where: string): ValidateFunction => {
    const validate = validators.get(where) ?? ajv.compile({ $ref: `openapi#${where}` })
    validators.set(where, validate)
    return validate
  }
  const holdBody = (where: string, answer: Answer): void => {
    const validate = validatorOf(where)
    const type = answer.headers.get('content-type') ?? ''
    const isValid = validate(type.includes('json') ? answer.json() : answer.text)
    assert.ok(isValid, `${where}: ${ajv.errorsText(validate.errors)}\n${answer.text}`)
  }
  const operationOf = (method: string, path: string): Operation | undefined => {
    const lower = (method === 'HEAD' ? 'GET' : method).toLowerCase()
    return document.paths[templateOf(document, path, lower) ?? '']?.[lower]
  }
  const hold = (method: string, path: string, answer: Answer): void => {
    holdAlways(answer)
    if (answer.status >= 400 && method !== 'HEAD' && path !== '/api/health') holdError(answer)
    const lower = (method === 'HEAD' ? 'GET' : method).toLowerCase()
    const template = templateOf(document, path, lower)
    if (template === undefined) return
    const operation = document.paths[template]![lower]!
    const named = operation.responses[answer.status]
    assert.ok(named, `${operation.operationId} documents no ${answer.status}: ${answer.text}`)
    const [, , , name = ''] = named.$ref?.split('/') ?? []
    const documented = named.$ref === undefined ? named : document.components.responses![name]!
    const base =
      named.$ref === undefined
        ? `/paths/${pointer(template)}/${lower}/responses/${answer.status}`
        : `/components/responses/${name}`
    if (documented.content === undefined || method === 'HEAD') return assert.equal(answer.text, '')
    const [type] = (answer.headers.get('content-type') ?? '').split(';')
    const content = documented.content[type ?? '']
    assert.ok(content, `${operation.operationId} ${answer.status} documents no ${type}`)
    holdBody(`${base}/content/${pointer(type ?? '')}/schema`, answer)
    if (answer.status < 400 || template === '/api/health') return
    const { code } = answer.error()
    assert.ok(content.examples && code in content.examples, `${operation.operationId} documents no ${code}`)
  }
  return { hold, operationOf }
}
