import { LicensingError } from '../../core/errors.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  ExpiryNotice,
  LicenseRecord,
  SigningKeyRecord,
  StorageSession,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'
import type { Journal } from './journal.ts'
import { byPosition, keyOf, Table } from './table.ts'

/** The verbs of a session, answering at once: nothing can come between the steps of one. */
export type SyncSession = {
  readonly [Verb in keyof StorageSession]: (
    ...args: Parameters<StorageSession[Verb]>
  ) => Awaited<ReturnType<StorageSession[Verb]>>
}

/** The signing keys of one app, under the app's id. */
export interface KeyRing {
  readonly id: string
  readonly keys: readonly SigningKeyRecord[]
}

/** The features of one tier, under the tier's id, in the order in which they were added. */
export interface TierFeatures {
  readonly id: string
  readonly featureIds: readonly string[]
}

/** An answer under its scope and key, in order of its end. */
export interface StoredResponse {
  readonly id: string
  readonly position: number
  readonly answer: StoredResponseRecord
}

/** A pending delivery in its place, in order of when it is due. */
export interface Queued {
  readonly id: string
  readonly queue: string
  readonly position: number
}

/** When a clock was last seen, and since when its sightings follow each other. */
export interface Clock {
  readonly id: string
  readonly seenAt: number
  readonly steadySince: number
}

export interface Setting {
  readonly id: string
  readonly value: string
}

export interface Tables {
  readonly apps: Table<AppRecord>
  readonly keyRings: Table<KeyRing>
  readonly tiers: Table<TierRecord>
  readonly features: Table<FeatureRecord>
  readonly tierFeatures: Table<TierFeatures>
  readonly customers: Table<CustomerRecord>
  readonly licenses: Table<LicenseRecord>
  readonly apiKeys: Table<ApiKeyRecord>
  readonly storedResponses: Table<StoredResponse>
  readonly webhooks: Table<WebhookRecord & { readonly id: string }>
  readonly deliveries: Table<DeliveryRecord>
  readonly queue: Table<Queued>
  readonly notices: Table<ExpiryNotice & { readonly id: string }>
  readonly clocks: Table<Clock>
  readonly settings: Table<Setting>
}

const ofApp = (record: { readonly appId: string }): string => record.appId
const slugInApp = (record: { readonly appId: string; readonly slug: string }): string =>
  keyOf(record.appId, record.slug)

export function newTables(journal: Journal): Tables {
  return {
    apps: new Table<AppRecord>(journal, { unique: [(app) => app.slug] }),
    keyRings: new Table<KeyRing>(journal),
    tiers: new Table<TierRecord>(journal, { group: ofApp, unique: [slugInApp], compare: byPosition }),
    features: new Table<FeatureRecord>(journal, { group: ofApp, unique: [slugInApp] }),
    tierFeatures: new Table<TierFeatures>(journal),
    customers: new Table<CustomerRecord>(journal, {
      group: ofApp,
      unique: [
        (customer) => keyOf(customer.appId, customer.foldedEmail),
        (customer) => (customer.externalId === null ? null : keyOf(customer.appId, customer.externalId)),
      ],
    }),
    licenses: new Table<LicenseRecord>(journal, {
      group: ofApp,
      unique: [(license) => (license.current ? keyOf(license.appId, license.installationId) : null)],
    }),
    apiKeys: new Table<ApiKeyRecord>(journal, { unique: [(key) => key.hash] }),
    storedResponses: new Table<StoredResponse>(journal, { compare: byPosition }),
    webhooks: new Table<WebhookRecord & { readonly id: string }>(journal),
    deliveries: new Table<DeliveryRecord>(journal, { group: ofApp }),
    queue: new Table<Queued>(journal, { group: ({ queue }) => queue, compare: byPosition }),
    notices: new Table<ExpiryNotice & { readonly id: string }>(journal, {
      group: ({ licenseId }) => licenseId,
    }),
    clocks: new Table<Clock>(journal),
    settings: new Table<Setting>(journal),
  }
}

/** The name of the queue that deliveries of one app and priority stand in. */
export function queueOf(appId: string, priority: number): string {
  return keyOf(appId, `${priority}`)
}

/** Refuses to write a record that would point to nothing. */
export function requireParent(parent: object | null): void {
  if (parent === null) throw new LicensingError('not_found', 'What the record belongs to no longer exists')
}
