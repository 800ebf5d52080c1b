import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  LicenseRecord,
  SigningKeyRecord,
  Storage,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'

/** The time at which every record is made. */
export const madeAt = 1_800_000_000

/** Text that a careless storage alters: other scripts, an emoji, quotes, wildcards, a combining accent. */
export const oddText = `Łódź 木 🌳 e\u0301 ' " \\ % _ \n\t`

/** Past 2^31 seconds: the year 9999. */
export const farFuture = 253_402_300_799

/** JSON with what is easily lost; `__proto__` is an ordinary name in it. */
export const oddMetadata: Readonly<Record<string, unknown>> = JSON.parse(
  '{"": "", "zero": 0, "null": null, "false": false, "deep": [{"a": [1.5, -1, 9007199254740991]}], "🌳": "木", "__proto__": {"own": true}}',
)

let made = 0

/** An id that sorts after all that were made before. */
export function newId(prefix: string): string {
  return `${prefix}_${String(++made).padStart(26, '0')}`
}

/** A UUID of its own. */
export function newInstallation(): string {
  return `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`
}

export function newApp(given: Partial<AppRecord> = {}): AppRecord {
  const id = newId('app')
  return {
    id,
    mode: 'live',
    name: 'App',
    slug: id.replace('_', '-'),
    description: null,
    webhookUrl: null,
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
    id,
    appId,
    email: `${id}@Example.com`,
    foldedEmail: `${id}@example.com`,
    name: null,
    externalId: null,
    metadata: {},
    createdAt: madeAt,
    updatedAt: madeAt,
    ...given,
  }
}

/** What a license stands in. */
export interface Shop {
  readonly app: AppRecord
  readonly tier: TierRecord
  readonly customer: CustomerRecord
}

export function newLicense({ app, tier, customer }: Shop, given: Partial<LicenseRecord> = {}): LicenseRecord {
  return {
    id: newId('lic'),
    appId: app.id,
    customerId: customer.id,
    tierId: tier.id,
    tier: tier.slug,
    tierFeatures: [],
    customFeatures: [],
    installationId: newInstallation(),
    current: true,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
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

export function newApiKey(given: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  const id = newId('key')
  return {
    id,
    name: null,
    type: 'sk',
    mode: 'live',
    appId: null,
    app: null,
    hash: `hash of ${id}`,
    lastFour: 'abcd',
    createdAt: madeAt,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    ...given,
  }
}

export function newKeptAnswer(given: Partial<StoredResponseRecord> = {}): StoredResponseRecord {
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
    appId,
    secret: 'sealed secret',
    previousSecret: null,
    previousUntil: null,
    failures: 0,
    disabledAt: null,
    version: 1,
    ...given,
  }
}

export function newDelivery(appId: string, given: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    id: newId('whd'),
    appId,
    eventId: newId('evt'),
    type: 'license.updated',
    payload: '{}',
    priority: 1,
    state: 'pending',
    attempts: 0,
    lastStatus: null,
    lastError: null,
    lastAttemptAt: null,
    dueAt: madeAt,
    createdAt: madeAt,
    version: 1,
    ...given,
  }
}

/** Puts an app into the storage. */
export async function addApp(storage: Storage, given: Partial<AppRecord> = {}): Promise<AppRecord> {
  const app = newApp(given)
  await storage.insertApp(app)
  return app
}

/** Puts an app with a tier and a customer into the storage. */
export async function addShop(storage: Storage): Promise<Shop> {
  const app = await addApp(storage)
  const shop = { app, tier: newTier(app.id), customer: newCustomer(app.id) }
  await storage.insertTier(shop.tier)
  await storage.insertCustomer(shop.customer)
  return shop
}

export async function addLicense(
  storage: Storage,
  shop: Shop,
  given: Partial<LicenseRecord> = {},
): Promise<LicenseRecord> {
  const license = newLicense(shop, given)
  await storage.insertLicense(license)
  return license
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

/** As many results of `make` as asked for, one after the other. */
export async function several<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let index = 0; index < count; index++) results.push(await make(index))
  return results
}

/** What `count` callers who ask at the same time are answered. */
export function atOnce<T>(count: number, ask: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => ask(index)))
}

export function idsOf(records: readonly { readonly id: string }[]): string[] {
  return records.map((record) => record.id)
}
