import type { LicenseClaims } from '../core/token/token.ts'
import type { StoreCondition } from './keeper.ts'
import type { VerifiedToken } from './key-ring.ts'
import type { Settings, Verdict } from './options.ts'
import { isRevoked, type Attempt, type LicenseRecord } from './record.ts'
import { standingOf, type Standing } from './standing.ts'

/**
 * A license as its program sees it at one moment. `Feature` may be the union of the slugs that the program knows. Times are
 * whole seconds since 1970.
 */
export interface ClientLicense<Feature extends string = string> extends Standing {
  /** What the program's policy says to the state. */
  readonly verdict: Verdict
  /** What the license may do; empty when the verdict is `block`. */
  readonly features: readonly Feature[]
  /** Whether the license may do this now. */
  has(feature: Feature): boolean
  /** The tier's slug; `null` without a token. */
  readonly tier: string | null
  /** `null` for a license without end, and without a token. */
  readonly expiresAt: number | null
  /** The license's API id, `lic_…`. */
  readonly licenseId: string | null
  readonly installationId: string | null
  /** All that the verified token says, whatever the state; `null` without one. */
  readonly claims: LicenseClaims | null
  /** The last attempt to get a new token. */
  readonly lastAttempt: Attempt | null
  /** Whether the license is kept: `corrupt` content counts as none, an `unavailable` store forgets at the program's end. */
  readonly store: StoreCondition
}

/** What the client knows at a moment. */
export interface Knowledge {
  readonly settings: Settings
  readonly record: LicenseRecord
  readonly held: VerifiedToken | null
  readonly condition: StoreCondition
  /** Whether there is a token that cannot be verified before the server's newer keys are here. */
  readonly awaitsKey: boolean
  readonly now: number
  readonly seenAt: number
}

function problemOf({ record, condition, settings }: Knowledge): string {
  if (condition === 'corrupt')
    return 'The stored license is damaged: the license token has to be entered again'
  if (record.token !== null) return 'The stored license token is not valid for this program'
  if (settings.token !== null) return 'The configured license token is not valid for this program'
  return 'There is no license token'
}

function standing(knowledge: Knowledge): Standing {
  const { settings, record, held, now, seenAt } = knowledge
  return standingOf({
    ...(held !== null && { token: held.claims }),
    problem: problemOf(knowledge),
    awaitsKey: knowledge.awaitsKey,
    revokedAt: isRevoked(record, held) ? (record.revoked?.at ?? now) : null,
    refusal: record.attempt?.code ?? null,
    unreachable: record.attempt?.outcome === 'unreachable',
    now,
    seenAt,
    refreshEvery: settings.refreshEvery,
    maxOffline: settings.maxOffline,
    grace: settings.grace,
  })
}

const none: readonly never[] = Object.freeze([])

/** The license as the program is to see it. */
export function licenseOf<Feature extends string>(knowledge: Knowledge): ClientLicense<Feature> {
  const { settings, record, held, condition } = knowledge
  const stands = standing(knowledge)
  const verdict = settings.policy[stands.state]
  // A blocked program gets no features, so that one which asks for a feature alone is blocked too.
  const features = (verdict === 'block' ? none : (held?.claims.features ?? none)) as readonly Feature[]
  return {
    ...stands,
    verdict,
    features,
    has: (feature) => features.includes(feature),
    tier: held?.claims.tier ?? null,
    expiresAt: held?.claims.exp ?? null,
    licenseId: held?.licenseId ?? record.revoked?.licenseId ?? null,
    installationId: held?.claims.sub ?? null,
    claims: held?.claims ?? null,
    lastAttempt: record.attempt,
    store: condition,
  }
}

/** Whether a program would want to be told of the difference: all but the times and the attempts. */
export function differs(one: ClientLicense, other: ClientLicense): boolean {
  const shown = ({ state, code, reason, action, verdict, features, claims, store }: ClientLicense): string =>
    JSON.stringify([state, code, reason, action, verdict, features, claims?.jti, store])
  return shown(one) !== shown(other)
}
