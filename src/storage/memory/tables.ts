import type {
  ApiKeyRecord,
  AppRecord,
  AuditChainRecord,
  AuditCheckpointRecord,
  AuditEntryRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  ExpiryNotice,
  KeyStatementRecord,
  LicenseKeyRecord,
  LicenseRecord,
  SigningKeyRecord,
  SnapshotRecord,
  TallyRecord,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'
import { goneError } from '../errors.ts'
import type { Journal } from './journal.ts'
import { byPosition, keyOf, type LookUp, Table } from './table.ts'

/** The signing keys of one app, under the app's id. */
export interface KeyRing {
  readonly id: string
  readonly keys: readonly SigningKeyRecord[]
}

/** The statements about the signing keys of one app, under the app's id. */
export interface Chain {
  readonly id: string
  readonly statements: readonly KeyStatementRecord[]
}

/** The features of one tier, under the tier's id, in the order of adding. */
export interface TierFeatures {
  readonly id: string
  readonly featureIds: readonly string[]
}

/** A response under its scope and key, in order of its end. */
export interface StoredResponse {
  readonly id: string
  readonly position: number
  readonly response: StoredResponseRecord
}

/** A pending delivery in the queue of its app and priority, in order of the time at which it is due. */
export interface Queued {
  readonly id: string
  readonly queue: string
  readonly position: number
}

/** The last reading of the servers' clocks, and the time since which the readings have followed each other. */
export interface Clock {
  readonly id: string
  readonly seenAt: number
  readonly steadySince: number
}

/** A tally under its key. */
export type StoredTally = TallyRecord & { readonly id: string }

/** A snapshot under the id of its app. */
export type StoredSnapshot = SnapshotRecord & { readonly id: string }

export interface Setting {
  readonly id: string
  readonly value: string
}

/** The chain of audit entries, under one id. */
export interface StoredChain {
  readonly id: string
  readonly chain: AuditChainRecord
}

/** A checkpoint of the chain, in order of its place. */
export interface StoredCheckpoint {
  readonly id: string
  readonly position: number
  readonly checkpoint: AuditCheckpointRecord
}

/** An audit entry in the order of places; at 0 if it has none yet. */
export interface AuditPlace {
  readonly id: string
  readonly group: 'sealed' | 'unsealed'
  readonly position: number
}

export function placeOf({ id, seq }: Pick<AuditEntryRecord, 'id' | 'seq'>): AuditPlace {
  return seq === null ? { id, group: 'unsealed', position: 0 } : { id, group: 'sealed', position: seq }
}

export interface Tables {
  readonly apps: Table<AppRecord>
  readonly keyRings: Table<KeyRing>
  readonly chains: Table<Chain>
  readonly tiers: Table<TierRecord>
  readonly features: Table<FeatureRecord>
  readonly tierFeatures: Table<TierFeatures>
  readonly customers: Table<CustomerRecord>
  readonly licenses: Table<LicenseRecord>
  readonly licenseKeys: Table<LicenseKeyRecord>
  readonly apiKeys: Table<ApiKeyRecord>
  readonly storedResponses: Table<StoredResponse>
  readonly webhooks: Table<WebhookRecord & { readonly id: string }>
  readonly deliveries: Table<DeliveryRecord>
  readonly queue: Table<Queued>
  readonly notices: Table<ExpiryNotice & { readonly id: string }>
  readonly tallies: Table<StoredTally>
  readonly snapshots: Table<StoredSnapshot>
  readonly clocks: Table<Clock>
  readonly settings: Table<Setting>
  readonly auditPlaces: Table<AuditPlace>
  readonly auditChains: Table<StoredChain>
  readonly auditCheckpoints: Table<StoredCheckpoint>
  readonly auditEntries: Table<AuditEntryRecord>
}

/** The tables without their writes. */
export type LookUps = {
  readonly [Name in keyof Tables]: Tables[Name] extends Table<infer R> ? LookUp<R> : never
}

const appIdOf = (record: { readonly appId: string }): string => record.appId
const slugInApp = (record: { readonly appId: string; readonly slug: string }): string =>
  keyOf(record.appId, record.slug)

export function newTables(journal: Journal): Tables {
  return {
    apps: new Table<AppRecord>(journal, { unique: [(app) => app.slug] }),
    keyRings: new Table<KeyRing>(journal),
    chains: new Table<Chain>(journal),
    tiers: new Table<TierRecord>(journal, { group: appIdOf, unique: [slugInApp], compare: byPosition }),
    features: new Table<FeatureRecord>(journal, { group: appIdOf, unique: [slugInApp] }),
    tierFeatures: new Table<TierFeatures>(journal),
    customers: new Table<CustomerRecord>(journal, {
      group: appIdOf,
      unique: [
        (customer) => keyOf(customer.appId, customer.foldedEmail),
        (customer) => (customer.externalId === null ? null : keyOf(customer.appId, customer.externalId)),
      ],
    }),
    licenses: new Table<LicenseRecord>(journal, {
      group: appIdOf,
      unique: [(license) => (license.current ? keyOf(license.appId, license.installationId) : null)],
    }),
    licenseKeys: new Table<LicenseKeyRecord>(journal, {
      group: appIdOf,
      unique: [
        (key) => keyOf(key.appId, key.handle),
        (key) => (key.aliasHash === null ? null : keyOf(key.appId, key.aliasHash)),
        (key) => (key.externalId === null ? null : keyOf(key.appId, key.externalId)),
      ],
    }),
    apiKeys: new Table<ApiKeyRecord>(journal, { unique: [(key) => key.hash] }),
    storedResponses: new Table<StoredResponse>(journal, { compare: byPosition }),
    webhooks: new Table<WebhookRecord & { readonly id: string }>(journal),
    deliveries: new Table<DeliveryRecord>(journal, { group: appIdOf }),
    queue: new Table<Queued>(journal, { group: ({ queue }) => queue, compare: byPosition }),
    notices: new Table<ExpiryNotice & { readonly id: string }>(journal, {
      group: ({ licenseId }) => licenseId,
    }),
    tallies: new Table<StoredTally>(journal, { group: appIdOf }),
    snapshots: new Table<StoredSnapshot>(journal),
    clocks: new Table<Clock>(journal),
    settings: new Table<Setting>(journal),
    auditPlaces: new Table<AuditPlace>(journal, { group: ({ group }) => group, compare: byPosition }),
    auditChains: new Table<StoredChain>(journal),
    auditCheckpoints: new Table<StoredCheckpoint>(journal, { compare: byPosition }),
    auditEntries: new Table<AuditEntryRecord>(journal, {
      unique: [({ seq }) => (seq === null ? null : `${seq}`)],
    }),
  }
}

/** The name of the queue for deliveries of one app and priority. */
export function queueOf(appId: string, priority: number): string {
  return keyOf(appId, `${priority}`)
}

/** The record, if it belongs to the app. */
export function inApp<R extends { readonly appId: string }>(appId: string, record: R | null): R | null {
  return record?.appId === appId ? record : null
}

/** Refuses to write a record that would refer to a missing one. @throws {LicensingError} `not_found` */
export function requireParent(parent: object | null): void {
  if (parent === null) throw goneError()
}
