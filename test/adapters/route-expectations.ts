import type { LicenseKeyWithText } from '../../src/core/index.ts'
import { installation } from '../support/fixtures.ts'
import type { Fixture } from './fixture.ts'
import type { Json } from './test-server.ts'

/** The callers that a route is for. */
type Audience =
  | 'public'
  | 'holder'
  | 'read'
  | 'write'
  | 'readOfAll'
  | 'anyKey'
  | 'createApp'
  | 'unbound'
  | 'manageKeys'
  | 'manageLiveKey'
  | 'renewal'
  | 'release'

/** The result of a call: `ok` with the route's own status, otherwise the status and code of the error. */
export type Outcome = 'ok' | `${number} ${string}`

/** By credential. */
type Outcomes = Readonly<Record<string, Outcome>>

const unauthorized = '401 unauthorized'
const forbidden = '403 forbidden'
const missing = '404 not_found'

/** Outcomes of a route that only an API key may call. */
const byKey: Outcomes = {
  'no credential': unauthorized,
  'a malformed key': unauthorized,
  'an unknown key': unauthorized,
  'a revoked key': unauthorized,
  'an expired key': unauthorized,
  'a rolled key inside its overlap': 'ok',
  'a rolled key after its overlap': unauthorized,
  'the successor of a rolled key': 'ok',
  'a pk_ key': 'ok',
  'a pk_ key bound to the app': 'ok',
  'a pk_ key of the other mode': missing,
  'an sk_ key': 'ok',
  'an sk_ key with an end': 'ok',
  'an sk_ key bound to the app': 'ok',
  'an sk_ key bound to another app': missing,
  'an sk_ key of the other mode': missing,
  'a license token as a key': unauthorized,
  'a revoked key beside a good token': unauthorized,
  'a pk_ key beside a good token': 'ok',
  'the current token': unauthorized,
  'a superseded token': unauthorized,
  'an invalidated token': unauthorized,
  'another license’s token': unauthorized,
  'another app’s token': unauthorized,
  'an expired token': unauthorized,
  'a retired token': unauthorized,
  'a retired token in its grace': unauthorized,
}

const write: Outcomes = {
  ...byKey,
  'a pk_ key': forbidden,
  'a pk_ key bound to the app': forbidden,
  'a pk_ key beside a good token': forbidden,
}

/** Outcomes of a list over all apps. A key gets the apps of its own mode. */
const readOfAll: Outcomes = {
  ...byKey,
  'a pk_ key of the other mode': 'ok',
  'an sk_ key bound to another app': 'ok',
  'an sk_ key of the other mode': 'ok',
}

const createApp: Outcomes = {
  ...write,
  'a pk_ key of the other mode': forbidden,
  'an sk_ key bound to the app': forbidden,
  'an sk_ key bound to another app': forbidden,
  'an sk_ key of the other mode': 'ok',
}

/** Only a secret key without expiry that is not bound to an app may manage keys. A rolled key has an expiry. */
const manageKeys: Outcomes = {
  ...createApp,
  'an sk_ key with an end': forbidden,
  'a rolled key inside its overlap': forbidden,
}

const everybody: Outcomes = Object.fromEntries(Object.keys(byKey).map((name) => [name, 'ok' as const]))

export const outcomes: Readonly<Record<Audience, Outcomes>> = {
  public: everybody,
  /** A license key in the body decides. An API key beside it does not count. */
  holder: everybody,
  read: byKey,
  write,
  readOfAll,
  /** Every key learns about itself. */
  anyKey: readOfAll,
  createApp,
  /** Only a secret key that is bound to no app. */
  unbound: createApp,
  manageKeys,
  /** Managing one key of the live mode. */
  manageLiveKey: { ...manageKeys, 'an sk_ key of the other mode': missing },
  renewal: {
    ...write,
    'the current token': 'ok',
    'a superseded token': 'ok',
    'an invalidated token': '401 invalid_token',
    'another license’s token': '400 token_mismatch',
    'another app’s token': '401 invalid_token',
    'an expired token': '400 token_expired',
    'a retired token': '401 invalid_token',
    'a retired token in its grace': 'ok',
  },
  /** The release of a seat. Each token is of a license other than the seat. */
  release: {
    ...write,
    'the current token': '400 token_mismatch',
    'a superseded token': '400 token_mismatch',
    'an invalidated token': '401 invalid_token',
    'another license’s token': '400 token_mismatch',
    'another app’s token': '401 invalid_token',
    'an expired token': '400 token_mismatch',
    'a retired token': '401 invalid_token',
    'a retired token in its grace': '400 token_mismatch',
  },
}

/** Parameters, query and body of a valid call. They are made anew for each call, because a call may use them up. */
export interface RouteInput {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body?: Json
}

type MakeInput = (fixture: Fixture) => Promise<RouteInput>

/** The callers of a route, the status of a valid call, and its input. */
export type Expectation = readonly [as: Audience, status: number, makeInput?: MakeInput]

let made = 0
const fresh = (): string => `thing_${++made}`
const app = 'desktop-app'

async function aLicense({ license }: Fixture): Promise<RouteInput> {
  return { params: { id: license.id } }
}

async function aTier({ licensing }: Fixture): Promise<RouteInput> {
  const slug = fresh()
  return { params: { tier: (await licensing.tiers.create(app, { name: slug, slug })).id } }
}

async function aFeature({ licensing }: Fixture): Promise<RouteInput> {
  const slug = fresh()
  return { params: { feature: (await licensing.features.create(app, { name: slug, slug })).id } }
}

async function aCustomer({ licensing }: Fixture): Promise<RouteInput> {
  return { params: { id: (await licensing.customers.create(app, { email: `${fresh()}@example.com` })).id } }
}

async function aKey({ licensing }: Fixture): Promise<RouteInput> {
  return { params: { id: (await licensing.apiKeys.create()).id } }
}

async function aTierFeature({ licensing }: Fixture): Promise<RouteInput> {
  const slug = fresh()
  await licensing.tiers.addFeature(app, 'pro', { name: slug, slug })
  return { params: { tier: 'pro', feature: slug } }
}

async function aWebhook({ licensing }: Fixture): Promise<RouteInput> {
  await licensing.apps.update(app, { webhookUrl: 'https://example.com/hook' })
  return {}
}

async function aDelivery(fixture: Fixture): Promise<RouteInput> {
  await aWebhook(fixture)
  return { params: { id: (await fixture.licensing.webhooks.test(app)).id } }
}

async function soldKey({ licensing, customer }: Fixture): Promise<LicenseKeyWithText> {
  const sold = { customerId: customer.id, tierId: 'pro', externalId: fresh(), forever: true } as const
  return licensing.licenseKeys.create(app, sold)
}

async function aLicenseKey(fixture: Fixture): Promise<RouteInput> {
  return { params: { id: (await soldKey(fixture)).id } }
}

async function itsText(fixture: Fixture): Promise<RouteInput> {
  return { body: { license_key: (await soldKey(fixture)).key } }
}

async function aSeat(fixture: Fixture): Promise<RouteInput> {
  const { key } = await soldKey(fixture)
  const installationId = crypto.randomUUID()
  const { license } = await fixture.licensing.licenseKeys.activate(app, key, { installationId })
  return { params: { id: license.id } }
}

async function aSale(): Promise<RouteInput> {
  const customer = { email: `${fresh()}@example.com` }
  const terms = { tier_id: 'pro', seats: 2, expires_at: null }
  return { body: { external_id: fresh(), as_of: '2026-01-23T10:00:00Z', customer, ...terms } }
}

function withBody(make: MakeInput, body: Json): MakeInput {
  return async (fixture) => ({ ...(await make(fixture)), body })
}

const nothing = async (): Promise<RouteInput> => ({})
const named = async (): Promise<RouteInput> => ({ body: { name: 'Thing', slug: fresh() } })
const anEmail = async (): Promise<RouteInput> => ({ body: { email: `${fresh()}@example.com` } })

/** Every route by method and path. A route that is missing here fails the test. */
export const expectations: Readonly<Record<string, Expectation>> = {
  'GET /apps': ['readOfAll', 200],
  'GET /search': ['anyKey', 200, async () => ({ query: 'q=ada@example.com' })],
  'POST /apps': ['createApp', 201, async () => ({ body: { name: 'App', slug: fresh().replace('_', '-') } })],
  'GET /apps/:slug': ['read', 200],
  'PUT /apps/:slug': ['write', 200, withBody(nothing, { name: 'Renamed' })],
  'GET /apps/:slug/public-key': ['public', 200],
  'GET /apps/:slug/jwks.json': ['public', 200],
  'GET /apps/:slug/trust.json': ['public', 200],
  'GET /apps/:slug/keys': ['write', 200],

  'GET /apps/:slug/tiers': ['read', 200],
  'POST /apps/:slug/tiers': ['write', 201, named],
  'GET /apps/:slug/tiers/:tier': ['read', 200, aTier],
  'PUT /apps/:slug/tiers/:tier': ['write', 200, withBody(aTier, { name: 'Renamed' })],
  'DELETE /apps/:slug/tiers/:tier': ['write', 204, aTier],
  'GET /apps/:slug/tiers/:tier/features': ['read', 200, aTier],
  'POST /apps/:slug/tiers/:tier/features': [
    'write',
    201,
    async (fixture) => ({ ...(await aTier(fixture)), ...(await named()) }),
  ],
  'DELETE /apps/:slug/tiers/:tier/features/:feature': ['write', 204, aTierFeature],

  'GET /apps/:slug/features': ['read', 200],
  'POST /apps/:slug/features': ['write', 201, named],
  'GET /apps/:slug/features/:feature': ['read', 200, aFeature],
  'PUT /apps/:slug/features/:feature': ['write', 200, withBody(aFeature, { name: 'Renamed' })],
  'DELETE /apps/:slug/features/:feature': ['write', 204, aFeature],

  'GET /apps/:slug/customers': ['read', 200],
  'POST /apps/:slug/customers': ['write', 201, anEmail],
  'POST /apps/:slug/customers/get-or-create': ['write', 201, anEmail],
  'GET /apps/:slug/customers/by-email': ['read', 200, async () => ({ query: 'email=ada@example.com' })],
  'GET /apps/:slug/customers/by-external-id': [
    'read',
    200,
    async ({ licensing, customer }) => {
      await licensing.customers.update(app, customer.id, { externalId: 'user-42' })
      return { query: 'external_id=user-42' }
    },
  ],
  'GET /apps/:slug/customers/:id': ['read', 200, aCustomer],
  'PUT /apps/:slug/customers/:id': ['write', 200, withBody(aCustomer, { name: 'Ada' })],
  'DELETE /apps/:slug/customers/:id': ['write', 204, aCustomer],

  'GET /apps/:slug/licenses': ['read', 200],
  'POST /apps/:slug/licenses': [
    'write',
    201,
    async ({ customer }) => ({
      body: { installation_id: crypto.randomUUID(), customer_id: customer.id, tier_id: 'pro', forever: true },
    }),
  ],
  'GET /apps/:slug/licenses/by-installation': [
    'read',
    200,
    async () => ({ query: `installation_id=${installation(1)}` }),
  ],
  'GET /apps/:slug/licenses/:id': ['read', 200, aLicense],
  'GET /apps/:slug/licenses/:id/file': ['write', 200, aLicense],
  'PUT /apps/:slug/licenses/:id': ['write', 200, withBody(aLicense, { metadata: { seat: 1 } })],
  'POST /apps/:slug/licenses/:id/regenerate': ['renewal', 200, aLicense],
  'POST /apps/:slug/licenses/:id/revoke': [
    'write',
    200,
    async (fixture) => ({ params: { id: (await fixture.issue()).id } }),
  ],
  'POST /apps/:slug/licenses/:id/reinstate': [
    'write',
    200,
    async (fixture) => ({ params: { id: (await fixture.issue()).id } }),
  ],
  'POST /apps/:slug/licenses/regenerate': ['write', 200],
  'DELETE /apps/:slug/licenses/:id': [
    'write',
    204,
    async (fixture) => ({ params: { id: (await fixture.issue()).id } }),
  ],

  'GET /apps/:slug/licenses/verify': [
    'public',
    200,
    async () => ({ query: `installation_id=${installation(1)}` }),
  ],
  'POST /apps/:slug/licenses/verify': ['public', 200, withBody(nothing, { token: 'eyJ' })],
  'POST /apps/:slug/licenses/verify/batch': [
    'public',
    200,
    withBody(nothing, { installation_ids: [installation(1)] }),
  ],

  'GET /apps/:slug/license-keys': ['read', 200],
  'POST /apps/:slug/license-keys': [
    'write',
    201,
    async ({ customer }) => ({ body: { customer_id: customer.id, tier_id: 'pro', forever: true } }),
  ],
  'GET /apps/:slug/license-keys/by-external-id': [
    'read',
    200,
    async (fixture) => ({ query: `external_id=${(await soldKey(fixture)).externalId}` }),
  ],
  'GET /apps/:slug/license-keys/:id': ['read', 200, aLicenseKey],
  'PUT /apps/:slug/license-keys/:id': ['write', 200, withBody(aLicenseKey, { seats: 3 })],
  'DELETE /apps/:slug/license-keys/:id': ['write', 204, aLicenseKey],
  'POST /apps/:slug/license-keys/sync': ['write', 201, aSale],
  'POST /apps/:slug/license-keys/:id/roll': ['write', 200, withBody(aLicenseKey, { overlap_days: 1 })],
  'POST /apps/:slug/license-keys/:id/revoke': ['write', 200, withBody(aLicenseKey, { reason: 'Lost' })],
  'POST /apps/:slug/license-keys/:id/reinstate': ['write', 200, aLicenseKey],
  'POST /apps/:slug/license-keys/:id/release-all': ['write', 200, withBody(aLicenseKey, { except: [] })],
  'POST /apps/:slug/license-keys/activate': [
    'holder',
    201,
    async (fixture) => ({
      body: { ...(await itsText(fixture)).body, installation_id: crypto.randomUUID(), name: 'Laptop' },
    }),
  ],
  'POST /apps/:slug/license-keys/verify': ['holder', 200, itsText],
  'POST /apps/:slug/license-keys/seats': ['holder', 200, itsText],
  'POST /apps/:slug/licenses/:id/release': ['release', 200, aSeat],

  'GET /apps/:slug/audit': ['write', 200],
  'GET /audit': ['unbound', 200],
  'POST /diagnose': ['readOfAll', 200, withBody(nothing, { text: 'user-42' })],

  'GET /apps/:slug/webhook-secret': ['write', 200],
  'POST /apps/:slug/webhook-secret/roll': ['write', 201],
  'GET /apps/:slug/webhook-deliveries': ['write', 200],
  'GET /apps/:slug/webhook-deliveries/:id': ['write', 200, aDelivery],
  'POST /apps/:slug/webhook-deliveries/retry': [
    'write',
    200,
    withBody(aWebhook, { state: 'failed', since: '2026-01-23T10:00:00Z' }),
  ],
  'POST /apps/:slug/webhook-deliveries/:id/retry': ['write', 200, aDelivery],
  'POST /apps/:slug/webhook-test': ['write', 201, aWebhook],

  'GET /apps/:slug/stats': ['read', 200],
  'GET /status': ['manageKeys', 200],

  'GET /me': ['anyKey', 200],
  'GET /api-keys': ['manageKeys', 200],
  'POST /api-keys': ['manageKeys', 201, withBody(nothing, { name: 'Shop' })],
  'DELETE /api-keys/:id': ['manageLiveKey', 204, aKey],
  'POST /api-keys/:id/roll': ['manageLiveKey', 201, aKey],
  'POST /api-keys/:id/invite': ['manageLiveKey', 201, aKey],

  'POST /apps/:slug/rotate-keys': ['write', 200],
  'DELETE /apps/:slug': ['write', 204],
}
