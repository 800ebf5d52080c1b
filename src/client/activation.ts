import { LicensingError, type LicensingErrorCode } from '../core/errors.ts'
import { checkLicenseKey } from '../core/license-keys/text.ts'
import { adviceTo } from './assessment.ts'
import type { ClientSettings } from './options.ts'
import type { StoredActivation } from './record.ts'
import { fieldOf, outage, validate, type Reply, type RenewalResult } from './renewal.ts'
import type { ProgramState } from './state.ts'
import type { TokenProblem, VerifiedToken } from './trusted-keys.ts'

/**
 * The error for a license key that may have a typo. Its `code` is `invalid_license_key`; `unavailable` without a server, which
 * alone knows if another shop sold this text.
 *
 * @example
 * ```ts
 * import type { LicenseClient, LicenseKeyError } from 'heartwood/client'
 *
 * export async function activate(client: LicenseClient, typed: string): Promise<readonly string[]> {
 *   try {
 *     await client.activate(typed)
 *     return []
 *   } catch (error) {
 *     return (error as Partial<LicenseKeyError>).suggestions ?? []
 *   }
 * }
 * ```
 */
export interface LicenseKeyError extends LicensingError {
  readonly code: 'invalid_license_key' | 'unavailable'
  /**
   * License keys that the text may mean, at most three. Show them: never take one silently. A log of the error omits them.
   * Absent if there are none.
   */
  readonly suggestions?: readonly string[]
}

/**
 * A taken seat of the license key.
 *
 * @example
 * ```ts
 * import type { LicenseSeat } from 'heartwood/client'
 *
 * export const label = ({ name, seenOn }: LicenseSeat): string => `${name ?? 'A computer'}, last seen ${seenOn ?? 'never'}`
 * ```
 */
export interface LicenseSeat {
  /** `lic_…`, for `releaseSeat`. */
  readonly licenseId: string
  /** The installation's name for people; `null` if it gave none. */
  readonly name: string | null
  readonly installationIdLastFour: string
  /** When it first took a seat, as RFC 3339: `2026-01-23T10:00:00Z`. */
  readonly activatedAt: string
  /** The day of the last sign of life in UTC, such as `2026-01-23`; `null` for none. */
  readonly seenOn: string | null
  /** True for the seat of this installation. */
  readonly this: boolean
}

/** The text without the white space around it. @throws {LicensingError} `invalid_license_key` for an empty text. */
export function readKey(text: string): string {
  if (!text.trim()) throw new LicensingError('invalid_license_key', 'There is no license key')
  return text.trim()
}

/** A license key in its usual form. A text with wrong check symbols stays as it is, because another shop may have sold it. */
export function usualFormOf(text: string): string {
  const check = checkLicenseKey(text)
  return check.ok ? check.key : text
}

/** A random UUID (RFC 9562 version 4). `crypto.randomUUID` is younger than the oldest engines. */
function newInstallationId(): string {
  return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () =>
    (crypto.getRandomValues(new Uint8Array(1))[0]! & 15).toString(16),
  )
}

/** The activation to store before the first request, so that a repetition asks for the same seat. */
export function activationOf(
  { installationId, installationName }: ClientSettings,
  { record }: ProgramState,
  licenseKey: string | null,
  name?: string,
): StoredActivation {
  const { activation } = record
  return {
    releasing: null,
    ...activation,
    installationId: installationId ?? activation?.installationId ?? newInstallationId(),
    licenseKey,
    name: name ?? activation?.name ?? installationName,
  }
}

/** Accepts a token of this installation that is newer than what is known of its license. */
export function validateActivation(
  { held, record: { revoked } }: ProgramState,
  { installationId }: StoredActivation,
  found: VerifiedToken | TokenProblem,
): RenewalResult {
  const result = validate(found)
  if (result.outcome !== 'refreshed') return result
  const { claims, licenseId, revision } = result.next
  if (claims.sub !== installationId) return validate('foreign')
  const isOld = [held, revoked].some((known) => known?.licenseId === licenseId && known.revision >= revision)
  return isOld ? outage : result
}

/** The error for a program whose request did not succeed. */
export function failureOf(
  result: Exclude<Reply | RenewalResult, { data: unknown } | { next: unknown }>,
): LicensingError {
  if (result.outcome === 'unreachable')
    return new LicensingError('unavailable', 'The license server cannot be reached')
  const { code } = result
  const [reason] = adviceTo(code)
  // Codes of the client itself are about the token.
  const known = ['unknown_key', 'foreign_token'].includes(code) ? 'invalid_token' : code
  return new LicensingError(known as LicensingErrorCode, reason)
}

/** The error for an activation that did not succeed, with what the license key may have meant. */
export function activationFailureOf(result: Parameters<typeof failureOf>[0], key: string): LicensingError {
  const failure = failureOf(result)
  const check = checkLicenseKey(key)
  if (check.ok || !check.suggestions.length) return failure
  const { code } = failure
  if (code === 'unavailable') return withSuggestions(failure, check.suggestions)
  if (code !== 'invalid_license_key') return failure
  return withSuggestions(new LicensingError(code, 'The license key has a typo'), check.suggestions)
}

function withSuggestions(error: LicensingError, value: readonly string[]): LicensingError {
  return Object.defineProperty(error, 'suggestions', { value })
}

function seatOf(value: unknown): LicenseSeat {
  if (typeof fieldOf(value, 'license_id') !== 'string') throw failureOf(outage)
  const fields = Object.entries(value as object).map(([name, field]: [string, unknown]) => [
    name.replace(/_./g, ([, letter]) => letter!.toUpperCase()),
    field,
  ])
  return Object.fromEntries(fields) as LicenseSeat
}

/** The seats in a response. @throws {LicensingError} the server's code; `unavailable` for anything but a list of seats. */
export function seatsIn(reply: Reply): readonly LicenseSeat[] {
  if (reply.outcome !== 'data') throw failureOf(reply)
  if (!Array.isArray(reply.data)) throw failureOf(outage)
  return reply.data.map(seatOf)
}
