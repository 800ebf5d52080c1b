import { day, secondsOf } from '../time.ts'

/** The fields of a license record that decide. Times are whole seconds since 1970. */
export interface LicenseState {
  /** `null` for a license that never expires. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** Tokens of a lower revision are refused. */
  readonly minRevision: number
  /** The cause of a revocation that the vendor did not order. Absent: the vendor ordered it. */
  readonly revokedCause?: string | null
  /** It covers versions released until then; `null` or absent for all. */
  readonly updatesUntil?: number | null
}

/** The claims of a verified token that decide. */
export interface TokenState {
  readonly iat: number
  readonly exp?: number
  readonly updates_until?: number
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
  /**
   * The release date of the program, a constant of its build. Without it every version counts as covered. Whole seconds since
   * 1970, or a `Date`.
   */
  readonly releasedAt?: number | Date | undefined
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
  readonly code:
    'token_expired' | 'invalid_token' | 'license_revoked' | 'license_released' | 'version_not_covered' | null
  readonly reason: string
  /**
   * `refresh`: ask the server for a new token. `renew`: extend the license. `activate`: activate with the license key.
   * `contact`: ask the vendor. Actions may be added: show `reason` for an unknown one.
   */
  readonly action: 'none' | 'refresh' | 'renew' | 'activate' | 'contact' | 'check_clock'
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

/** True for a seat that its holder, or another activation, gave back. An activation brings it back. */
export function isReleased(cause: string | null | undefined): boolean {
  return cause !== null && cause !== undefined && cause !== 'key_revoked'
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

function dateOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
}

/** The refusal of a version that was released after the end of the updates; `null` if it is covered. */
export function uncovered({ token, license, releasedAt }: Omit<Facts, 'now'>): Decision | null {
  const until = earliest([token?.updates_until, license?.updatesUntil])
  const released = releasedAt === undefined ? null : secondsOf(releasedAt)
  if (until === null || released === null || released <= until) return null
  const reason = `This license covers versions released until ${dateOf(until)}; this one was released on ${dateOf(released)}. Versions until then go on working.`
  return refusal('active', 'version_not_covered', reason, 'renew')
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
  if (status === 'revoked' && isReleased(license?.revokedCause))
    return refusal('revoked', 'license_released', 'The license gave its seat back', 'activate')
  if (status === 'revoked')
    return refusal('revoked', 'license_revoked', 'The license has been revoked', 'contact')
  if (status === 'expired') return refusal('expired', 'token_expired', 'The license has expired', 'renew')
  return uncovered(facts) ?? goodDecision(facts)
}
