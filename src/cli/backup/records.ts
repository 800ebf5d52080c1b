import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  ExpiryNotice,
  LicenseRecord,
  Page,
  Position,
  SigningKeyRecord,
  StorageSession,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'

/** What an export holds, by the word that a line begins with. */
export interface Records {
  readonly app: AppRecord
  readonly feature: FeatureRecord
  readonly tier: TierRecord
  readonly signingKey: SigningKeyRecord
  readonly customer: CustomerRecord
  readonly license: LicenseRecord
  readonly notice: ExpiryNotice
  readonly webhook: WebhookRecord
  readonly delivery: DeliveryRecord
  readonly apiKey: ApiKeyRecord
}

export type Kind = keyof Records

/** A record and what it is. */
export type Entry = { readonly [K in Kind]: readonly [kind: K, record: Records[K]] }[Kind]

/** How many records there are of each kind. */
export type Counts = Readonly<Record<Kind, number>>

export const kinds: readonly Kind[] = [
  'app',
  'feature',
  'tier',
  'signingKey',
  'customer',
  'license',
  'notice',
  'webhook',
  'delivery',
  'apiKey',
]

const pageSize = 500

/** Every record of a list, page by page. */
export async function* allOf<Listed extends Position>(
  list: (page: Page) => Promise<readonly Listed[]>,
  positionOf: (last: Listed) => Position = ({ id }) => ({ id }),
): AsyncGenerator<Listed> {
  let after: Position | undefined
  for (;;) {
    const page = await list({ limit: pageSize, ...(after !== undefined && { after }) })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = positionOf(last)
  }
}

/** Every license of an app, as of no time in particular. */
export function licensesOf(session: StorageSession, appId: string): AsyncGenerator<LicenseRecord> {
  return allOf((page) => session.listLicenses({ appId, now: 0 }, page))
}

export function customersOf(session: StorageSession, appId: string): AsyncGenerator<CustomerRecord> {
  return allOf((page) => session.listCustomers({ appId }, page))
}

export function tiersOf(session: StorageSession, appId: string): AsyncGenerator<TierRecord> {
  return allOf(
    (page) => session.listTiers(appId, page),
    ({ id, position }) => ({ id, position }),
  )
}

async function* named<K extends Kind>(
  kind: K,
  records: AsyncIterable<Records[K]> | Iterable<Records[K]>,
): AsyncGenerator<readonly [K, Records[K]]> {
  for await (const record of records) yield [kind, record]
}

/** The signing keys of an app as they followed each other: the active one last. */
async function keysInTurn(session: StorageSession, appId: string): Promise<readonly SigningKeyRecord[]> {
  return (await session.listSigningKeys(appId)).toReversed()
}

/** What was told of the ends of an app's licenses. */
async function* noticesOf(session: StorageSession, appId: string): AsyncGenerator<ExpiryNotice> {
  let ids: string[] = []
  for await (const { id } of licensesOf(session, appId)) {
    if (ids.push(id) < pageSize) continue
    yield* await session.listExpiryNotices(ids)
    ids = []
  }
  yield* await session.listExpiryNotices(ids)
}

export function deliveriesOf(session: StorageSession, appId: string): AsyncGenerator<DeliveryRecord> {
  return allOf((page) => session.listDeliveries({ appId }, page))
}

/** Every answer kept under an idempotency key. An export leaves them out: they are forgotten after a day. */
export async function* storedResponsesOf(session: StorageSession): AsyncGenerator<StoredResponseRecord> {
  let after: StoredResponseRecord | undefined
  do {
    const page = await session.listStoredResponses({ limit: pageSize, ...(after !== undefined && { after }) })
    yield* page
    after = page.length < pageSize ? undefined : page.at(-1)
  } while (after !== undefined)
}

/** An app's webhook, if it has one. */
async function webhooksOf(session: StorageSession, appId: string): Promise<readonly WebhookRecord[]> {
  const webhook = await session.findWebhook(appId)
  return webhook === null ? [] : [webhook]
}

async function lengthOf(records: AsyncIterable<unknown>): Promise<number> {
  let length = 0
  for await (const _ of records) length++
  return length
}

/** Every record, each after those that it refers to. */
export async function* entriesOf(session: StorageSession): AsyncGenerator<Entry> {
  for await (const app of allOf((page) => session.listApps({}, page))) {
    yield ['app', app]
    yield* named(
      'feature',
      allOf((page) => session.listFeatures(app.id, page)),
    )
    yield* named('tier', tiersOf(session, app.id))
    yield* named('signingKey', await keysInTurn(session, app.id))
    yield* named('customer', customersOf(session, app.id))
    yield* named('license', licensesOf(session, app.id))
    yield* named('notice', noticesOf(session, app.id))
    yield* named('webhook', await webhooksOf(session, app.id))
    yield* named('delivery', deliveriesOf(session, app.id))
  }
  yield* named(
    'apiKey',
    allOf((page) => session.listApiKeys({}, page)),
  )
}

async function countApp(session: StorageSession, appId: string): Promise<Omit<Counts, 'app' | 'apiKey'>> {
  return {
    feature: await session.countFeatures(appId),
    tier: await session.countTiers(appId),
    signingKey: (await session.listSigningKeys(appId)).length,
    customer: await session.countCustomers({ appId }),
    license: await session.countLicenses({ appId, now: 0 }),
    notice: await lengthOf(noticesOf(session, appId)),
    webhook: (await webhooksOf(session, appId)).length,
    delivery: await session.countDeliveries({ appId }),
  }
}

/** How many records {@link entriesOf} has. */
export async function countAll(session: StorageSession): Promise<Counts> {
  const counts = { ...noCounts(), apiKey: await session.countApiKeys({}) }
  for await (const app of allOf((page) => session.listApps({}, page))) {
    counts.app++
    const ofApp = await countApp(session, app.id)
    for (const kind of kinds) if (kind !== 'app' && kind !== 'apiKey') counts[kind] += ofApp[kind]
  }
  return counts
}

/** Counters that begin at zero. */
export function noCounts(): Record<Kind, number> {
  const ofApp = {
    feature: 0,
    tier: 0,
    signingKey: 0,
    customer: 0,
    license: 0,
    notice: 0,
    webhook: 0,
    delivery: 0,
  }
  return { app: 0, ...ofApp, apiKey: 0 }
}

export function totalOf(counts: Counts): number {
  return kinds.reduce((sum, kind) => sum + counts[kind], 0)
}
