import { day } from '../time.ts'

/** What a license record says that decides. Times are whole seconds since 1970. */
export interface LicenseState {
  /** `null` for a license without end. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** Tokens of a lower revision are refused. */
  readonly minRevision: number
}

/** What a verified token says that decides. */
export interface TokenState {
  readonly iat: number
  readonly exp?: number
}

/** What there is to decide on: a verified token, a record, or both. */
export interface Facts {
  readonly token?: TokenState | undefined
  /** The revision inside the `jti` that was shown. */
  readonly revision?: number | undefined
  readonly license?: LicenseState | undefined
  /** Whole seconds since 1970. */
  readonly now: number
  /** The latest instant that is known to have passed, whatever the clock says now; default `now`. */
  readonly seenAt?: number | undefined
  /** How old a token grows before a new one should be asked for, in seconds; default a day. */
  readonly refreshEvery?: number | undefined
}

/** Whether a license is good, why, what to do about it, and when the answer will change by itself. */
export interface Decision {
  readonly valid: boolean
  readonly status: 'active' | 'expired' | 'revoked' | 'clock_suspect'
  /** `null` while valid. */
  readonly code: 'token_expired' | 'invalid_token' | 'license_revoked' | null
  readonly reason: string
  /** `refresh`: ask the server for a new token. `renew`: the end date must be moved. `contact`: ask the vendor. */
  readonly action: 'none' | 'refresh' | 'renew' | 'contact' | 'check_clock'
  /** From this instant on it is no longer valid, if nothing else happens; `null` for never or when not valid. */
  readonly validUntil: number | null
  /** From this instant on a new token should be asked for; `null` without a token or when not valid. */
  readonly refreshAfter: number | null
}

/** How far the clocks of two servers may be apart, in seconds, before a token from the future is suspicious. */
export const clockTolerance = 300

/** Whether the instant has come: expired means `now >= end`. */
export function isPast(end: number | null | undefined, now: number): boolean {
  return end !== null && end !== undefined && now >= end
}

/** The status of a license by its record alone. Revoked beats expired. */
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
  const known = ends.filter((end) => end !== null && end !== undefined)
  return known.length === 0 ? null : Math.min(...known)
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
 * Decides whether a license is good: a pure function of a verified token, a record and the time, used alike by the
 * server's verification, by self-renewal and by the offline client, so that they cannot disagree. The earlier end of
 * token and record counts, and of several reasons the one that the regenerate endpoint documents first.
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
  const { token, revision = Infinity, license, now, seenAt = now } = facts
  const latest = Math.max(now, seenAt)
  const status = license === undefined ? 'active' : statusOf(license, latest)
  if (isPast(token?.exp, latest))
    return refusal(
      status === 'revoked' ? status : 'expired',
      'token_expired',
      'The token has expired',
      'renew',
    )
  if (token !== undefined && token.iat > now + clockTolerance)
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
