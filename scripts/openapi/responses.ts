import { errorCodes, type ErrorCode } from '../../src/adapters/http/errors.ts'
import { ignoresAuthorization, type Route, type SuccessResponse } from '../../src/adapters/http/route.ts'
import { routes } from '../../src/adapters/routes/index.ts'
import { namedExamples } from '../../src/adapters/openapi/examples.ts'
import { takesIdempotencyKey } from './parameters.ts'
import { refTo } from './reference.ts'
import { errorSchema } from '../../src/adapters/openapi/schemas.ts'

const header = (description: string, example: string): object => ({
  description,
  schema: { type: 'string', maxLength: 1024, examples: [example] },
})

/** The headers of responses, by name. */
export const headers: Readonly<Record<string, object>> = {
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
  return Object.fromEntries(names.map((name) => [name, refTo('headers', name)]))
}

/** The headers of every response. */
export const commonHeaders: object = headerRefs('X-Request-Id', 'Access-Control-Allow-Origin')
const limitHeaders = headerRefs('RateLimit', 'RateLimit-Policy')

const errorHeaders: Readonly<Record<number, object>> = {
  401: headerRefs('WWW-Authenticate'),
  429: { ...headerRefs('Retry-After'), ...limitHeaders },
  503: headerRefs('Retry-After'),
}

function errorsOf(route: Route): readonly ErrorCode[] {
  const fromAccess: ErrorCode[] = ignoresAuthorization(route) ? [] : ['unauthorized', 'forbidden']
  const fromLicenseKey: ErrorCode[] = route.access === 'licenseKey' ? ['invalid_license_key'] : []
  const fromPath: ErrorCode[] = route.path.includes(':') ? ['not_found'] : []
  const fromBody: ErrorCode[] =
    route.method === 'GET'
      ? []
      : ['invalid_json', 'request_timeout', 'body_too_large', 'unsupported_media_type']
  const fromKey: ErrorCode[] = takesIdempotencyKey(route)
    ? ['idempotency_in_progress', 'idempotency_mismatch']
    : []
  const fromAnywhere: ErrorCode[] = ['validation_error', 'rate_limited', 'internal_error', 'unavailable']
  return [
    ...fromAccess,
    ...fromLicenseKey,
    ...fromPath,
    ...fromBody,
    ...fromKey,
    ...(route.errors ?? []),
    ...fromAnywhere,
  ]
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
  const examples = Object.fromEntries(codes.map((code) => [code, refTo('examples', code)]))
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code].when}`).join('. '),
    headers: { ...commonHeaders, ...errorHeaders[status] },
    content: { 'application/json': { schema: errorSchema, examples } },
  }
}

function successHeaders(route: Route): object {
  return {
    ...commonHeaders,
    ...((route.limit !== undefined || route.access === 'renewal') && limitHeaders),
    ...(takesIdempotencyKey(route) && headerRefs('Idempotent-Replayed')),
    ...(route.responses[304] !== undefined && headerRefs('ETag')),
  }
}

const exampleNames = new Map(
  Object.entries(namedExamples).map(([name, value]) => [JSON.stringify(value), name]),
)

function shownExample(example: unknown): object {
  const name = exampleNames.get(JSON.stringify(example))
  return name === undefined ? { example } : { examples: { [name]: refTo('examples', name) } }
}

function successResponse(route: Route, response: SuccessResponse): object {
  const { description, contentType = 'application/json', schema, example } = response
  const content =
    schema === undefined ? {} : { content: { [contentType]: { schema, ...shownExample(example) } } }
  return { description, headers: successHeaders(route), ...content }
}

/** Turns `The license` into `TheLicense`, and tells responses with more headers apart. */
function successName(route: Route, { description }: SuccessResponse): string {
  const words = description.split(/[^A-Za-z]+/).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
  return words.join('') + (takesIdempotencyKey(route) ? 'Repeatable' : '')
}

/** Success responses that several operations have, by name. */
function sharedResponses(): Record<string, object> {
  const all = routes.flatMap((route) =>
    Object.values(route.responses).map(
      (response) => [successName(route, response), successResponse(route, response)] as const,
    ),
  )
  const byName = Map.groupBy(all, ([name]) => name)
  const shared = [...byName.values()].filter(
    (group) => group.length > 1 && new Set(group.map(([, response]) => JSON.stringify(response))).size === 1,
  )
  return Object.fromEntries(shared.map(([first]) => first!))
}

const shared = sharedResponses()

/** The responses that several operations have, by name. */
export const namedResponses: Readonly<Record<string, object>> = {
  ...shared,
  ...Object.fromEntries(
    routes.flatMap(errorSetsOf).map(([status, codes]) => [responseName(codes), errorResponse(status, codes)]),
  ),
}

/** The examples that several responses show, by name. Those of errors have the name of their code. */
export const sharedExamples: Readonly<Record<string, object>> = {
  ...Object.fromEntries(Object.entries(namedExamples).map(([name, value]) => [name, { value }])),
  ...Object.fromEntries(routes.flatMap(errorsOf).map((code) => [code, errorExample(code)])),
}

/** The responses of an operation, by status. Those that several operations have are references. */
export function responsesOf(route: Route): Record<string, unknown> {
  const success = Object.entries(route.responses).map(([status, response]) => {
    const name = successName(route, response)
    return [status, name in shared ? refTo('responses', name) : successResponse(route, response)]
  })
  const errors = errorSetsOf(route).map(([status, codes]) => [
    status,
    refTo('responses', responseName(codes)),
  ])
  return Object.fromEntries([...success, ...errors])
}
