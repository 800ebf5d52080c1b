import { day, secondsOf } from '../time.ts'

/** The fields of a license record that decide. Times are whole seconds since 1970. */
export interface LicenseState {
  /** `null` for a license that never expires. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** Tokens of a lower revision are refused. */
  readonly minRevision: number
}

/** The claims of a verified token that decide. */
export interface TokenState {
  readonly iat: number
  readonly exp?: number
}

/** The facts of a decision: a verified token, a license record, or both. */
export interface Facts {
  readonly token?: TokenState | undefined
  /** The revision in the given `jti`. */
  readonly revision?: number | undefined
  readonly license?: LicenseState | undefined
  /**
   * True if the caller issued the token itself. Its `iat` then refuses nothing, because the issuer's own clock may have run
   * ahead. Default false: a token from the future makes the reader's clock suspect.
   */
  readonly isIssuer?: boolean | undefined
  /** Whole seconds since 1970, or a `Date`. */
  readonly now: number | Date
  /** The latest time that has certainly passed, even if the clock now shows less. Default `now`. */
  readonly seenAt?: number | Date | undefined
  /** Age of a token, in seconds, at which the client should ask for a new one. Default a day. */
  readonly refreshEvery?: number | undefined
}

/** The decision on a license: its validity, the reason, the next action, and the time when it changes by itself. */
export interface Decision {
  readonly valid: boolean
  readonly status: 'active' | 'expired' | 'revoked' | 'clock_suspect'
  /** `null` if valid. */
  readonly code: 'token_expired' | 'invalid_token' | 'license_revoked' | null
  readonly reason: string
  /** `refresh`: ask the server for a new token. `renew`: extend the license. `contact`: ask the vendor. */
  readonly action: 'none' | 'refresh' | 'renew' | 'contact' | 'check_clock'
  /** The time from which it is no longer valid, if nothing else happens. `null` for never, or if not valid. */
  readonly validUntil: number | null
  /** The time from which the client should ask for a new token. `null` without a token, or if not valid. */
  readonly refreshAfter: number | null
}

/** Seconds by which two clocks may differ before a token from the future is suspicious. */
export const clockTolerance = 300

/** True if the time has come: expired means `now >= end`. */
export function isPast(end: number | null | undefined, now: number): boolean {
  return end !== null && end !== undefined && now >= end
}

/** The status of a license by its record. Revoked beats expired. */
export function statusOf(
  license: Pick<LicenseState, 'expiresAt' | 'revokedAt'>,
  now: number,
): 'active' | 'expired' | 'revoked' {
  if (license.revokedAt !== null) return 'revoked'
  return isPast(license.expiresAt, now) ? 'expired' : 'active'
}

function refusal(
  status: Decision['status'],
  code: Decision['code'],
  reason: string,
  action: Decision['action'],
): Decision {
  return { valid: false, status, code, reason, action, validUntil: null, refreshAfter: null }
}

export function earliest(ends: readonly (number | null | undefined)[]): number | null {
  let first: number | null = null
  for (const end of ends)
    if (end !== null && end !== undefined && (first === null || end < first)) first = end
  return first
}

function goodDecision({ token, license, refreshEvery = day }: Facts): Decision {
  const validUntil = earliest([token?.exp, license?.expiresAt])
  const refreshAfter = token === undefined ? null : earliest([token.iat + refreshEvery, validUntil])
  return {
    valid: true,
    status: 'active',
    code: null,
    reason: 'The license is active',
    action: 'none',
    validUntil,
    refreshAfter,
  }
}

/**
 * Decides if a license is valid. It is a pure function of a verified token, a license record and the time. The server's
 * verification, the renewal by token and the offline client all use it, so they cannot disagree.
 *
 * The earlier end of token and record counts. If there are several reasons, it gives the one that the regenerate endpoint
 * documents first.
 *
 * @throws {TypeError} for an invalid `Date`.
 *
 * @example
 * ```ts
 * import { decide } from 'heartwood'
 *
 * const license = { expiresAt: 1_800_000_000, revokedAt: null, minRevision: 1 }
 * console.log(decide({ license, now: 1_700_000_000 }).valid) // true
 * ```
 */
export function decide(facts: Facts): Decision {
  const { token, revision = Infinity, license, isIssuer = false } = facts
  const now = secondsOf(facts.now)
  const seenAt = secondsOf(facts.seenAt ?? now)
  const latest = Math.max(now, seenAt)
  const status = license === undefined ? 'active' : statusOf(license, latest)
  if (isPast(token?.exp, latest))
    return refusal(
      status === 'revoked' ? status : 'expired',
      'token_expired',
      'The token has expired',
      'renew',
    )
  if (token !== undefined && !isIssuer && token.iat > now + clockTolerance)
    return refusal('clock_suspect', 'invalid_token', 'The token was issued in the future', 'check_clock')
  if (seenAt > now + clockTolerance)
    return refusal('clock_suspect', 'invalid_token', 'The clock has been set back', 'check_clock')
  if (license !== undefined && revision < license.minRevision)
    return refusal(status, 'invalid_token', 'The token has been invalidated', 'contact')
  if (status === 'revoked')
    return refusal('revoked', 'license_revoked', 'The license has been revoked', 'contact')
  if (status === 'expired') return refusal('expired', 'token_expired', 'The license has expired', 'renew')
  return goodDecision(facts)
}
