import { LicensingError, type ErrorDetails, type LicensingErrorCode } from '../../core/errors.ts'
import { json, type Reply } from './reply.ts'
import { wireDetails, wireMessage } from './wire.ts'

/** Every machine code of the HTTP API. */
export type ErrorCode =
  | Exclude<LicensingErrorCode, 'master_key'>
  | 'invalid_json'
  | 'invalid_request'
  | 'no_such_route'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'internal_error'

/** The body of every error response. */
export interface ErrorJson {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    /** The rules that the request breaks, by field. */
    readonly details?: ErrorDetails
  }
}

/** An error that HTTP alone has; core throws `LicensingError`. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: ErrorCode
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.headers = headers
  }
}

/** The error for a method that a path does not support. */
export function methodNotAllowed(methods: readonly string[]): HttpError {
  return new HttpError('method_not_allowed', 'Method not allowed', { allow: methods.join(', ') })
}

/** Replies to every method but GET and HEAD at a path that only serves something. @throws {HttpError} `method_not_allowed`. */
export async function getAlone(): Promise<never> {
  throw methodNotAllowed(['GET', 'HEAD'])
}

/** The error for a path that is none of ours, which says nothing about a resource. */
export function noSuchRoute(): HttpError {
  return new HttpError('no_such_route', 'No such route')
}

/** The status and the cause of each code. The reference page and the OpenAPI document are made from this table. */
export const errorCodes: Readonly<Record<ErrorCode, { readonly status: number; readonly when: string }>> = {
  invalid_json: { status: 400, when: 'The body is not JSON' },
  invalid_request: { status: 400, when: 'The request is no proper HTTP, for example by its Host' },
  token_expired: { status: 400, when: 'current_token or the license has expired' },
  token_mismatch: { status: 400, when: 'current_token belongs to another license' },
  license_revoked: { status: 400, when: 'The license has been revoked' },
  license_released: { status: 400, when: 'The license gave its seat of a license key back: activate again' },
  license_key_expired: { status: 400, when: 'The license key has expired' },
  license_key_revoked: { status: 400, when: 'The license key has been revoked' },
  missing_tier: { status: 400, when: 'The tier of the license was deleted' },
  unauthorized: { status: 401, when: 'No credential, or an unknown, revoked or expired API key' },
  invalid_token: { status: 401, when: 'current_token is not a valid token of this app' },
  invalid_license_key: { status: 401, when: 'license_key is not a license key of this app' },
  forbidden: { status: 403, when: 'The API key does not allow this' },
  not_found: { status: 404, when: 'The resource does not exist, or this API key may not see it' },
  no_such_route: { status: 404, when: 'The path is none of this API: check the base URL' },
  method_not_allowed: { status: 405, when: 'The path does not support this method: see Allow' },
  request_timeout: { status: 408, when: 'The body took too long to arrive; by default 30 seconds' },
  conflict: {
    status: 409,
    when: 'The slug, e-mail, external id or installation is already taken; another rotation was faster; nothing can be sent to the webhook',
  },
  seat_limit_reached: { status: 409, when: 'All seats of the license key are taken' },
  release_limit_reached: { status: 409, when: 'The releases of this year are used up' },
  recovery_required: {
    status: 409,
    when: 'A recovery key of the app must sign this, which the command line does',
  },
  idempotency_in_progress: {
    status: 409,
    when: 'The first request with this Idempotency-Key is still running',
  },
  body_too_large: { status: 413, when: 'The body is larger than 256 KiB' },
  unsupported_media_type: { status: 415, when: 'The content type of the body is not JSON' },
  idempotency_mismatch: { status: 422, when: 'This Idempotency-Key was used with another request' },
  validation_error: { status: 422, when: 'The body or query breaks a rule: see details' },
  rate_limited: { status: 429, when: 'Too many requests: see Retry-After' },
  internal_error: { status: 500, when: 'The server has a fault; its log has the request id' },
  unavailable: {
    status: 503,
    when: 'The server is too busy, or its storage does not respond: try again after Retry-After',
  },
}

const challenge = { 'www-authenticate': 'Bearer realm="heartwood"' }
const internal: ErrorJson = { error: { code: 'internal_error', message: 'Internal server error' } }

/** The rest of the body may still come, so no other request can follow it (RFC 9110 section 15.5.9). */
const close = { connection: 'close' }

/** A full queue or an unreachable storage may be back within a second. */
const retrySoon = { 'retry-after': '1' }

function headersFor(code: ErrorCode): Readonly<Record<string, string>> {
  if (code === 'unavailable') return retrySoon
  if (code === 'request_timeout') return close
  return errorCodes[code].status === 401 ? challenge : {}
}

function errorJson(code: ErrorCode, message: string, details?: ErrorDetails): ErrorJson {
  return { error: { code, message, ...(details !== undefined && { details: wireDetails(details) }) } }
}

/** True if the caller may read the error. Any other is a fault of the server, whose text stays in the log. */
export function isPublicError(error: unknown): error is HttpError | LicensingError {
  return error instanceof HttpError || (error instanceof LicensingError && error.code !== 'master_key')
}

/** The code that the caller gets for an error. */
export function errorCodeOf(error: unknown): ErrorCode {
  return isPublicError(error) ? (error.code as ErrorCode) : 'internal_error'
}

/** Turns an error into a response. Every error of the API passes here. */
export function errorReply(error: unknown): Reply {
  if (!isPublicError(error)) return json(internal, 500)
  const code = errorCodeOf(error)
  const headers = error instanceof HttpError ? error.headers : {}
  const details = error instanceof LicensingError ? error.details : undefined
  const message = code === 'validation_error' ? wireMessage(error.message) : error.message
  return json(errorJson(code, message, details), errorCodes[code].status, {
    ...headersFor(code),
    ...headers,
  })
}
