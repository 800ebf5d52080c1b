import type { LicenseKeyRecord, NumericDate } from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'

/** The fields of a license key that decide. Times are whole seconds since 1970. */
export type LicenseKeyState = Pick<LicenseKeyRecord, 'expiresAt' | 'revokedAt' | 'tierId'>

/** The decision on a license key: if installations may be activated with it, and the reason. */
export interface LicenseKeyDecision {
  readonly valid: boolean
  readonly status: 'active' | 'expired' | 'revoked'
  /** `null` if valid. */
  readonly code: 'license_key_revoked' | 'license_key_expired' | 'missing_tier' | null
  readonly reason: string
}

/**
 * Decides if a license key is good. It is a pure function of its record and the time. Activation and verification use it, so
 * they cannot disagree. A license key is good also if all its seats are taken.
 *
 * @example
 * ```ts
 * import { decideKey } from 'heartwood'
 *
 * const state = { expiresAt: 1_800_000_000, revokedAt: null, tierId: 'tier_01kfnb4zd5fd8rh1b9p2xj3t6y' }
 * console.log(decideKey(state, 1_700_000_000).valid) // true
 * ```
 */
export function decideKey(key: LicenseKeyState, now: NumericDate): LicenseKeyDecision {
  const status = statusOf(key, now)
  const refusal = (code: LicenseKeyDecision['code'], reason: string): LicenseKeyDecision => ({
    valid: false,
    status,
    code,
    reason,
  })
  if (status === 'revoked') return refusal('license_key_revoked', 'The license key has been revoked')
  if (status === 'expired') return refusal('license_key_expired', 'The license key has expired')
  if (key.tierId === null) return refusal('missing_tier', 'The tier of the license key was deleted')
  return { valid: true, status, code: null, reason: 'The license key is active' }
}
