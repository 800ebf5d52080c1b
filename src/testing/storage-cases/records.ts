import { apiKeyRecord } from '../../core/storage/api-keys.ts'
import { appRecord } from '../../core/storage/apps.ts'
import { customerRecord } from '../../core/storage/customers.ts'
import { deliveryRecord } from '../../core/storage/deliveries.ts'
import { licenseKeyRecord } from '../../core/storage/license-keys.ts'
import { licenseRecord } from '../../core/storage/licenses.ts'
import { fieldsOf, type RecordSchema } from '../../core/storage/schema.ts'
import { webhookRecord } from '../../core/storage/webhooks.ts'
import type { Limits } from '../../core/limits.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  AuditEntryRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  LicenseKeyRecord,
  LicenseRecord,
  SigningKeyRecord,
  Storage,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'

/** The time at which every record was created. */
export const madeAt = 1_800_000_000

/** Text that a careless storage changes: other scripts, an emoji, quotes, wildcards, a combining accent. */
export const oddText = `Łódź 木 🌳 e\u0301 ' " \\ % _ \n\t`

/** Past 2^31 seconds: the year 9999. */
export const farFuture = 253_402_300_799

/** JSON with values that are easily lost. `__proto__` is an ordinary name in it. */
/** Limits whose names every object has, or that engines put in an order of their own. */
export const oddLimits: Limits = JSON.parse(
  '{"b":0,"__proto__":9007199254740991,"constructor":1,"10":2,"9":3}',
) as Limits

export const oddMetadata: Readonly<Record<string, unknown>> = JSON.parse(
  '{"": "", "zero": 0, "null": null, "false": false, "deep": [{"a": [1.5, -1, 9007199254740991]}], "🌳": "木", "__proto__": {"own": true}}',
)

let made = 0

/** A new id: a TypeID. It sorts after all earlier ones. */
export function newId(prefix: string): string {
  return `${prefix}_0000000000e008${String(++made).padStart(12, '0')}`
}

/** A new UUID. */
export function newInstallation(): string {
  return `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`
}

type Nulls<Entry> = { [Name in keyof Entry as null extends Entry[Name] ? Name : never]: null }

/** `null` for every field of a record that may be `null`. */
function nullsOf<Entry>(record: RecordSchema<Entry>): Nulls<Entry> {
  const nullable = fieldsOf(record).filter(({ isNullable }) => isNullable)
  return Object.fromEntries(nullable.map(({ name }) => [name, null])) as Nulls<Entry>
}

export function newApp(given: Partial<AppRecord> = {}): AppRecord {
  const id = newId('app')
  return {
    ...nullsOf(appRecord),
    id,
    mode: 'live',
    name: 'App',
    slug: id.replace('_', '-'),
    issuer: 'license-server',
    tokenSecret: 'sealed secret',
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

export function newSigningKey(appId: string, given: Partial<SigningKeyRecord> = {}): SigningKeyRecord {
  const kid = newId('kid')
  return {
    kid,
    appId,
    publicKeyPem: `public half of ${kid}`,
    privateKey: `sealed private half of ${kid}`,
    createdAt: madeAt,
    acceptedUntil: null,
    retiredAt: null,
    retiredReason: null,
    ...given,
  }
}

export function newTier(appId: string, given: Partial<TierRecord> = {}): TierRecord {
  const id = newId('tier')
  return {
    id,
    appId,
    name: 'Tier',
    slug: `slug_of_${id}`,
    description: null,
    position: 0,
    features: [],
    limits: {},
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

export function newFeature(appId: string, given: Partial<FeatureRecord> = {}): FeatureRecord {
  const id = newId('feat')
  return {
    id,
    appId,
    name: 'Feature',
    slug: `slug_of_${id}`,
    description: null,
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

export function newCustomer(appId: string, given: Partial<CustomerRecord> = {}): CustomerRecord {
  const id = newId('cus')
  return {
    ...nullsOf(customerRecord),
    id,
    appId,
    email: `${id}@Example.com`,
    foldedEmail: `${id}@example.com`,
    metadata: {},
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

/** The records that a license refers to. */
export interface Parents {
  readonly app: AppRecord
  readonly tier: TierRecord
  readonly customer: CustomerRecord
}

export function newLicense(
  { app, tier, customer }: Parents,
  given: Partial<LicenseRecord> = {},
): LicenseRecord {
  return {
    ...nullsOf(licenseRecord),
    id: newId('lic'),
    appId: app.id,
    customerId: customer.id,
    tierId: tier.id,
    tier: tier.slug,
    tierFeatures: [],
    customFeatures: [],
    tierLimits: {},
    customLimits: {},
    installationId: newInstallation(),
    current: true,
    issuedAt: madeAt,
    revision: 1,
    minRevision: 1,
    version: 1,
    metadata: {},
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

/** A new handle. */
function newHandle(): string {
  return String(++made).padStart(7, '0')
}

export function newLicenseKey(
  { app, tier, customer }: Parents,
  given: Partial<LicenseKeyRecord> = {},
): LicenseKeyRecord {
  return {
    ...nullsOf(licenseKeyRecord),
    id: newId('lkey'),
    appId: app.id,
    customerId: customer.id,
    tierId: tier.id,
    tier: tier.slug,
    customFeatures: [],
    customLimits: {},
    handle: newHandle(),
    keyRevision: 1,
    seats: 1,
    whenFull: 'refuse',
    releaseCount: 0,
    starts: 'creation',
    version: 1,
    metadata: {},
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

export function newApiKey(given: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  const id = newId('key')
  return {
    ...nullsOf(apiKeyRecord),
    id,
    type: 'sk',
    mode: 'live',
    hash: `hash of ${id}`,
    lastFour: 'abcd',
    createdAt: madeAt,
    ...given,
  }
}

export function newStoredResponse(given: Partial<StoredResponseRecord> = {}): StoredResponseRecord {
  const key = newId('idempotency')
  return {
    scope: 'key_1',
    key,
    fingerprint: `fingerprint of ${key}`,
    answer: 'sealed',
    expiresAt: madeAt + 100,
    ...given,
  }
}

export function newWebhook(appId: string, given: Partial<WebhookRecord> = {}): WebhookRecord {
  return {
    ...nullsOf(webhookRecord),
    appId,
    secret: 'sealed secret',
    failures: 0,
    droppedEvents: 0,
    version: 1,
    ...given,
  }
}

export function newDelivery(appId: string, given: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    ...nullsOf(deliveryRecord),
    id: newId('whd'),
    appId,
    eventId: newId('evt'),
    type: 'license.updated',
    payload: '{}',
    priority: 1,
    state: 'pending',
    attempts: 0,
    lastAttempts: [],
    dueAt: madeAt,
    createdAt: madeAt,
    version: 1,
    ...given,
  }
}

export function newEntry(given: Partial<AuditEntryRecord> = {}): AuditEntryRecord {
  return {
    id: newId('aud'),
    appId: null,
    mode: 'live',
    createdAt: madeAt,
    actorType: 'embedder',
    actorId: null,
    actorLabel: null,
    action: 'app.updated',
    targetType: 'app',
    targetId: null,
    changes: '{}',
    requestId: null,
    seq: null,
    mac: null,
    ...given,
  }
}

/** Writes an app. */
export async function addApp(storage: Storage, given: Partial<AppRecord> = {}): Promise<AppRecord> {
  const app = newApp(given)
  await storage.insertApp(app)
  return app
}

/** Writes an app with a tier and a customer. */
export async function addParents(storage: Storage): Promise<Parents> {
  const app = await addApp(storage)
  const parents = { app, tier: newTier(app.id), customer: newCustomer(app.id) }
  await storage.insertTier(parents.tier)
  await storage.insertCustomer(parents.customer)
  return parents
}

export async function addLicense(
  storage: Storage,
  parents: Parents,
  given: Partial<LicenseRecord> = {},
): Promise<LicenseRecord> {
  const license = newLicense(parents, given)
  await storage.insertLicense(license)
  return license
}

export async function addLicenseKey(
  storage: Storage,
  parents: Parents,
  given: Partial<LicenseKeyRecord> = {},
): Promise<LicenseKeyRecord> {
  const key = newLicenseKey(parents, given)
  await storage.insertLicenseKey(key)
  return key
}

/** Writes a taken seat of a license key. */
export async function addSeat(
  storage: Storage,
  parents: Parents,
  licenseKeyId: string,
  given: Partial<LicenseRecord> = {},
): Promise<LicenseRecord> {
  return addLicense(storage, parents, { licenseKeyId, seenAt: madeAt, ...given })
}

export async function addDelivery(
  storage: Storage,
  appId: string,
  given: Partial<DeliveryRecord> = {},
): Promise<DeliveryRecord> {
  const delivery = newDelivery(appId, given)
  await storage.insertDelivery(delivery)
  return delivery
}

export async function addFeature(
  storage: Storage,
  appId: string,
  given: Partial<FeatureRecord> = {},
): Promise<FeatureRecord> {
  const feature = newFeature(appId, given)
  await storage.insertFeature(feature)
  return feature
}

/** The results of `count` calls of `make`, one after the other. */
export async function several<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let index = 0; index < count; index++) results.push(await make(index))
  return results
}

/** The results of `count` calls that run at the same time. */
export function concurrently<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)))
}

export function idsOf(records: readonly { readonly id: string }[]): string[] {
  return records.map((record) => record.id)
}
