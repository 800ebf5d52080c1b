import { LicensingError, type LicensingErrorCode } from '../core/errors.ts'
import { checkLicenseKey, readLicenseKey } from '../core/license-keys/text.ts'
import { adviceTo } from './assessment.ts'
import type { ClientSettings } from './options.ts'
import type { StoredActivation } from './record.ts'
import {
  ask,
  fieldOf,
  outage,
  tokenOf,
  validate,
  type Reply,
  type RenewalResponse,
  type RenewalResult,
} from './renewal.ts'
import type { ProgramState } from './state.ts'
import type { TokenProblem, VerifiedToken } from './trusted-keys.ts'

/**
 * A license key that was refused. Its `code` is `invalid_license_key`.
 *
 * @example
 * ```ts
 * import { LicenseKeyError, type LicenseClient } from 'heartwood/client'
 *
 * export async function activate(client: LicenseClient, typed: string): Promise<readonly string[]> {
 *   try {
 *     await client.activate(typed)
 *     return []
 *   } catch (error) {
 *     if (error instanceof LicenseKeyError) return error.suggestions
 *     throw error
 *   }
 * }
 * ```
 */
export class LicenseKeyError extends LicensingError {
  readonly #suggestions: readonly string[]

  constructor(message: string, suggestions: readonly string[]) {
    super('invalid_license_key', message)
    this.#suggestions = suggestions
  }

  /** License keys that the text may mean, at most three. Show them: never take one silently. A log of the error omits them. */
  get suggestions(): readonly string[] {
    return this.#suggestions
  }
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
  /** In whole seconds since 1970. */
  readonly activatedAt: number
  /** The day of the last sign of life in UTC, such as `2026-01-23`; `null` for none. */
  readonly seenOn: string | null
  /** True for the seat of this installation. */
  readonly this: boolean
}

/**
 * The usual form of a license key. The key of another shop stays as it is, because the server alone can judge it.
 *
 * @throws {LicenseKeyError} for a text of our form that holds a typo.
 */
export function readKey(text: string | null): string {
  if (text === null || text.trim() === '') throw new LicenseKeyError('There is no license key', [])
  const check = checkLicenseKey(text)
  if (check.ok) return check.key
  if (readLicenseKey(text) !== null)
    throw new LicenseKeyError('The license key has a typo', check.suggestions)
  return text.trim()
}

/** A random UUID (RFC 9562 version 4). `crypto.randomUUID` is younger than the oldest engines. */
function newInstallationId(): string {
  const digits = [...crypto.getRandomValues(new Uint8Array(30))].map((byte) => (byte & 15).toString(16))
  return digits.join('').replace(/(.{8})(.{4})(...)(...)(.*)/, '$1-$2-4$3-8$4-$5')
}

/** The server takes 64 characters. The cut may leave half a character. */
function shortName(name: string | null): string | null {
  return (
    name
      ?.slice(0, 64)
      .replace(/\p{Cc}|\p{Cs}/gu, ' ')
      .trim() || null
  )
}

/** The activation to store before the first request, so that a repetition asks for the same seat. */
export function activationOf(
  { installationId, installationName }: ClientSettings,
  { record }: ProgramState,
  licenseKey: string | null,
  name: string | null = null,
): StoredActivation {
  const { activation } = record
  return {
    releasing: null,
    ...activation,
    installationId: installationId ?? activation?.installationId ?? newInstallationId(),
    licenseKey,
    name: shortName(name ?? activation?.name ?? installationName),
  }
}

/** Asks for a seat, or for the one that this installation has. Never throws. */
export async function requestActivation(
  settings: ClientSettings,
  { installationId, licenseKey, name }: StoredActivation,
  held: VerifiedToken | null,
  signal: AbortSignal,
): Promise<RenewalResponse> {
  const body = {
    license_key: licenseKey,
    installation_id: installationId,
    name: name ?? undefined,
    current_token: held?.text,
  }
  return tokenOf(await ask(settings, '/license-keys/activate', body, signal))
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
  if (code === 'invalid_license_key') return new LicenseKeyError(reason, [])
  // Codes of the client itself are about the token.
  const known = /^(unknown_key|foreign_token)$/.test(code) ? 'invalid_token' : code
  return new LicensingError(known as LicensingErrorCode, reason)
}

function seatOf(value: unknown): LicenseSeat {
  const text = (name: string): string | null => {
    const field = fieldOf(value, name)
    return typeof field === 'string' ? field : null
  }
  const licenseId = text('license_id')
  if (licenseId === null) throw failureOf(outage)
  return {
    licenseId,
    name: text('name'),
    installationIdLastFour: text('installation_id_last_four') ?? '',
    activatedAt: Date.parse(text('activated_at') ?? '') / 1000,
    seenOn: text('seen_on'),
    this: fieldOf(value, 'this') === true,
  }
}

/** The seats in a response. @throws {LicensingError} the server's code; `unavailable` for anything but a list of seats. */
export function seatsIn(reply: Reply): readonly LicenseSeat[] {
  if (reply.outcome !== 'data') throw failureOf(reply)
  if (!Array.isArray(reply.data)) throw failureOf(outage)
  return reply.data.map(seatOf)
}
