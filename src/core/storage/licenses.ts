import { Type } from '@sinclair/typebox'
import {
  flag,
  instant,
  limits,
  metadata,
  nullable,
  oneOf,
  slug,
  slugs,
  text,
  type Metadata,
} from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { AuditEntryRecord } from './audit-entries.ts'
import type { Limits } from '../limits.ts'
import type { Page } from './page.ts'
import {
  counter,
  described,
  formed,
  id,
  thumbprint,
  timestamps,
  version,
  type RecordSchema,
} from './schema.ts'
import type { NumericDate } from './time.ts'

const revokedCauses = ['released', 'lapsed', 'replaced', 'moved', 'key_revoked'] as const

/** The cause of a revocation that the vendor did not order. */
export type RevokedCause = (typeof revokedCauses)[number]

export interface LicenseRecord {
  readonly id: string
  readonly appId: string
  readonly customerId: string
  /** `null` once the tier was deleted. */
  readonly tierId: string | null
  /** The tier's slug as it was at issue. */
  readonly tier: string
  /** The tier's features as they were at issue. */
  readonly tierFeatures: readonly string[]
  /** Features of this license alone. */
  readonly customFeatures: readonly string[]
  /** The tier's limits as they were at issue. */
  readonly tierLimits: Limits
  /** Limits of this license alone, which override the tier's name by name. */
  readonly customLimits: Limits
  /** A UUID in lower case. */
  readonly installationId: string
  /** True if it occupies its installation slot: one license of an app and installation does. */
  readonly current: boolean
  /** `null` for a license without end. */
  readonly expiresAt: NumericDate | null
  /** It covers versions of the program that were released until then; `null` for all. */
  readonly updatesUntil: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly revokedReason: string | null
  /** `null` for a license that is not revoked, and for one that the vendor revoked. */
  readonly revokedCause: RevokedCause | null
  /** The time at which its claims were issued: the token's `iat`. */
  readonly issuedAt: NumericDate
  /** Rises when claims are issued. The token's `jti` carries it. */
  readonly revision: number
  /** Tokens of a lower revision are refused. */
  readonly minRevision: number
  /** Rises with every write. `updateLicense` compares it. */
  readonly version: number
  /** The last renewal by the license's own token; `null` before the first. */
  readonly seenAt: NumericDate | null
  /** The `kid` of the key that verified the token of that renewal. */
  readonly seenKid: string | null
  /** The program that asked for that renewal, as it named itself. */
  readonly seenClient: string | null
  /** The license key that it is a seat of; `null` for a license without one. */
  readonly licenseKeyId: string | null
  /** The name of the installation, for people. */
  readonly name: string | null
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

export const licenseRecord: RecordSchema<LicenseRecord> = input<LicenseRecord>()(
  Type.Object({
    id: id('lic', 'Id of the license'),
    appId: id('app', 'App of the license'),
    customerId: id('cus', 'Customer who holds the license'),
    tierId: nullable(id('tier', 'Tier of the license; null after the tier was deleted')),
    tier: described('Slug of the tier, as in the token', slug()),
    tierFeatures: slugs('The tier’s features as they were at issue', 10_000),
    customFeatures: slugs('Features of this license only', 10_000),
    tierLimits: limits('The tier’s limits as they were at issue', 10_000),
    customLimits: limits('Limits of this license only, which override the tier’s', 10_000),
    installationId: {
      ...formed(
        'Installation id, a UUID in lower case',
        '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        'must be a UUID in lower case',
      ),
      maxLength: 36,
    },
    current: flag('True if it occupies its installation slot; an index allows one an app and installation'),
    expiresAt: nullable(instant('Time of expiry; null means never')),
    updatesUntil: nullable(instant('It covers versions released until then; null means all versions')),
    revokedAt: nullable(instant('Time of the revocation')),
    revokedReason: nullable(text('Reason of the revocation', 0, 1024)),
    revokedCause: nullable(
      oneOf('Cause of the revocation; null if the vendor revoked the license, or nobody did', revokedCauses),
    ),
    issuedAt: instant('Time at which the claims were issued: iat in the token'),
    revision: counter('Rises when claims are issued; part of the token’s jti', 1),
    minRevision: counter('Tokens of a lower revision are refused', 0),
    version: version(1),
    seenAt: nullable(instant('Time of the last renewal by the license’s own token; null before the first')),
    seenKid: nullable(thumbprint('Thumbprint of the key that verified the token of that renewal')),
    seenClient: nullable(
      formed(
        'Program that asked for that renewal, as it named itself',
        '^[ -~]{1,64}$',
        'must be 1 to 64 printable ASCII characters',
      ),
    ),
    licenseKeyId: nullable(id('lkey', 'License key that it is a seat of; null for a license without one')),
    name: nullable(text('Name of the installation, for people', 0, 64)),
    metadata: described('Given back as it came', metadata()),
    ...timestamps(),
  }),
)

/** The fields of a license that may change; `version` rises by itself. */
export type LicensePatch = Partial<Omit<LicenseRecord, 'id' | 'appId' | 'version' | 'createdAt'>>

export interface LicenseFilter {
  readonly appId: string
  /** The status as of `now`. A license is expired if `now >= expiresAt`, and revoked beats expired. */
  readonly status?: 'active' | 'expired' | 'revoked' | undefined
  readonly now: NumericDate
  readonly customerId?: string | undefined
  /** `null` finds the licenses whose tier was deleted. */
  readonly tierId?: string | null | undefined
  readonly installationId?: string | undefined
  readonly licenseKeyId?: string | undefined
  /** They end before this time. A license without end passes neither this nor `expiresAfter`. */
  readonly expiresBefore?: NumericDate | undefined
  /** They end at this time or later. */
  readonly expiresAfter?: NumericDate | undefined
  /** They were last seen before this time. A license that was never seen does not pass. */
  readonly seenBefore?: NumericDate | undefined
  /** They were created at this time or later. */
  readonly createdAfter?: NumericDate | undefined
}

/**
 * An order of licenses by a time, and then by id in the same direction. Licenses without end come last in either direction. In
 * the order of `seenAt`, a list has only licenses that were seen.
 */
export interface LicenseOrder {
  readonly by: 'createdAt' | 'expiresAt' | 'seenAt'
  readonly descending: boolean
}

/** One page of a bulk regeneration. */
export interface RegenerationPage {
  readonly appId: string
  readonly tierId?: string | undefined
  readonly customerId?: string | undefined
  /** The new `issuedAt`. Only licenses that are active at this time are regenerated. */
  readonly now: NumericDate
  /** Begins after the license with this id. */
  readonly after?: string | undefined
  readonly limit: number
}

/** The result of one page of a bulk regeneration. */
export interface RegeneratedPage {
  /** The number of licenses that were regenerated. */
  readonly count: number
  /** The id after which the next page begins, or `null` if no license is left. */
  readonly last: string | null
}

/** The active licenses of an app, to be counted by their last sign of life. */
export interface SeenFilter {
  readonly appId: string
  readonly now: NumericDate
  /** The times that divide the counts, latest first. */
  readonly since: readonly NumericDate[]
}

/** A number of active licenses. */
export interface SeenCount {
  /** Their `seenKid`; `null` if they were never seen. */
  readonly kid: string | null
  /** The latest of the filter's times that is not after their `seenAt`; `null` if they were seen before all, or never. */
  readonly since: NumericDate | null
  readonly count: number
}

export interface LicenseStorage {
  findLicense(appId: string, id: string): Promise<LicenseRecord | null>
  /** The license that occupies the installation slot in an app, named by slug or id. Every verification asks for it. */
  findCurrentLicense(appSlugOrId: string, installationId: string): Promise<LicenseRecord | null>
  /**
   * Resolves to `false` and writes nothing if another license occupies the installation slot. Exactly one of several
   * concurrent callers gets it. After `false` inside a transaction, give the transaction up. It writes `entry` in the same step
   * if it writes the license.
   */
  insertLicense(license: LicenseRecord, entry?: AuditEntryRecord): Promise<boolean>
  /**
   * Releases the installation slot if its license is expired or revoked as of `now`, unless that license is `exceptId`. The
   * `version` of the license rises. An active license keeps its slot. A taken seat of a license key that loses its slot is
   * revoked in the same step, with the cause `replaced`.
   */
  releaseInstallation(
    appId: string,
    installationId: string,
    now: NumericDate,
    exceptId?: string,
  ): Promise<void>
  /**
   * Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`. Exactly one of several
   * concurrent callers that name the same version receives the new record; the others receive `null`. A patch that would
   * take an occupied installation slot also receives `null`. After `null` inside a transaction, give the transaction up. It
   * writes `entry` in the same step if it writes the license.
   */
  updateLicense(
    id: string,
    expectedVersion: number,
    patch: LicensePatch,
    entry?: AuditEntryRecord,
  ): Promise<LicenseRecord | null>
  deleteLicense(id: string): Promise<boolean>
  /**
   * Newest first, or in another order. Then `page.after` has the license's time as its `position`, and `null` for a license
   * without end. A license that changes its time between two pages may come twice, or be passed over; no other does.
   */
  listLicenses(filter: LicenseFilter, page: Page, order?: LicenseOrder): Promise<readonly LicenseRecord[]>
  /** No license counts twice. One that is written meanwhile counts as it was before or after. */
  countLicenses(filter: LicenseFilter): Promise<number>
  /** Counts the active licenses by their last sign of life. Counts of zero are left out. As `countLicenses` otherwise. */
  countSeen(filter: SeenFilter): Promise<readonly SeenCount[]>
  /**
   * Regenerates one page of active licenses that have a tier, by id ascending, after `after`. Each gets the tier's present
   * features and limits, `now` as its `issuedAt` and `updatedAt`, and a `revision` and `version` raised by one. It is one step: no change
   * to a tier or a license falls between reading and writing. A page has at most `limit` licenses. It may have fewer, or none,
   * before the end of the list.
   */
  regenerateMany(page: RegenerationPage): Promise<RegeneratedPage>
}
