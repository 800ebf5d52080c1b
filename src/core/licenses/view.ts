import { deriveToken, featuresOf, jtiOf } from './issue-token.ts'
import type { Context } from '../context.ts'
import { withSigningSlot } from '../keys/signing-queue.ts'
import type { Slot } from '../runtime/work-queue.ts'
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

export type LicenseStatus = License['status']

export async function toLicense(context: Context, app: AppRecord, record: LicenseRecord): Promise<License> {
  return {
    id: record.id,
    installationId: record.installationId,
    customerId: record.customerId,
    tierId: record.tierId,
    tier: record.tier,
    features: featuresOf(record),
    customFeatures: record.customFeatures,
    status: statusOf(record, context.runtime.now()),
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

/** The license before its token is signed. */
export async function toUnsigned(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
): Promise<SignedLicense> {
  return { ...(await toLicense(context, app, record)), token: null }
}

/** The license with its token, signed in a slot that the caller holds. Without a slot, or in another status, it has none. */
export async function toSigned(
  context: Context,
  app: AppRecord,
  license: License,
  slot: Slot | null,
  signs: readonly LicenseStatus[] = ['active'],
): Promise<SignedLicense> {
  if (slot === null || !signs.includes(license.status)) return { ...license, token: null }
  const token = await deriveToken(context, app, license, slot)
  context.recorder?.issued(token)
  return { ...license, token }
}

/** The license as it was read, with its token. Only a license that gets one takes a signing slot. */
export async function withToken(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
  signs: readonly LicenseStatus[] = ['active'],
): Promise<SignedLicense> {
  const license = await toLicense(context, app, record)
  if (!signs.includes(license.status)) return { ...license, token: null }
  return withSigningSlot(context, (slot) => toSigned(context, app, license, slot, signs))
}

/** The license, with its token if that was asked for: the overloads of `get` promise no less. */
export async function present(
  context: Context,
  app: AppRecord,
  record: LicenseRecord,
  options?: IncludeToken,
): Promise<SignedLicense> {
  if (options !== undefined) return withToken(context, app, record)
  return (await toLicense(context, app, record)) as SignedLicense
}
