import { deriveToken, featuresOf, jtiOf } from './issue-token.ts'
import type { Context } from '../context.ts'
import { statusOf } from '../token/decision.ts'
import type { AppRecord, LicenseRecord, Metadata, NumericDate } from '../storage/index.ts'

/** The right of one installation to use an app. Times are whole seconds since 1970. */
export interface License {
  /** `lic_…`, the TypeID of the UUID in the token's `lic_id`. */
  readonly id: string
  readonly installationId: string
  readonly customerId: string
  /** `null` once the tier was deleted. */
  readonly tierId: string | null
  /** The tier's slug, as the token says it. */
  readonly tier: string
  /** What the token says: the tier's features as they were at issue, then the custom ones. */
  readonly features: readonly string[]
  readonly customFeatures: readonly string[]
  readonly status: 'active' | 'expired' | 'revoked'
  /** `null` for a license without end. */
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly revokedReason: string | null
  /** When the claims were issued: the token's `iat`. */
  readonly issuedAt: NumericDate
  /** The id of the token. */
  readonly jti: string
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
  /** There when it was asked for: see {@link SignedLicense}. */
  readonly token?: string | null
}

/** A license with its token, which is `null` unless it is active (or expired and regenerated just now). */
export interface SignedLicense extends License {
  readonly token: string | null
}

/** Asks for the token as well, which costs a signature: some 4 ms of one core. */
export interface IncludeToken {
  readonly include: 'token'
}

type Status = License['status']

export async function toLicense(context: Context, app: AppRecord, record: LicenseRecord): Promise<License> {
  return {
    id: record.id,
    installationId: record.installationId,
    customerId: record.customerId,
    tierId: record.tierId,
    tier: record.tier,
    features: featuresOf(record),
    customFeatures: record.customFeatures,
    status: statusOf(record, context.now()),
    expiresAt: record.expiresAt,
    revokedAt: record.revokedAt,
    revokedReason: record.revokedReason,
    issuedAt: record.issuedAt,
    jti: await jtiOf(context, app, record),
    metadata: record.metadata,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
  }
}

/** The license as answered before its token is signed. */
export async function unsignedView(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
): Promise<SignedLicense> {
  return { ...(await toLicense(context, app, record)), token: null }
}

/** The token of an active license; of an expired one only where its own regeneration answers. None in a lent transaction. */
export async function tokenOf(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
  signs: readonly Status[] = ['active'],
): Promise<string | null> {
  const isSigned = !context.lent && signs.includes(statusOf(record, context.now()))
  return isSigned ? deriveToken(context, app, record) : null
}

export async function toSigned(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
  signs?: readonly Status[],
): Promise<SignedLicense> {
  return { ...(await toLicense(context, app, record)), token: await tokenOf(context, app, record, signs) }
}

/** The license, and its token where that was asked for: what the overloads of `get` promise. */
export async function present(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
  options?: IncludeToken,
): Promise<SignedLicense> {
  const answer = options === undefined ? toLicense(context, app, record) : toSigned(context, app, record)
  return answer as Promise<SignedLicense>
}
