import { eachPage } from '../../core/paging.ts'
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
  Page,
  Position,
  SigningKeyRecord,
  StorageSession,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'

/** The records of an export, by the key of their line. */
export interface Records {
  readonly app: AppRecord
  readonly feature: FeatureRecord
  readonly tier: TierRecord
  readonly signingKey: SigningKeyRecord
  readonly statement: KeyStatementRecord
  readonly customer: CustomerRecord
  readonly licenseKey: LicenseKeyRecord
  readonly license: LicenseRecord
  readonly notice: ExpiryNotice
  readonly webhook: WebhookRecord
  readonly delivery: DeliveryRecord
  readonly apiKey: ApiKeyRecord
  readonly auditEntry: AuditEntryRecord
  readonly auditChain: AuditChainRecord
  readonly auditCheckpoint: AuditCheckpointRecord
}

export type Kind = keyof Records

/** A record and its kind. */
export type Entry = { readonly [K in Kind]: readonly [kind: K, record: Records[K]] }[Kind]

/** The number of records of each kind. */
export type Counts = Readonly<Record<Kind, number>>

export const kinds: readonly Kind[] = [
  'app',
  'feature',
  'tier',
  'signingKey',
  'statement',
  'customer',
  'licenseKey',
  'license',
  'notice',
  'webhook',
  'delivery',
  'apiKey',
  'auditEntry',
  'auditChain',
  'auditCheckpoint',
]

const pageSize = 500

/** Every record of a list. Reads it page by page. */
export async function* allOf<Listed extends Position>(
  list: (page: Page) => Promise<readonly Listed[]>,
): AsyncGenerator<Listed> {
  for await (const page of eachPage<Listed>(pageSize, list)) yield* page
}

/** Pages of an app's licenses in every state. */
export function licensePages(
  session: StorageSession,
  appId: string,
): AsyncGenerator<readonly LicenseRecord[]> {
  return eachPage<LicenseRecord>(pageSize, (page) => session.listLicenses({ appId, now: 0 }, page))
}

async function* licensesOf(session: StorageSession, appId: string): AsyncGenerator<LicenseRecord> {
  for await (const page of licensePages(session, appId)) yield* page
}

export function customersOf(session: StorageSession, appId: string): AsyncGenerator<CustomerRecord> {
  return allOf((page) => session.listCustomers({ appId }, page))
}

/** License keys of an app in every state. */
export function licenseKeysOf(session: StorageSession, appId: string): AsyncGenerator<LicenseKeyRecord> {
  return allOf((page) => session.listLicenseKeys({ appId, now: 0 }, page))
}

export function tiersOf(session: StorageSession, appId: string): AsyncGenerator<TierRecord> {
  return allOf((page) => session.listTiers(appId, page))
}

async function* named<K extends Kind>(
  kind: K,
  records: AsyncIterable<Records[K]> | Iterable<Records[K]>,
): AsyncGenerator<readonly [K, Records[K]]> {
  for await (const record of records) yield [kind, record]
}

/** The signing keys of an app, oldest first: the active key is the last. */
async function keysInOrder(session: StorageSession, appId: string): Promise<readonly SigningKeyRecord[]> {
  return (await session.listSigningKeys(appId)).toReversed()
}

async function* noticesOf(session: StorageSession, appId: string): AsyncGenerator<ExpiryNotice> {
  for await (const page of licensePages(session, appId))
    yield* await session.listExpiryNotices(page.map(({ id }) => id))
}

export function deliveriesOf(session: StorageSession, appId: string): AsyncGenerator<DeliveryRecord> {
  return allOf((page) => session.listDeliveries({ appId }, page))
}

/** Every entry of the audit log, newest first. */
export function auditEntriesOf(session: StorageSession): AsyncGenerator<AuditEntryRecord> {
  return allOf((page) => session.listAuditEntries({}, page))
}

/** The end of the audit chain, if there is one. */
export async function auditChainsOf(session: StorageSession): Promise<readonly AuditChainRecord[]> {
  const chain = await session.findAuditChain()
  return chain === null ? [] : [chain]
}

/** Every checkpoint of the audit log, oldest first. */
export async function* auditCheckpointsOf(session: StorageSession): AsyncGenerator<AuditCheckpointRecord> {
  const pages = eachPage<AuditCheckpointRecord>(pageSize, ({ limit, after }) =>
    session.listAuditCheckpoints(limit, after),
  )
  for await (const page of pages) yield* page
}

/** Every response stored under an idempotency key. An export leaves them out, because they last only a day. */
export async function* storedResponsesOf(session: StorageSession): AsyncGenerator<StoredResponseRecord> {
  const pages = eachPage<StoredResponseRecord>(pageSize, (page) => session.listStoredResponses(page))
  for await (const page of pages) yield* page
}

async function webhooksOf(session: StorageSession, appId: string): Promise<readonly WebhookRecord[]> {
  const webhook = await session.findWebhook(appId)
  return webhook === null ? [] : [webhook]
}

async function lengthOf(records: AsyncIterable<unknown>): Promise<number> {
  let length = 0
  for await (const _ of records) length++
  return length
}

/** Every record. A record comes after those that it refers to. */
export async function* entriesOf(session: StorageSession): AsyncGenerator<Entry> {
  for await (const app of allOf((page) => session.listApps({}, page))) {
    yield ['app', app]
    yield* named(
      'feature',
      allOf((page) => session.listFeatures(app.id, page)),
    )
    yield* named('tier', tiersOf(session, app.id))
    yield* named('signingKey', await keysInOrder(session, app.id))
    yield* named('statement', await session.listKeyStatements(app.id))
    yield* named('customer', customersOf(session, app.id))
    yield* named('licenseKey', licenseKeysOf(session, app.id))
    yield* named('license', licensesOf(session, app.id))
    yield* named('notice', noticesOf(session, app.id))
    yield* named('webhook', await webhooksOf(session, app.id))
    yield* named('delivery', deliveriesOf(session, app.id))
  }
  yield* named(
    'apiKey',
    allOf((page) => session.listApiKeys({}, page)),
  )
  yield* named('auditEntry', auditEntriesOf(session))
  yield* named('auditChain', await auditChainsOf(session))
  yield* named('auditCheckpoint', auditCheckpointsOf(session))
}

/** The kinds that are counted for each app. */
type KindInApp = Exclude<Kind, 'app' | 'apiKey' | `audit${string}`>

function isInApp(kind: Kind): kind is KindInApp {
  return kind !== 'app' && kind !== 'apiKey' && !kind.startsWith('audit')
}

async function countApp(session: StorageSession, appId: string): Promise<Pick<Counts, KindInApp>> {
  return {
    feature: await session.countFeatures(appId),
    tier: await session.countTiers(appId),
    signingKey: (await session.listSigningKeys(appId)).length,
    statement: (await session.listKeyStatements(appId)).length,
    customer: await session.countCustomers({ appId }),
    licenseKey: await session.countLicenseKeys({ appId, now: 0 }),
    license: await session.countLicenses({ appId, now: 0 }),
    notice: await lengthOf(noticesOf(session, appId)),
    webhook: (await webhooksOf(session, appId)).length,
    delivery: await session.countDeliveries({ appId }),
  }
}

/** Counts the records that {@link entriesOf} yields. */
export async function countAll(session: StorageSession): Promise<Counts> {
  const counts = {
    ...noCounts(),
    apiKey: await session.countApiKeys({}),
    auditEntry: await session.countAuditEntries({}),
    auditChain: (await auditChainsOf(session)).length,
    auditCheckpoint: await lengthOf(auditCheckpointsOf(session)),
  }
  for await (const app of allOf((page) => session.listApps({}, page))) {
    counts.app++
    const ofApp = await countApp(session, app.id)
    for (const kind of kinds) if (isInApp(kind)) counts[kind] += ofApp[kind]
  }
  return counts
}

/** A counter for each kind, at zero. */
export function noCounts(): Record<Kind, number> {
  return {
    app: 0,
    feature: 0,
    tier: 0,
    signingKey: 0,
    statement: 0,
    customer: 0,
    licenseKey: 0,
    license: 0,
    notice: 0,
    webhook: 0,
    delivery: 0,
    apiKey: 0,
    auditEntry: 0,
    auditChain: 0,
    auditCheckpoint: 0,
  }
}

export function totalOf(counts: Counts): number {
  return kinds.reduce((sum, kind) => sum + counts[kind], 0)
}
