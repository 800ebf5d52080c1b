/**
 * The storage contract: what licensing needs of a place where its records live.
 *
 * Records are plain objects of strings, numbers, booleans, `null` and lists of strings (`metadata` is any JSON
 * object), and are handed out frozen or as copies: changing one changes nothing stored. Instants are whole seconds
 * since 1970 (NumericDate, RFC 7519 section 2). Ids are made by the core and never by a storage.
 *
 * Expected outcomes are values (`null`, `false`). Writing a record whose app, customer or tier was deleted meanwhile
 * rejects with a `LicensingError` `not_found`; a storage that is closed or does not answer rejects with `unavailable`.
 * `heartwood/testing` holds every promise made here as a runnable case.
 */

import type { NumericDate } from './numeric-date.ts'
import type { ExpiryNotice, OutboxStorage } from './outbox.ts'
import type { Page } from './page.ts'
import type { SecretStorage } from './secrets.ts'

export type { NumericDate } from './numeric-date.ts'
export type * from './outbox.ts'
export type { Page, Position } from './page.ts'
export type * from './secrets.ts'

/** `live` for what is sold, `test` for trying things out. An API key sees only the apps of its own mode. */
export type Mode = 'live' | 'test'

/** A JSON object, given back exactly as it came. */
export type Metadata = Readonly<Record<string, unknown>>

export interface AppRecord {
  readonly id: string
  readonly mode: Mode
  readonly name: string
  /** Unique over the whole storage; never changes. */
  readonly slug: string
  readonly description: string | null
  readonly webhookUrl: string | null
  /** The `iss` of every token of this app; never changes. */
  readonly issuer: string
  /** The secret under which `jti`s are made, sealed. */
  readonly tokenSecret: string
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** What of an app may be changed. */
export type AppPatch = Partial<Pick<AppRecord, 'name' | 'description' | 'webhookUrl' | 'updatedAt'>>

export interface SigningKeyRecord {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string
  readonly appId: string
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  /** PKCS #8, sealed; `null` once the key is retired. */
  readonly privateKey: string | null
  readonly createdAt: NumericDate
  /** `null` for the active key; otherwise the end of the time in which its tokens are still accepted. */
  readonly acceptedUntil: NumericDate | null
}

export interface TierRecord {
  readonly id: string
  readonly appId: string
  readonly name: string
  /** Unique in the app; never changes. */
  readonly slug: string
  readonly description: string | null
  /** Order in lists, lower first. */
  readonly position: number
  /** Slugs, in the order in which they were added. */
  readonly features: readonly string[]
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** What of a tier may be changed by `updateTier`. */
export type TierPatch = Partial<Pick<TierRecord, 'name' | 'description' | 'position' | 'updatedAt'>>

export interface FeatureRecord {
  readonly id: string
  readonly appId: string
  readonly name: string
  /** Unique in the app; never changes. */
  readonly slug: string
  readonly description: string | null
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** What of a feature may be changed. */
export type FeaturePatch = Partial<Pick<FeatureRecord, 'name' | 'description' | 'updatedAt'>>

export interface CustomerRecord {
  readonly id: string
  readonly appId: string
  readonly email: string
  /** `email` as it is compared; unique in the app. */
  readonly foldedEmail: string
  readonly name: string | null
  /** Unique in the app, where given. */
  readonly externalId: string | null
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** What of a customer may be changed. */
export type CustomerPatch = Partial<Omit<CustomerRecord, 'id' | 'appId' | 'createdAt'>>

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
  /** A UUID in lower case. */
  readonly installationId: string
  /** Whether it holds the place of its installation: one license an app and installation does. */
  readonly current: boolean
  /** `null` for a license without end. */
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly revokedReason: string | null
  /** When its claims were issued: the token's `iat`. */
  readonly issuedAt: NumericDate
  /** Rises when claims are issued; what the token's `jti` carries. */
  readonly revision: number
  /** Tokens of a lower revision are refused. */
  readonly minRevision: number
  /** Rises with every write; what `updateLicense` compares. */
  readonly version: number
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** What of a license may be changed; `version` rises by itself. */
export type LicensePatch = Partial<Omit<LicenseRecord, 'id' | 'appId' | 'version' | 'createdAt'>>

export interface ApiKeyRecord {
  readonly id: string
  readonly name: string | null
  /** `sk` may write, `pk` only read. */
  readonly type: 'sk' | 'pk'
  readonly mode: Mode
  /** The app it is bound to, and that app's slug; `null` for a key to every app of its mode. */
  readonly appId: string | null
  readonly app: string | null
  /** SHA-256 of the secret, in lower-case hexadecimal. Unique. */
  readonly hash: string
  /** The secret's last four characters, to tell keys apart in a list. */
  readonly lastFour: string
  readonly createdAt: NumericDate
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly lastUsedAt: NumericDate | null
}

/** What of an API key may be changed. */
export type ApiKeyPatch = Partial<Pick<ApiKeyRecord, 'name' | 'expiresAt' | 'revokedAt'>>

export interface AppFilter {
  readonly mode?: Mode
  readonly id?: string
}

export interface CustomerFilter {
  readonly appId: string
  /** Part of the folded e-mail; every character stands for itself. */
  readonly foldedEmailPart?: string
  readonly externalId?: string
}

export interface LicenseFilter {
  readonly appId: string
  /** Judged as of `now`: expired means `now >= expiresAt`, and revoked beats expired. */
  readonly status?: 'active' | 'expired' | 'revoked'
  readonly now: NumericDate
  readonly customerId?: string
  /** `null`: those whose tier was deleted. */
  readonly tierId?: string | null
  readonly installationId?: string
}

export interface ApiKeyFilter {
  readonly mode?: Mode
}

/** One page of a bulk regeneration. */
export interface RegenerationPage {
  readonly appId: string
  readonly tierId?: string
  readonly customerId?: string
  /** The new `issuedAt`, and the time by which a license must be active. */
  readonly now: NumericDate
  readonly after?: string
  readonly limit: number
}

/** Which licenses end, or have ended, inside a span of time, and were not told of yet. */
export interface EndingLicenses {
  readonly appId: string
  /** Their end lies after `after` and not after `until`. */
  readonly after: NumericDate
  readonly until: NumericDate
  /** Without those of which a notice of this type and their present end stands. */
  readonly withoutNotice: ExpiryNotice['type']
  readonly limit: number
}

/** What may be asked of a storage, inside a transaction and outside. */
export interface StorageSession extends OutboxStorage, SecretStorage {
  /** By slug, or by id: no slug looks like an id. */
  findApp(slugOrId: string): Promise<AppRecord | null>
  /** Resolves to `false`, writing nothing, when the slug is taken. */
  insertApp(app: AppRecord): Promise<boolean>
  /** Resolves to the app as it is after the change, `null` when there is none. */
  updateApp(id: string, patch: AppPatch): Promise<AppRecord | null>
  /** Deletes the app and, in the same step, everything in it, its deliveries and the API keys bound to it. */
  deleteApp(id: string): Promise<boolean>
  /** Newest first (by id, descending). */
  listApps(filter: AppFilter, page: Page): Promise<readonly AppRecord[]>
  countApps(filter: AppFilter): Promise<number>

  /** The key that signs, or `null` before the first. */
  findActiveKey(appId: string): Promise<SigningKeyRecord | null>
  /** The active key first, then the retired ones, newest first. */
  listSigningKeys(appId: string): Promise<readonly SigningKeyRecord[]>
  /**
   * Makes `next` the app's active key in one step, but only while `expectedKid` (`null`: none yet) is the active one;
   * resolves to `false`, changing nothing, when it is not. Of any number of concurrent callers exactly one wins, and an
   * app never has two active keys.
   *
   * The private key of the old one is destroyed. With `acceptOldUntil` its public key stays, with that end; with `null`
   * it goes, and so does every other retired key of the app.
   */
  swapActiveKey(
    appId: string,
    expectedKid: string | null,
    next: SigningKeyRecord,
    acceptOldUntil: NumericDate | null,
  ): Promise<boolean>

  /** By id or by slug: no slug looks like an id. */
  findTier(appId: string, idOrSlug: string): Promise<TierRecord | null>
  /** Writes the tier without features (see {@link addTierFeature}). Resolves to `false` when the slug is taken. */
  insertTier(tier: TierRecord): Promise<boolean>
  updateTier(id: string, patch: TierPatch): Promise<TierRecord | null>
  /** Deletes the tier; licenses of it keep their `tier` and get `tierId: null` and a new `version`, in the same step. */
  deleteTier(id: string): Promise<boolean>
  /** By `position`, then by id, both ascending. */
  listTiers(appId: string, page: Page): Promise<readonly TierRecord[]>
  countTiers(appId: string): Promise<number>
  /**
   * Adds a feature at the end of a tier's. `present` when it has it already, `full` when it has `limit` features;
   * neither changes anything.
   */
  addTierFeature(tierId: string, featureId: string, limit: number): Promise<'added' | 'present' | 'full'>
  /** Resolves to `false` when the tier has no such feature. */
  removeTierFeature(tierId: string, featureId: string): Promise<boolean>

  /** By id or by slug. */
  findFeature(appId: string, idOrSlug: string): Promise<FeatureRecord | null>
  /** Resolves to `false` when the slug is taken. */
  insertFeature(feature: FeatureRecord): Promise<boolean>
  updateFeature(id: string, patch: FeaturePatch): Promise<FeatureRecord | null>
  /** Deletes the feature and takes it out of every tier. */
  deleteFeature(id: string): Promise<boolean>
  /** Newest first. */
  listFeatures(appId: string, page: Page): Promise<readonly FeatureRecord[]>
  countFeatures(appId: string): Promise<number>
  /** The features of one tier, in the order in which they were added; all of them. */
  listTierFeatures(tierId: string): Promise<readonly FeatureRecord[]>

  findCustomer(appId: string, id: string): Promise<CustomerRecord | null>
  findCustomerByEmail(appId: string, foldedEmail: string): Promise<CustomerRecord | null>
  findCustomerByExternalId(appId: string, externalId: string): Promise<CustomerRecord | null>
  /** Resolves to `false`, writing nothing, when the e-mail or the external id is taken in the app. */
  insertCustomer(customer: CustomerRecord): Promise<boolean>
  /** Resolves to `null`, changing nothing, when there is none or the e-mail or external id is taken. */
  updateCustomer(id: string, patch: CustomerPatch): Promise<CustomerRecord | null>
  /** Deletes the customer and its licenses in one step. */
  deleteCustomer(id: string): Promise<boolean>
  /** Newest first. */
  listCustomers(filter: CustomerFilter, page: Page): Promise<readonly CustomerRecord[]>
  countCustomers(filter: CustomerFilter): Promise<number>

  findLicense(appId: string, id: string): Promise<LicenseRecord | null>
  /** The license that holds the installation's place in the app named by slug or id. Asked on every verification. */
  findCurrentLicense(appSlugOrId: string, installationId: string): Promise<LicenseRecord | null>
  /**
   * Resolves to `false`, writing nothing, when another license holds the installation's place: of any number of
   * concurrent callers exactly one gets it. After `false` inside a transaction, give the transaction up.
   */
  insertLicense(license: LicenseRecord): Promise<boolean>
  /**
   * Takes the installation's place from a license that is expired or revoked as of `now`, unless it is `exceptId`;
   * its `version` rises. Leaves an active one alone.
   */
  releaseInstallation(
    appId: string,
    installationId: string,
    now: NumericDate,
    exceptId?: string,
  ): Promise<void>
  /**
   * Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`. Of any number of
   * concurrent callers naming the same version exactly one receives the new record; the others receive `null`, and so
   * does one whose patch would take an installation's place that another license holds. After `null` inside a
   * transaction, give the transaction up.
   */
  updateLicense(id: string, expectedVersion: number, patch: LicensePatch): Promise<LicenseRecord | null>
  deleteLicense(id: string): Promise<boolean>
  /** Newest first. */
  listLicenses(filter: LicenseFilter, page: Page): Promise<readonly LicenseRecord[]>
  countLicenses(filter: LicenseFilter): Promise<number>
  /** Licenses that are not revoked and end in a span of time, the earliest end first. */
  listEndingLicenses(ending: EndingLicenses): Promise<readonly LicenseRecord[]>
  /**
   * Issues the claims anew of one page of active licenses that have a tier, in ascending order of id after `after`:
   * the tier's features as they are now, `revision` and `version` plus one, `issuedAt` and `updatedAt`. One step:
   * no change to a tier or a license falls between the reading and the writing. A page has at most `limit` licenses, and
   * may have fewer, or none, before the end. `last` is the id to go on after, `null` when nothing is left.
   */
  regenerateMany(reissue: RegenerationPage): Promise<{ readonly count: number; readonly last: string | null }>

  findApiKey(id: string): Promise<ApiKeyRecord | null>
  findApiKeyByHash(hash: string): Promise<ApiKeyRecord | null>
  insertApiKey(key: ApiKeyRecord): Promise<void>
  /** Writes `key` only into a storage that has no API key at all; of concurrent callers one wins. */
  insertFirstApiKey(key: ApiKeyRecord): Promise<boolean>
  updateApiKey(id: string, patch: ApiKeyPatch): Promise<ApiKeyRecord | null>
  /** Notes when keys were last used; never lowers a time. */
  touchApiKeys(lastUsedAt: ReadonlyMap<string, NumericDate>): Promise<void>
  /** Newest first. */
  listApiKeys(filter: ApiKeyFilter, page: Page): Promise<readonly ApiKeyRecord[]>
  countApiKeys(filter: ApiKeyFilter): Promise<number>
}

/** A place where licensing records live. */
export interface Storage extends StorageSession {
  /**
   * Commits when `work` resolves; rolls back and rethrows when it rejects. Nothing of it is seen outside before the
   * commit, and two transactions never interleave in a way that a guarded verb would miss. Inside `work` use only `tx`.
   *
   * A storage may run `work` again after a deadlock or a serialisation failure, so `work` has no effects but on `tx`.
   */
  transaction<T>(work: (tx: StorageSession) => Promise<T>): Promise<T>
  /** Resolves when the storage answers. */
  ping(): Promise<void>
  /** Lets go of files and connections. May be called twice. */
  close(): Promise<void>
}
