import { Type } from '@sinclair/typebox'
import {
  instant,
  integer,
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
import type { LicenseRecord, RevokedCause } from './licenses.ts'
import type { Page } from './page.ts'
import {
  counter,
  described,
  formed,
  hashed,
  id,
  noted,
  timestamps,
  version,
  type RecordSchema,
} from './schema.ts'
import type { NumericDate } from './time.ts'

const saleEndings = ['cancelled', 'refund', 'dispute'] as const

/** The way in which a sale ended, as the shop says. */
export type SaleEnding = (typeof saleEndings)[number]

/** The thing that is sold: the right to a number of seats. A seat is a license with a `licenseKeyId`. */
export interface LicenseKeyRecord {
  readonly id: string
  readonly appId: string
  readonly customerId: string
  /** `null` once the tier was deleted. */
  readonly tierId: string | null
  /** The tier's slug, the last one if the tier was deleted. */
  readonly tier: string
  /** Features of its seats beside the tier's. */
  readonly customFeatures: readonly string[]
  /** Limits of its seats, which override the tier's name by name. */
  readonly customLimits: Limits
  readonly name: string | null
  /** The first seven symbols of its text, by which it is found. Unique in the app. */
  readonly handle: string
  /** The number of its text. A roll raises it. The text is derived from it, and never stored. */
  readonly keyRevision: number
  /** The time until which the text before the last roll works too; `null` if it does not. */
  readonly previousUntil: NumericDate | null
  /** Keyed hash of the key of another shop. Unique in the app unless it is `null`. */
  readonly aliasHash: string | null
  readonly aliasLastFour: string | null
  /** The time from which the other shop's key no longer works; `null` if it works as long as this license key. */
  readonly aliasUntil: NumericDate | null
  /** The number of seats that were sold. */
  readonly seats: number
  readonly whenFull: 'refuse' | 'replace_oldest'
  /** Days without a sign of life after which a seat may be given to another installation; `null` for never. */
  readonly idleDays: number | null
  /** Releases that holders may make in a year; `null` for any number. */
  readonly releasesPerYear: number | null
  /** Releases since `releaseYearStart`. */
  readonly releaseCount: number
  /** `null` before the first release that counts. */
  readonly releaseYearStart: NumericDate | null
  /** `null` for a license key without end, and for one that starts with its first activation. */
  readonly expiresAt: NumericDate | null
  /** Days from the first activation to the end; `null` unless `starts` is `activation`. */
  readonly durationDays: number | null
  readonly starts: 'creation' | 'activation'
  /** The first activation; `null` before it. */
  readonly activatedAt: NumericDate | null
  /** Versions that were released until then are covered; `null` for all. */
  readonly updatesUntil: NumericDate | null
  /** The sale in the shop. Unique in the app unless it is `null`. */
  readonly externalId: string | null
  /** The time of the shop's newest statement on the sale; `null` if there was none. */
  readonly externalAsOf: NumericDate | null
  /** The end of the sale in that statement. */
  readonly externalEnded: SaleEnding | null
  readonly revokedAt: NumericDate | null
  readonly revokedReason: string | null
  /** The end of the sale that revoked it; `null` if the vendor revoked it, or nobody did. */
  readonly revokedCause: SaleEnding | null
  /** The `expiresAt` that was announced last as coming. */
  readonly toldExpiring: NumericDate | null
  /** The `expiresAt` that was announced last as past. */
  readonly toldExpired: NumericDate | null
  /** The time at which the lack of a free seat was announced last. */
  readonly toldFull: NumericDate | null
  /** Rises with every write. `updateLicenseKey` compares it. */
  readonly version: number
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

export const licenseKeyRecord: RecordSchema<LicenseKeyRecord> = input<LicenseKeyRecord>()(
  Type.Object({
    id: id('lkey', 'Id of the license key'),
    appId: id('app', 'App of the license key'),
    customerId: id('cus', 'Customer who bought it'),
    tierId: nullable(id('tier', 'Tier of its seats; null after the tier was deleted')),
    tier: described('Slug of the tier, the last one if the tier was deleted', slug()),
    customFeatures: slugs('Features of its seats beside the tier’s', 10_000),
    customLimits: limits('Limits of its seats, which override the tier’s name by name', 10_000),
    name: nullable(text('Name, for people', 0, 255)),
    handle: noted(
      'unique in the app',
      formed(
        'First symbols of its text, by which it is found',
        '^[0-9A-HJKMNP-TV-Z]{7}$',
        'must be seven symbols of Crockford base32',
      ),
    ),
    keyRevision: counter('Number of its text, which is derived and never stored; a roll raises it', 1),
    previousUntil: nullable(instant('Time until which the text before the last roll works too')),
    aliasHash: nullable(
      noted(
        'unique in the app',
        hashed('Key of another shop', '^[A-Za-z0-9_-]{43}$', 'must be HMAC-SHA-256 in base64url'),
      ),
    ),
    aliasLastFour: nullable(text('Last four characters of that key', 4, 4)),
    aliasUntil: nullable(instant('Time from which that key no longer works; null for never')),
    seats: integer('Seats that were sold', 1, 10_000),
    whenFull: oneOf('What happens if all seats are taken', ['refuse', 'replace_oldest']),
    idleDays: nullable(integer('Days of silence after which a seat may be given away', 1, 3650)),
    releasesPerYear: nullable(
      integer('Releases that holders may make in a year; null for any', 0, 1_000_000),
    ),
    releaseCount: counter('Releases that holders have made in the year', 0),
    releaseYearStart: nullable(instant('Start of that year; null before the first such release')),
    expiresAt: nullable(instant('Time of expiry; null means never, or not before the first activation')),
    durationDays: nullable(integer('Days from the first activation to the end', 1, 36_500)),
    starts: oneOf('Event that starts its time', ['creation', 'activation']),
    activatedAt: nullable(instant('Time of the first activation')),
    updatesUntil: nullable(instant('Versions released until then are covered; null means all')),
    externalId: nullable(noted('unique in the app', text('Id of the sale in the shop', 0, 255))),
    externalAsOf: nullable(instant('Time of the shop’s newest statement on the sale')),
    externalEnded: nullable(oneOf('End of the sale in that statement', saleEndings)),
    revokedAt: nullable(instant('Time of the revocation')),
    revokedReason: nullable(text('Reason of the revocation', 0, 1024)),
    revokedCause: nullable(
      oneOf('End of the sale that revoked it; null if the vendor revoked it, or nobody did', saleEndings),
    ),
    toldExpiring: nullable(instant('The end that was announced last as coming')),
    toldExpired: nullable(instant('The end that was announced last as past')),
    toldFull: nullable(instant('Time at which the lack of a free seat was announced last')),
    version: version(1),
    metadata: described('Given back as it came', metadata()),
    ...timestamps(),
  }),
)

/** The fields of a license key that may change; `version` rises by itself. */
export type LicenseKeyPatch = Partial<
  Omit<LicenseKeyRecord, 'id' | 'appId' | 'handle' | 'version' | 'createdAt'>
>

export interface LicenseKeyFilter {
  readonly appId: string
  /** The status as of `now`. A license key is expired if `now >= expiresAt`, and revoked beats expired. */
  readonly status?: 'active' | 'expired' | 'revoked' | undefined
  readonly now: NumericDate
  readonly customerId?: string | undefined
  readonly tierId?: string | undefined
}

/** License keys that end, or have ended, in a span of time and were not announced yet. */
export interface EndingLicenseKeys {
  readonly appId: string
  /** Their end is later than this. */
  readonly after: NumericDate
  /** Their end is not later than this. */
  readonly until: NumericDate
  /** Skips license keys whose present end is the one in this field. */
  readonly unlessTold: 'toldExpiring' | 'toldExpired'
  readonly limit: number
}

/** The seats of a license key, as one installation finds them. */
export interface Seating {
  /**
   * The seat of the installation, in any state: the taken one if there is one, otherwise the newest that the vendor revoked,
   * otherwise the newest; `null` if the installation never had one.
   */
  readonly seat: LicenseRecord | null
  /** The number of taken seats, that of the installation among them. */
  readonly taken: number
}

/** The seats that one call releases. */
export interface SeatRelease {
  readonly licenseKeyId: string
  readonly now: NumericDate
  /** The `revokedCause` of the seats. */
  readonly cause: Extract<RevokedCause, 'released' | 'lapsed' | 'replaced'>
  /** Only seats that were last seen before this time. */
  readonly seenBefore?: NumericDate | undefined
  /** No seat of these ids. */
  readonly exceptIds?: readonly string[] | undefined
  readonly limit: number
}

/** The fields that a seat copies from its license key. An absent one stays as it is. */
export type SeatClaims = Partial<
  Pick<
    LicenseRecord,
    | 'customerId'
    | 'tierId'
    | 'tier'
    | 'tierFeatures'
    | 'tierLimits'
    | 'customFeatures'
    | 'customLimits'
    | 'updatesUntil'
  >
>

/** The new claims of all seats of a license key. */
export interface SeatReissue {
  readonly licenseKeyId: string
  readonly now: NumericDate
  /** The new end; `null` for none. Without it, each seat keeps its end. */
  readonly end?: NumericDate | null
  readonly claims: SeatClaims
}

/**
 * License keys and their seats. A seat is a license with a `licenseKeyId`, and it is taken while the license is not revoked.
 * A taken seat always occupies its installation slot.
 */
export interface LicenseKeyStorage {
  /**
   * Resolves to `false`, and writes nothing, if the handle, the alias or the external id is taken in the app. Otherwise it writes
   * `entry` in the same step.
   */
  insertLicenseKey(key: LicenseKeyRecord, entry?: AuditEntryRecord): Promise<boolean>
  findLicenseKey(appId: string, id: string): Promise<LicenseKeyRecord | null>
  findLicenseKeyByHandle(appId: string, handle: string): Promise<LicenseKeyRecord | null>
  findLicenseKeyByAlias(appId: string, aliasHash: string): Promise<LicenseKeyRecord | null>
  findLicenseKeyByExternalId(appId: string, externalId: string): Promise<LicenseKeyRecord | null>
  /**
   * Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`. Exactly one of several
   * concurrent callers that name the same version receives the new record; the others receive `null`. A patch whose alias or
   * external id is taken also receives `null`. After `null` inside a transaction, give the transaction up.
   */
  updateLicenseKey(
    id: string,
    expectedVersion: number,
    patch: LicenseKeyPatch,
  ): Promise<LicenseKeyRecord | null>
  /**
   * Adds one to `version`, and resolves to the record as it then is; `null` if it is gone. As the first statement of a
   * transaction it makes callers take turns: of the transactions that hold one license key, each begins after the other ended.
   */
  holdLicenseKey(id: string): Promise<LicenseKeyRecord | null>
  /** Deletes the license key and all its seats in one step. */
  deleteLicenseKey(id: string): Promise<boolean>
  /** Newest first. */
  listLicenseKeys(filter: LicenseKeyFilter, page: Page): Promise<readonly LicenseKeyRecord[]>
  countLicenseKeys(filter: LicenseKeyFilter): Promise<number>
  /** License keys that are not revoked and end in a span of time, the earliest end first. */
  listEndingLicenseKeys(ending: EndingLicenseKeys): Promise<readonly LicenseKeyRecord[]>
  /** The seat of an installation, and the number of taken seats, both as of one moment. */
  findSeating(licenseKeyId: string, installationId: string): Promise<Seating>
  /** The number of taken seats, or of those that were last seen before a time. */
  countSeats(licenseKeyId: string, seenBefore?: NumericDate): Promise<number>
  /**
   * Revokes at most `limit` taken seats that match, the one that was seen first before the others. Their `revokedAt` and
   * `updatedAt` are `now`, and their `version` rises. Resolves to them as they then are.
   */
  releaseSeats(release: SeatRelease): Promise<readonly LicenseRecord[]>
  /**
   * Issues the claims of all taken seats anew in one step, and their end. Their `issuedAt` and `updatedAt` are `now`, and
   * their `revision` and `version` rise. Resolves to the number of seats.
   */
  reissueSeats(reissue: SeatReissue): Promise<number>
  /**
   * Revokes all taken seats in one step with the cause `key_revoked`. Their `version` rises. Resolves to the number of seats.
   */
  revokeSeats(licenseKeyId: string, now: NumericDate): Promise<number>
  /**
   * Undoes `revokeSeats` in one step for the seats that still occupy their installation slot. The others get the cause
   * `replaced`, because another license has their slot. The `version` of both rises. Resolves to the number of seats that are
   * taken again.
   */
  reinstateSeats(licenseKeyId: string, now: NumericDate): Promise<number>
  /** Deletes at most `limit` seats of a license key, the first by id. Resolves to their number. */
  deleteSeats(licenseKeyId: string, limit: number): Promise<number>
  /**
   * Deletes at most `limit` seats that were released, or are revoked for another cause than the vendor's word, and were last
   * written before a time. Resolves to their number.
   */
  pruneSeats(before: NumericDate, limit: number): Promise<number>
}
