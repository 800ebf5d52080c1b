/**
 * The outcome of the last attempt to refresh the license.
 *
 * @example
 * ```ts
 * import type { RefreshAttempt } from 'heartwood/client'
 *
 * const isOutage = (attempt: RefreshAttempt | null): boolean => attempt?.outcome === 'unreachable'
 * console.log(isOutage(null)) // false
 * ```
 */
export interface RefreshAttempt {
  /** When it ended, in whole seconds since 1970 by the program's clock. */
  readonly at: number
  /** `unreachable` stands for every outage: no connection, a captive portal, an overloaded server. */
  readonly outcome: 'refreshed' | 'refused' | 'unreachable'
  /**
   * The code of the server's last refusal, or `unknown_key` or `foreign_token`; `null` if there was none. `no_such_route`, with
   * `unreachable`: no license server of this app responds at `baseUrl`.
   */
  readonly code: string | null
  /** The number of attempts in a row that found no server. */
  readonly failures: number
  /** The pause that the server asked for, in seconds; `null` if it asked for none. */
  readonly retryAfter: number | null
}

/**
 * Remembers that the server called a license revoked: its tokens up to `revision` no longer count. There is room for one, so
 * the revocation of another license takes its place.
 */
export interface Tombstone {
  readonly licenseId: string
  readonly revision: number
  readonly at: number
  /** True if the seat was given back. Version 0.1.0 takes that for a revocation. */
  readonly released?: boolean | undefined
}

/** The means by which this installation activates itself. A later version may have added fields. */
export interface StoredActivation {
  readonly installationId: string
  /** The text of the license key; `null` for none. It opens every seat, so nobody but the server may see it. */
  readonly licenseKey: string | null
  readonly name: string | null
  /** A license that was given back while no server responded. */
  readonly releasing: { readonly licenseId: string; readonly token: string } | null
}

type Fields = Readonly<Record<string, unknown>>

/** An attempt as it is stored. A later version may have stored an outcome that this one does not know. */
export interface StoredAttempt extends Omit<RefreshAttempt, 'outcome'> {
  readonly outcome: string
}

/** The JSON that a program keeps between its starts. Anybody may have written it: its tokens are verified before use. */
export interface StoredState {
  readonly token: string | null
  /** The newest token under a key that the program carries itself, if `token` is under a newer one. */
  readonly fallback: string | null
  /** The last characters of the configured token, so that the client recognizes a new one. */
  readonly given: string | null
  /** Fetched keys as a JWK Set, if the options name them by thumbprint. */
  readonly keys: string | null
  /** The latest time that the program saw, in whole seconds since 1970. */
  readonly seenAt: number
  readonly revoked: Tombstone | null
  readonly attempt: StoredAttempt | null
  /** Absent before the first activation, so that the record stays as 0.1.0 wrote it. */
  readonly activation?: StoredActivation | undefined
  /** The fields that a later version has written. This version carries them along. */
  readonly others: Fields
}

export const emptyRecord: StoredState = {
  token: null,
  fallback: null,
  given: null,
  keys: null,
  seenAt: 0,
  revoked: null,
  attempt: null,
  others: {},
}

const format = 1
const maxLength = 256 * 1024
const outcomes: readonly string[] = ['refreshed', 'refused', 'unreachable']

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'
const isCountOrNull = (value: unknown): boolean => value === null || isCount(value)
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

function isTombstone(value: unknown): boolean {
  if (!isFields(value)) return value === null
  return typeof value.licenseId === 'string' && isCount(value.revision) && isCount(value.at)
}

function isAttempt(value: unknown): boolean {
  if (!isFields(value)) return value === null
  const { at, outcome, code, failures, retryAfter } = value
  return (
    isCount(at) &&
    typeof outcome === 'string' &&
    isTextOrNull(code) &&
    isCount(failures) &&
    isCountOrNull(retryAfter)
  )
}

function isActivation(value: unknown): value is StoredActivation {
  if (!isFields(value)) return false
  const { installationId, licenseKey, name } = value
  return typeof installationId === 'string' && [licenseKey, name].every(isTextOrNull)
}

function isRecord(
  value: unknown,
): value is Readonly<Record<'format', unknown>> & Omit<StoredState, 'others'> {
  if (!isFields(value) || value.format !== format || !isCount(value.seenAt)) return false
  const texts = [value.token, value.fallback, value.given, value.keys ?? null]
  return texts.every(isTextOrNull) && isTombstone(value.revoked) && isAttempt(value.attempt)
}

/** The last attempt, if this version knows its outcome. Otherwise the record carries it along, and nobody acts on it. */
export function attemptOf({ attempt }: StoredState): RefreshAttempt | null {
  return attempt !== null && isKnown(attempt) ? attempt : null
}

function isKnown(attempt: StoredAttempt): attempt is RefreshAttempt {
  return outcomes.includes(attempt.outcome)
}

/** Reads a store's text; `null` if it is damaged or belongs to somebody else. */
export function parseRecord(text: string): StoredState | null {
  try {
    const value: unknown = text.length > maxLength ? null : JSON.parse(text)
    if (!isRecord(value)) return null
    const { format: _, activation, ...known } = value
    const { token, fallback, given, keys = null, seenAt, revoked, attempt, ...others } = known
    const record = { token, fallback, given, keys, seenAt, revoked, attempt, others }
    // A damaged activation costs the license key, and leaves the license.
    return isActivation(activation) ? { ...record, activation } : record
  } catch {
    return null
  }
}

/** The order of the fields is part of the format. */
export function formatRecord({ others, activation, ...record }: StoredState): string {
  return JSON.stringify({ format, ...record, activation, ...others })
}
