import { describeMisfit } from './misfit.ts'
import { assess, type LicenseAssessment, type ProgramFacts } from './assessment.ts'
import type { ClientSettings, Verdict } from './options.ts'
import { attemptOf, type RefreshAttempt } from './record.ts'
import type { StoreCondition } from './state-store.ts'
import { isRevoked, keyOf, latestTime, type ProgramState } from './state.ts'
import type { ClientClaims } from './trusted-keys.ts'

/**
 * A license as its program sees it at one moment. `Feature` may be the union of the slugs that the program knows. Times are
 * whole seconds since 1970.
 *
 * @example
 * ```ts
 * import type { ClientLicense } from 'heartwood/client'
 *
 * export const title = (license: ClientLicense<'webhooks'>): string =>
 *   license.has('webhooks') ? 'Desktop App with webhooks' : `Desktop App (${license.reason})`
 * ```
 */
export interface ClientLicense<Feature extends string = string> extends LicenseAssessment {
  /** The verdict of the program's policy on the state. */
  readonly verdict: Verdict
  /** The slugs of the features that the license grants; empty if the verdict is `block`. */
  readonly features: readonly Feature[]
  /** True if the license grants this feature now. */
  has(feature: Feature): boolean
  /**
   * The license's number for this name, 0 or more, whatever its state; `undefined` without a token, and if the license says
   * nothing. Decide yourself what that means: it is no zero.
   */
  limit(name: string): number | undefined
  /** The tier's slug; `null` without a token. */
  readonly tier: string | null
  /** The end of the token; `null` for a license without end, and without a token. */
  readonly expiresAt: number | null
  /** The license's API id, `lic_…`; `null` without a token. A revocation keeps it. */
  readonly licenseId: string | null
  /** The installation's UUID; `null` without a token. */
  readonly installationId: string | null
  /** All claims of the verified token, in any state, with those of later versions; `null` without one. */
  readonly claims: ClientClaims | null
  /** The last attempt to get a new token; `null` if no attempt was made with this token. */
  readonly lastAttempt: RefreshAttempt | null
  /** The store's condition. The program forgets a license in an `unavailable` store when it ends. */
  readonly store: StoreCondition
}

/** The part of a moment that the state does not hold. */
export interface Moment {
  readonly now: number
  readonly keyAdvice: ProgramFacts['keyAdvice']
}

function problemOf({ record, condition, isUnread }: ProgramState, { token, app }: ClientSettings): string {
  if (condition === 'corrupt')
    return 'The stored license is damaged: the license token has to be entered again'
  if (record.token !== null) return 'The stored license token is not valid for this program'
  if (isUnread) return 'The stored license cannot be read: the license token has to be entered again'
  if (token !== null)
    return describeMisfit(token, app) ?? 'The configured license token is not valid for this program'
  return 'There is no license token'
}

function assessState(settings: ClientSettings, state: ProgramState, moment: Moment): LicenseAssessment {
  const { record, held } = state
  const { now } = moment
  const attempt = attemptOf(record)
  return assess({
    token: held?.claims ?? null,
    ...moment,
    problem: problemOf(state, settings),
    revokedAt: isRevoked(state) ? (record.revoked?.at ?? now) : null,
    released: record.revoked?.released === true,
    activates: keyOf(settings, state) !== null,
    refusal: attempt?.code ?? null,
    unreachable: attempt?.outcome === 'unreachable',
    seenAt: latestTime(state),
    refreshEvery: settings.refreshEvery,
    maxOffline: settings.maxOffline,
    grace: settings.grace,
    releasedAt: settings.releasedAt,
  })
}

const none: readonly never[] = Object.freeze([])

/** The license as the program is to see it. */
export function licenseOf<Feature extends string>(
  settings: ClientSettings,
  state: ProgramState,
  moment: Moment,
): ClientLicense<Feature> {
  const { record, held, condition } = state
  const assessment = assessState(settings, state, moment)
  const verdict = settings.policy[assessment.state]
  // A blocked program gets no features, so that one which asks for a feature alone is blocked too.
  const features = (verdict === 'block' ? none : (held?.claims.features ?? none)) as readonly Feature[]
  return {
    ...assessment,
    verdict,
    features,
    has: (feature) => features.includes(feature),
    limit: (name) => {
      const limits = held?.claims.limits ?? {}
      return Object.hasOwn(limits, name) ? limits[name] : undefined
    },
    tier: held?.claims.tier ?? null,
    expiresAt: held?.claims.exp ?? null,
    licenseId: held?.licenseId ?? record.revoked?.licenseId ?? null,
    installationId: held?.claims.sub ?? null,
    claims: held?.claims ?? null,
    lastAttempt: attemptOf(record),
    store: condition,
  }
}

/** Ignores times and attempts: a program does not want an event for them. */
export function differs(one: ClientLicense, other: ClientLicense): boolean {
  const shown = ({ state, code, reason, action, verdict, features, claims, store }: ClientLicense): string =>
    JSON.stringify([state, code, reason, action, verdict, features, claims?.jti, store])
  return shown(one) !== shown(other)
}
