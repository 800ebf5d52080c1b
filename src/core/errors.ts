/** Every error code of core. A released code never changes its meaning. */
export type LicensingErrorCode =
  | 'unauthorized'
  | 'invalid_token'
  | 'token_expired'
  | 'token_mismatch'
  | 'license_revoked'
  | 'license_released'
  | 'license_key_expired'
  | 'license_key_revoked'
  | 'invalid_license_key'
  | 'seat_limit_reached'
  | 'release_limit_reached'
  | 'recovery_required'
  | 'missing_tier'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'validation_error'
  | 'idempotency_in_progress'
  | 'idempotency_mismatch'
  | 'unavailable'
  | 'master_key'

/** The broken rules of an input by field, one message a rule. It never holds a submitted value. */
export type ErrorDetails = Readonly<Record<string, readonly string[]>>

/** Optional parts of a {@link LicensingError}. */
export interface LicensingErrorOptions {
  /** The fields at fault and the rules they break. */
  readonly details?: ErrorDetails
  /** The underlying error, for a log. Its text may hold internals, so a caller never sees it. */
  readonly cause?: unknown
}

/**
 * The one error class of Heartwood's core. Branch on `code`, show `message`.
 *
 * Neither ever holds a token, a key, a hash or a submitted value. So both may go into a log and into a response.
 *
 * @example
 * ```ts
 * import { LicensingError } from 'heartwood'
 *
 * const error = new LicensingError('not_found', 'License not found')
 * if (error instanceof LicensingError && error.code === 'not_found') console.log(error.message)
 * ```
 */
export class LicensingError extends Error {
  override readonly name = 'LicensingError'
  /** The kind of error, for a program. */
  readonly code: LicensingErrorCode
  /** The fields at fault; with `validation_error` and some `conflict`s. */
  readonly details?: ErrorDetails

  constructor(code: LicensingErrorCode, message: string, options: LicensingErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    if (options.details !== undefined) this.details = options.details
  }
}
