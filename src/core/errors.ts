/** Every machine code that core answers with. A code, once released, never changes its meaning. */
export type LicensingErrorCode =
  | 'unauthorized'
  | 'invalid_token'
  | 'token_expired'
  | 'token_mismatch'
  | 'license_revoked'
  | 'missing_tier'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'validation_error'
  | 'idempotency_in_progress'
  | 'idempotency_mismatch'
  | 'unavailable'
  | 'master_key'

/** What was wrong with an input, by field: each field with one message a broken rule. Never a submitted value. */
export type ErrorDetails = Readonly<Record<string, readonly string[]>>

/** What may ride on a {@link LicensingError}. */
export interface LicensingErrorOptions {
  /** The fields at fault and the rules they break. */
  readonly details?: ErrorDetails
  /** The error underneath, for a log; its text may hold internals and is never shown to a caller. */
  readonly cause?: unknown
}

/**
 * The one error of Heartwood's core: branch on `code`, show `message`.
 *
 * Neither ever holds a token, a key, a hash or a submitted value, so both may be logged and answered.
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
  /** What went wrong, for a program. */
  readonly code: LicensingErrorCode
  /** The fields at fault, with `validation_error` and some `conflict`s. */
  readonly details?: ErrorDetails

  constructor(code: LicensingErrorCode, message: string, options: LicensingErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    if (options.details !== undefined) this.details = options.details
  }
}
