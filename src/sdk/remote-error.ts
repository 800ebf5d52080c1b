import type { ErrorCode } from '../adapters/http/errors.ts'
import { LicensingError, type ErrorDetails } from '../core/errors.ts'

/**
 * Every code of a {@link RemoteError}: the codes of the HTTP API, and three of the client's own.
 *
 * - `no_connection`: no whole response came.
 * - `timed_out`: the time limit of the call ended first.
 * - `invalid_response`: the response is none of a Heartwood server, for example the page of a proxy.
 *
 * A later server may have more codes, so a program needs a default.
 */
export type RemoteErrorCode = ErrorCode | 'no_connection' | 'timed_out' | 'invalid_response'

/** Optional parts of a {@link RemoteError}. */
export interface RemoteErrorOptions {
  /** The HTTP status of the response; `null` if no response came. */
  readonly status?: number | null
  /** The `X-Request-Id` of the response, which the log of the server has too; `null` if it had none. */
  readonly requestId?: string | null
  /** The fields at fault, by core's names, and the rules they break in the words of the HTTP API. */
  readonly details?: ErrorDetails | undefined
  /** The error of `fetch`. It may name the address, so keep it in your log. */
  readonly cause?: unknown
}

/** A `LicensingError` whose `code` may be one of HTTP. */
type AnyLicensingError = Omit<LicensingError, 'code'>

const RemoteBase: new (code: never, message: string, options: object) => AnyLicensingError = LicensingError

/**
 * The error of a call over HTTP. It is a `LicensingError` with the same `code`, `message` and `details` as in process, and
 * says which response it came from.
 *
 * `message` and `details` hold the words of the API and none of the request: no key, token or submitted value.
 *
 * @example
 * ```ts
 * import { createLicensingClient, RemoteError } from 'heartwood/sdk'
 *
 * const licensing = createLicensingClient({ baseUrl: 'http://localhost:4000', apiKey: 'sk_live_…' })
 * await licensing.apps.get('desktop-app').catch((error: unknown) => {
 *   if (error instanceof RemoteError) console.log(error.code, error.status, error.requestId)
 * })
 * ```
 */
export class RemoteError extends RemoteBase {
  /** The kind of error, for a program. */
  declare readonly code: RemoteErrorCode
  /** The HTTP status of the response; `null` if no response came. */
  readonly status: number | null
  /** The `X-Request-Id` of the response; `null` if it had none. */
  readonly requestId: string | null

  constructor(code: RemoteErrorCode, message: string, options: RemoteErrorOptions = {}) {
    super(code as never, message, options)
    this.status = options.status ?? null
    this.requestId = options.requestId ?? null
  }
}

/** Throws the error of core in place of an error of the API that is meant, and every other error as it is. */
export function recast(
  error: unknown,
  isMeant: (error: RemoteError) => boolean,
  code: RemoteErrorCode,
  message: string,
): never {
  if (!(error instanceof RemoteError && isMeant(error))) throw error
  const { status, requestId } = error
  throw new RemoteError(code, message, { status, requestId })
}
