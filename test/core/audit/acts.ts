import type { AuditEntryRecord, Licensing } from '../../../src/core/index.ts'
import { installation, type Shop } from '../../support/fixtures.ts'

export const slug = 'desktop-app'

/** Texts that no entry may hold. */
export const secretTexts: readonly string[] = [
  'grace@example.com',
  'Grace Hopper',
  'grace-in-the-shop',
  'metadata-value',
  'the-path-of-a-hook',
  'because of Grace',
  'Grace’s laptop',
  'SHOP-KEY-0001-ABCDE',
]

/** A use case that changes something: what it needs, the call, and the actions of the entries that it writes. */
interface UseCase {
  readonly prepare?: (shop: Shop) => Promise<unknown>
  readonly call: (licensing: Licensing, prepared: never, shop: Shop) => Promise<unknown>
  readonly actions: readonly string[]
}

function useCase<Prepared>(
  actions: readonly string[],
  call: (licensing: Licensing, prepared: Prepared, shop: Shop) => Promise<unknown>,
  prepare?: (shop: Shop) => Promise<Prepared>,
): UseCase {
  return { actions, call: call as UseCase['call'], ...(prepare !== undefined && { prepare }) }
}

const person = {
  email: 'grace@example.com',
  name: 'Grace Hopper',
  externalId: 'grace-in-the-shop',
  metadata: { note: 'metadata-value' },
}
const hook = 'https://example.com/the-path-of-a-hook?token=1'
const machine = { installationId: installation(100), name: 'Grace’s laptop' }

const aLicense = ({ issue }: Shop) => issue()
const aCustomer = ({ licensing }: Shop) => licensing.customers.create(slug, person)
const aHook = ({ licensing }: Shop) => licensing.apps.update(slug, { webhookUrl: hook })
async function aSecret(shop: Shop) {
  await aHook(shop)
  return shop.licensing.webhooks.secret(slug)
}

const anApiKey = ({ licensing }: Shop) => licensing.apiKeys.create({ name: 'Support' })
const aFeature = ({ licensing }: Shop) => licensing.features.create(slug, { name: 'Sync', slug: 'sync' })

function terms({ customer }: Shop) {
  return { customerId: customer.id, tierId: 'pro', durationDays: 30, seats: 2, key: 'SHOP-KEY-0001-ABCDE' }
}

const aKey = (shop: Shop) => shop.licensing.licenseKeys.create(slug, terms(shop))

async function aSeat(shop: Shop) {
  const key = await aKey(shop)
  const { license } = await shop.licensing.licenseKeys.activate(slug, key.key, machine)
  return { key, license }
}

async function aRevoked({ licensing, issue }: Shop) {
  const { id } = await issue()
  return licensing.licenses.revoke(slug, id, { reason: 'because of Grace' })
}

async function aRevokedKey(shop: Shop) {
  const seat = await aSeat(shop)
  await shop.licensing.licenseKeys.revoke(slug, seat.key.id)
  return seat
}

async function aDelivery(shop: Shop) {
  await aHook(shop)
  return shop.licensing.webhooks.test(slug)
}

async function aFailedDelivery(shop: Shop) {
  const { id } = await aDelivery(shop)
  const { version } = (await shop.storage.findDelivery(shop.app.id, id))!
  await shop.storage.updateDelivery(id, version, { state: 'failed', dueAt: null })
}

/** Use cases that change something, or show a secret, by the name of their method. */
export const useCases: Readonly<Record<string, UseCase>> = {
  'apps.create': useCase(['app.created'], ({ apps }) =>
    apps.create({ name: 'B', slug: 'b', webhookUrl: hook }),
  ),
  'apps.update': useCase(['app.updated'], ({ apps }) => apps.update(slug, { name: 'New', webhookUrl: hook })),
  'apps.delete': useCase(['app.deleted'], ({ apps }) => apps.delete(slug)),
  'tiers.create': useCase(['feature.created', 'tier.created'], ({ tiers }) =>
    tiers.create(slug, { name: 'Max', slug: 'max', features: ['api_access', 'sync'] }),
  ),
  'tiers.update': useCase(['tier.updated'], ({ tiers }) =>
    tiers.update(slug, 'pro', { limits: { seats: 3 } }),
  ),
  'tiers.delete': useCase(['tier.deleted'], ({ tiers }) => tiers.delete(slug, 'pro'), aLicense),
  'tiers.addFeature': useCase(['feature.created', 'tier.feature_added'], ({ tiers }) =>
    tiers.addFeature(slug, 'pro', { name: 'Sync', slug: 'sync' }),
  ),
  'tiers.removeFeature': useCase(['tier.feature_removed'], ({ tiers }) =>
    tiers.removeFeature(slug, 'pro', 'api_access'),
  ),
  'features.create': useCase(['feature.created'], ({ features }) =>
    features.create(slug, { name: 'Sync', slug: 'sync' }),
  ),
  'features.update': useCase(
    ['feature.updated'],
    ({ features }) => features.update(slug, 'sync', { name: 'Sync all' }),
    aFeature,
  ),
  'features.delete': useCase(['feature.deleted'], ({ features }) => features.delete(slug, 'sync'), aFeature),
  'customers.create': useCase(['customer.created'], ({ customers }) => customers.create(slug, person)),
  'customers.getOrCreate': useCase(['customer.created'], ({ customers }) =>
    customers.getOrCreate(slug, person),
  ),
  'customers.update': useCase(['customer.updated'], ({ customers }, _, { customer }) =>
    customers.update(slug, customer.id, person),
  ),
  'customers.delete': useCase(
    ['customer.deleted'],
    ({ customers }, { id }) => customers.delete(slug, id),
    aCustomer,
  ),
  'licenses.create': useCase(['license.created'], ({ licenses }, _, { customer }) =>
    licenses.create(slug, {
      installationId: installation(9),
      customerId: customer.id,
      tierId: 'pro',
      durationDays: 30,
      metadata: person.metadata,
    }),
  ),
  'licenses.update': useCase(
    ['license.updated'],
    ({ licenses }, { id }) => licenses.update(slug, id, { forever: true, metadata: person.metadata }),
    aLicense,
  ),
  'licenses.delete': useCase(
    ['license.deleted'],
    ({ licenses }, { id }) => licenses.delete(slug, id),
    aLicense,
  ),
  'licenses.revoke': useCase(
    ['license.revoked'],
    ({ licenses }, { id }) => licenses.revoke(slug, id, { reason: 'because of Grace' }),
    aLicense,
  ),
  'licenses.reinstate': useCase(
    ['license.reinstated'],
    ({ licenses }, { id }) => licenses.reinstate(slug, id),
    aRevoked,
  ),
  'licenses.regenerate': useCase(
    ['license.regenerated'],
    ({ licenses }, { id }) => licenses.regenerate(slug, id),
    aLicense,
  ),
  'licenses.renew': useCase([], ({ licenses }, { id, token }) => licenses.renew(slug, id, token), aLicense),
  'licenses.regenerateAll': useCase(
    ['licenses.regenerated'],
    ({ licenses }) => licenses.regenerateAll(slug),
    aLicense,
  ),
  'licenseKeys.create': useCase(['license_key.created'], ({ licenseKeys }, _, shop) =>
    licenseKeys.create(slug, { ...terms(shop), metadata: person.metadata }),
  ),
  'licenseKeys.update': useCase(
    ['license_key.updated'],
    ({ licenseKeys }, { id }) => licenseKeys.update(slug, id, { seats: 5, name: 'Grace Hopper' }),
    aKey,
  ),
  'licenseKeys.sync': useCase(['customer.created', 'license_key.created'], ({ licenseKeys }) =>
    licenseKeys.sync(slug, {
      externalId: 'stripe:sub_1',
      asOf: 1_769_000_000,
      customer: { email: person.email, name: person.name },
      tierId: 'pro',
      seats: 2,
      expiresAt: null,
    }),
  ),
  'licenseKeys.roll': useCase(
    ['license_key.rolled'],
    ({ licenseKeys }, { id }) => licenseKeys.roll(slug, id),
    aKey,
  ),
  'licenseKeys.revoke': useCase(
    ['license_key.revoked'],
    ({ licenseKeys }, { key }) => licenseKeys.revoke(slug, key.id, { reason: 'because of Grace' }),
    aSeat,
  ),
  'licenseKeys.reinstate': useCase(
    ['license_key.reinstated'],
    ({ licenseKeys }, { key }) => licenseKeys.reinstate(slug, key.id),
    aRevokedKey,
  ),
  'licenseKeys.delete': useCase(
    ['license_key.deleted'],
    ({ licenseKeys }, { key }) => licenseKeys.delete(slug, key.id),
    aSeat,
  ),
  'licenseKeys.activate': useCase(
    ['license.activated'],
    ({ licenseKeys }, { key }) => licenseKeys.activate(slug, key, machine),
    aKey,
  ),
  'licenseKeys.release': useCase(
    ['license.released'],
    ({ licenseKeys }, { license }) => licenseKeys.release(slug, license.id),
    aSeat,
  ),
  'licenseKeys.releaseAll': useCase(
    ['licenses.released'],
    ({ licenseKeys }, { key }) => licenseKeys.releaseAll(slug, key.id),
    aSeat,
  ),
  'licenseKeys.get': useCase(
    ['license_key.revealed'],
    ({ licenseKeys }, { id }) => licenseKeys.get(slug, id, { include: 'key' }),
    aKey,
  ),
  'licenseKeys.getByExternalId': useCase(
    ['license_key.revealed'],
    ({ licenseKeys }) => licenseKeys.getByExternalId(slug, 'order-1', { include: 'key' }),
    (shop) => shop.licensing.licenseKeys.create(slug, { ...terms(shop), externalId: 'order-1' }),
  ),
  'licenseKeys.list': useCase(
    ['license_key.revealed'],
    ({ licenseKeys }) => licenseKeys.list(slug, { include: 'key' }),
    aKey,
  ),
  'apiKeys.create': useCase(['api_key.created'], ({ apiKeys }) => apiKeys.create({ preset: 'support' })),
  'apiKeys.createFirst': useCase(['api_key.created'], ({ apiKeys }) => apiKeys.createFirst()),
  'apiKeys.revoke': useCase(['api_key.revoked'], ({ apiKeys }, { id }) => apiKeys.revoke(id), anApiKey),
  'apiKeys.invite': useCase(['api_key.invited'], ({ apiKeys }, { id }) => apiKeys.invite(id), anApiKey),
  'sessions.redeem': useCase(
    ['api_key.link_used'],
    ({ sessions }, link: string) => sessions.redeem(link, 'loopback'),
    async (shop) => {
      const { id } = await anApiKey(shop)
      const { url } = await shop.licensing.apiKeys.invite(id)
      return url.slice(url.lastIndexOf('/') + 1)
    },
  ),
  'apiKeys.roll': useCase(['api_key.rolled'], ({ apiKeys }, { id }) => apiKeys.roll(id), anApiKey),
  'webhooks.secret': useCase(['webhook.secret_shown'], ({ webhooks }) => webhooks.secret(slug), aHook),
  'webhooks.rollSecret': useCase(
    ['webhook.secret_rolled'],
    ({ webhooks }) => webhooks.rollSecret(slug),
    aSecret,
  ),
  'webhooks.retry': useCase(
    ['webhook_delivery.retried'],
    ({ webhooks }, { id }) => webhooks.retry(slug, id),
    aDelivery,
  ),
  'webhooks.retryAll': useCase(
    ['webhook_deliveries.retried'],
    ({ webhooks }) => webhooks.retryAll(slug, { state: 'failed', since: 0 }),
    aFailedDelivery,
  ),
  'webhooks.test': useCase(['webhook.test'], ({ webhooks }) => webhooks.test(slug), aHook),
  rotateKeys: useCase(['app.keys_rotated'], (licensing) => licensing.rotateKeys(slug)),
  ensure: useCase(['app.updated', 'feature.created', 'tier.created', 'tier.updated'], (licensing) =>
    licensing.ensure({
      app: { name: 'Renamed', slug },
      features: [{ name: 'Sync', slug: 'sync' }],
      tiers: [{ name: 'Max', slug: 'max', features: ['sync'] }],
    }),
  ),
  idempotent: useCase(['customer.created', 'tier.updated'], (licensing) =>
    licensing.idempotent({ key: 'k', scope: 's', fingerprint: 'f' }, async ({ customers, tiers }) => {
      await customers.create(slug, person)
      return tiers.update(slug, 'pro', { name: 'Renamed' })
    }),
  ),
  idempotentCall: useCase(['customer.created'], (licensing) =>
    licensing.idempotentCall({ key: 'k', scope: 's', fingerprint: 'f' }, ({ customers }) =>
      customers.create(slug, person),
    ),
  ),
}

/** Methods that read, or that bind the others. They write no entry. */
export const withoutEntries: readonly string[] = [
  ...['get', 'list', 'all', 'publicKey', 'keys', 'jwks', 'trust'].map((name) => `apps.${name}`),
  ...['get', 'list', 'all', 'features'].map((name) => `tiers.${name}`),
  ...['get', 'list', 'all'].map((name) => `features.${name}`),
  ...['get', 'getByEmail', 'getByExternalId', 'list', 'all'].map((name) => `customers.${name}`),
  ...['get', 'getByInstallation', 'list', 'all', 'token', 'file', 'authenticate'].map(
    (name) => `licenses.${name}`,
  ),
  ...['all', 'verify', 'seats', 'authenticate'].map((name) => `licenseKeys.${name}`),
  ...['verify', 'verifyBatch', 'verifyToken', 'verifyDirectly', 'verifyTokenDirectly'].map(
    (name) => `verification.${name}`,
  ),
  ...['list', 'all', 'me', 'authenticate'].map((name) => `apiKeys.${name}`),
  ...['deliveries', 'allDeliveries', 'delivery'].map((name) => `webhooks.${name}`),
  ...['list', 'all', 'verify', 'seal', 'prune'].map((name) => `audit.${name}`),
  ...['due', 'lease', 'settle', 'release', 'announceEnds', 'prune', 'onWritten', 'reportFullQueues'].map(
    (name) => `outbox.${name}`,
  ),
  ...['begin', 'find', 'end'].map((name) => `sessions.${name}`),
  ...['diagnose', 'search', 'stats', 'status', 'keepStats', 'noteRefusal'],
  ...['as', 'forRequest', 'restrictedTo', 'with', 'may', 'authorize', 'on', 'load', 'ping', 'flush'],
]

/** Methods whose entries have a test of their own. */
export const elsewhere: readonly string[] = ['recovery.set', 'recovery.revoke', 'rekey', 'finishDeletions']

/** The names of all methods of licensing. */
export function methodsOf(licensing: Licensing): readonly string[] {
  const isMethod = ([, value]: readonly [string, unknown]): boolean => typeof value === 'function'
  const entries = Object.entries<unknown>({ ...licensing })
  const inRooms = entries.flatMap(([room, value]) =>
    Object.entries<unknown>({ ...Object(value) })
      .filter(isMethod)
      .map(([name]) => `${room}.${name}`),
  )
  return [...entries.filter(isMethod).map(([name]) => name), ...inRooms]
}

/** Every entry, oldest first. */
export async function entriesIn({ storage }: Pick<Shop, 'storage'>): Promise<readonly AuditEntryRecord[]> {
  return (await storage.listAuditEntries({}, { limit: 10_000 })).toReversed()
}
