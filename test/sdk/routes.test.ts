import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import type { LicensingClient } from '../../src/sdk/index.ts'
import { json, recorder, secret, type Sent } from './recorder.ts'

const license = {
  installationId: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
  customerId: 'cus_1',
  tierId: 'pro',
  forever: true,
} as const
const end = Date.UTC(2030, 0, 1) / 1000

/** A call of each use case, with the route and the JSON that it must send. */
const calls: readonly (readonly [
  call: (client: LicensingClient) => unknown,
  route: string,
  sent?: unknown,
])[] = [
  [({ apps }) => apps.list({ perPage: 5 }), 'GET /apps', '?per_page=5'],
  [({ apps }) => apps.create({ name: 'n', slug: 's' }), 'POST /apps', { name: 'n', slug: 's' }],
  [({ apps }) => apps.get('a'), 'GET /apps/:slug'],
  [({ apps }) => apps.update('a', { webhookUrl: null }), 'PUT /apps/:slug', { webhook_url: null }],
  [({ apps }) => apps.delete('a'), 'DELETE /apps/:slug'],
  [({ apps }) => apps.publicKey('a'), 'GET /apps/:slug/public-key'],
  [({ apps }) => apps.jwks('a'), 'GET /apps/:slug/jwks.json'],
  [({ apps }) => apps.keys('a'), 'GET /apps/:slug/keys'],
  [
    (client) => client.rotateKeys('a', { gracePeriodDays: 3 }),
    'POST /apps/:slug/rotate-keys',
    { grace_period_days: 3 },
  ],
  [({ tiers }) => tiers.list('a'), 'GET /apps/:slug/tiers'],
  [
    ({ tiers }) => tiers.create('a', { name: 'n', slug: 's' }),
    'POST /apps/:slug/tiers',
    { name: 'n', slug: 's' },
  ],
  [({ tiers }) => tiers.get('a', 'pro'), 'GET /apps/:slug/tiers/:tier'],
  [({ tiers }) => tiers.update('a', 'pro', { position: 2 }), 'PUT /apps/:slug/tiers/:tier', { position: 2 }],
  [({ tiers }) => tiers.delete('a', 'pro'), 'DELETE /apps/:slug/tiers/:tier'],
  [({ tiers }) => tiers.features('a', 'pro'), 'GET /apps/:slug/tiers/:tier/features'],
  [
    ({ tiers }) => tiers.addFeature('a', 'pro', { name: 'n', slug: 's' }),
    'POST /apps/:slug/tiers/:tier/features',
    { name: 'n', slug: 's' },
  ],
  [({ tiers }) => tiers.removeFeature('a', 'pro', 'f'), 'DELETE /apps/:slug/tiers/:tier/features/:feature'],
  [({ features }) => features.list('a'), 'GET /apps/:slug/features'],
  [
    ({ features }) => features.create('a', { name: 'n', slug: 's' }),
    'POST /apps/:slug/features',
    { name: 'n', slug: 's' },
  ],
  [({ features }) => features.get('a', 'f'), 'GET /apps/:slug/features/:feature'],
  [
    ({ features }) => features.update('a', 'f', { description: null }),
    'PUT /apps/:slug/features/:feature',
    { description: null },
  ],
  [({ features }) => features.delete('a', 'f'), 'DELETE /apps/:slug/features/:feature'],
  [
    ({ customers }) => customers.list('a', { externalId: 'a b' }),
    'GET /apps/:slug/customers',
    '?external_id=a+b',
  ],
  [
    ({ customers }) => customers.create('a', { email: 'a@b' }),
    'POST /apps/:slug/customers',
    { email: 'a@b' },
  ],
  [
    ({ customers }) => customers.getOrCreate('a', { email: 'a@b', externalId: 'x' }),
    'POST /apps/:slug/customers/get-or-create',
    { email: 'a@b', external_id: 'x' },
  ],
  [
    ({ customers }) => customers.getByEmail('a', 'a+b@c'),
    'GET /apps/:slug/customers/by-email',
    '?email=a%2Bb%40c',
  ],
  [
    ({ customers }) => customers.getByExternalId('a', 'x&y'),
    'GET /apps/:slug/customers/by-external-id',
    '?external_id=x%26y',
  ],
  [({ customers }) => customers.get('a', 'cus_1'), 'GET /apps/:slug/customers/:id'],
  [
    ({ customers }) => customers.update('a', 'cus_1', { metadata: { someName: 1 } }),
    'PUT /apps/:slug/customers/:id',
    { metadata: { someName: 1 } },
  ],
  [({ customers }) => customers.delete('a', 'cus_1'), 'DELETE /apps/:slug/customers/:id'],
  [
    ({ licenses }) => licenses.list('a', { status: 'active', include: 'token' }),
    'GET /apps/:slug/licenses',
    '?status=active&include=token',
  ],
  [
    ({ licenses }) =>
      licenses.list('a', { expiresBefore: end, seenBefore: new Date(end * 1000), sort: '-expires_at' }),
    'GET /apps/:slug/licenses',
    '?expires_before=2030-01-01T00%3A00%3A00Z&seen_before=2030-01-01T00%3A00%3A00Z&sort=-expires_at',
  ],
  [(client) => client.search('a b@c'), 'GET /search', '?q=a+b%40c'],
  [
    ({ licenses }) => licenses.create('a', license),
    'POST /apps/:slug/licenses',
    { installation_id: license.installationId, customer_id: 'cus_1', tier_id: 'pro', forever: true },
  ],
  [
    ({ licenses }) => licenses.getByInstallation('a', 'i'),
    'GET /apps/:slug/licenses/by-installation',
    '?installation_id=i',
  ],
  [({ licenses }) => licenses.get('a', 'lic_1'), 'GET /apps/:slug/licenses/:id'],
  [({ licenses }) => licenses.token('a', 'lic_1'), 'GET /apps/:slug/licenses/:id'],
  [
    ({ licenses }) => licenses.update('a', 'lic_1', { expiresAt: end }),
    'PUT /apps/:slug/licenses/:id',
    { expires_at: '2030-01-01T00:00:00Z' },
  ],
  [({ licenses }) => licenses.delete('a', 'lic_1'), 'DELETE /apps/:slug/licenses/:id'],
  [
    ({ licenses }) => licenses.revoke('a', 'lic_1', { reason: 'r' }),
    'POST /apps/:slug/licenses/:id/revoke',
    { reason: 'r' },
  ],
  [
    ({ licenses }) => licenses.reinstate('a', 'lic_1', { invalidatePrevious: true }),
    'POST /apps/:slug/licenses/:id/reinstate',
    { invalidate_previous: true },
  ],
  [({ licenses }) => licenses.regenerate('a', 'lic_1'), 'POST /apps/:slug/licenses/:id/regenerate', {}],
  [
    ({ licenses }) => licenses.renew('a', 'lic_1', 'a.b.c', { client: 'app/1' }),
    'POST /apps/:slug/licenses/:id/regenerate',
    { current_token: 'a.b.c' },
  ],
  [
    ({ licenses }) => licenses.regenerateAll('a', { tierId: 'pro', dryRun: true }),
    'POST /apps/:slug/licenses/regenerate',
    { tier_id: 'pro', dry_run: true },
  ],
  [
    ({ licenseKeys }) => licenseKeys.list('a', { customerId: 'cus_1', include: 'key' }),
    'GET /apps/:slug/license-keys',
    '?customer_id=cus_1&include=key',
  ],
  [
    ({ licenseKeys }) =>
      licenseKeys.create('a', {
        ...{ customerId: 'cus_1', tierId: 'pro', seats: 2, updatesUntil: end, forever: true },
        customLimits: { maxUsers: 5 },
      }),
    'POST /apps/:slug/license-keys',
    {
      ...{
        customer_id: 'cus_1',
        tier_id: 'pro',
        seats: 2,
        updates_until: '2030-01-01T00:00:00Z',
        forever: true,
      },
      custom_limits: { maxUsers: 5 },
    },
  ],
  [({ licenseKeys }) => licenseKeys.get('a', 'lkey_1'), 'GET /apps/:slug/license-keys/:id'],
  [
    ({ licenseKeys }) => licenseKeys.get('a', 'lkey_1', { include: 'key' }),
    'GET /apps/:slug/license-keys/:id',
    '?include=key',
  ],
  [
    ({ licenseKeys }) => licenseKeys.getByExternalId('a', 'x&y', { include: 'key' }),
    'GET /apps/:slug/license-keys/by-external-id',
    '?include=key&external_id=x%26y',
  ],
  [
    ({ licenseKeys }) => licenseKeys.update('a', 'lkey_1', { idleDays: null }),
    'PUT /apps/:slug/license-keys/:id',
    { idle_days: null },
  ],
  [({ licenseKeys }) => licenseKeys.delete('a', 'lkey_1'), 'DELETE /apps/:slug/license-keys/:id'],
  [
    ({ licenseKeys }) =>
      licenseKeys.sync('a', {
        ...{
          externalId: 's',
          asOf: end,
          tierId: 'pro',
          seats: 1,
          expiresAt: null,
          metadata: { someName: 1 },
        },
        customer: { email: 'a@b', externalId: 'c', name: undefined as never },
      }),
    'POST /apps/:slug/license-keys/sync',
    {
      ...{ external_id: 's', as_of: '2030-01-01T00:00:00Z', tier_id: 'pro', seats: 1, expires_at: null },
      metadata: { someName: 1 },
      customer: { email: 'a@b', external_id: 'c' },
    },
  ],
  [
    ({ licenseKeys }) => licenseKeys.roll('a', 'lkey_1', { overlapDays: 3 }),
    'POST /apps/:slug/license-keys/:id/roll',
    { overlap_days: 3 },
  ],
  [
    ({ licenseKeys }) => licenseKeys.revoke('a', 'lkey_1', { reason: 'r' }),
    'POST /apps/:slug/license-keys/:id/revoke',
    { reason: 'r' },
  ],
  [
    ({ licenseKeys }) => licenseKeys.reinstate('a', 'lkey_1'),
    'POST /apps/:slug/license-keys/:id/reinstate',
    {},
  ],
  [
    ({ licenseKeys }) => licenseKeys.releaseAll('a', 'lkey_1', { except: ['lic_1'] }),
    'POST /apps/:slug/license-keys/:id/release-all',
    { except: ['lic_1'] },
  ],
  [
    ({ licenseKeys }) =>
      licenseKeys.activate(
        'a',
        'KEY-1',
        { installationId: 'i', currentToken: 'a.b.c', renewal: true },
        { client: 'app/1' },
      ),
    'POST /apps/:slug/license-keys/activate',
    { installation_id: 'i', current_token: 'a.b.c', renewal: true, license_key: 'KEY-1' },
  ],
  [
    ({ licenseKeys }) => licenseKeys.verify('a', 'KEY-1'),
    'POST /apps/:slug/license-keys/verify',
    { license_key: 'KEY-1' },
  ],
  [
    ({ licenseKeys }) => licenseKeys.seats('a', 'KEY-1', { installationId: 'i' }),
    'POST /apps/:slug/license-keys/seats',
    { installation_id: 'i', license_key: 'KEY-1' },
  ],
  [({ licenseKeys }) => licenseKeys.release('a', 'lic_1'), 'POST /apps/:slug/licenses/:id/release', {}],
  [
    ({ licenseKeys }) => licenseKeys.release('a', 'lic_1', { licenseKey: 'KEY-1' }),
    'POST /apps/:slug/licenses/:id/release',
    { license_key: 'KEY-1' },
  ],
  [
    ({ licenseKeys }) => licenseKeys.release('a', 'lic_1', { currentToken: 'a.b.c' }),
    'POST /apps/:slug/licenses/:id/release',
    { current_token: 'a.b.c' },
  ],
  [(client) => client.diagnose({ text: 'lic_1' }), 'POST /diagnose', { text: 'lic_1' }],
  [
    ({ verification }) => verification.verify('a', { installationId: 'i' }),
    'GET /apps/:slug/licenses/verify',
    '?installation_id=i',
  ],
  [
    ({ verification }) => verification.verifyToken('a', 'a.b.c', { releasedAt: end }),
    'POST /apps/:slug/licenses/verify',
    { released_at: '2030-01-01T00:00:00Z', token: 'a.b.c' },
  ],
  [
    ({ verification }) => verification.verifyBatch('a', { jtis: ['j'] }),
    'POST /apps/:slug/licenses/verify/batch',
    { jtis: ['j'] },
  ],
  [({ webhooks }) => webhooks.secret('a'), 'GET /apps/:slug/webhook-secret'],
  [
    ({ webhooks }) => webhooks.rollSecret('a', { overlapSeconds: 0 }),
    'POST /apps/:slug/webhook-secret/roll',
    { overlap_seconds: 0 },
  ],
  [
    ({ audit }) => audit.list('a', { actor: 'key_1', from: 0, to: new Date(1_000), page: 2 }),
    'GET /apps/:slug/audit',
    '?actor=key_1&from=1970-01-01T00%3A00%3A00Z&to=1970-01-01T00%3A00%3A01Z&page=2',
  ],
  [({ audit }) => audit.list(null, { target: 'lic_1' }), 'GET /audit', '?target=lic_1'],
  [
    ({ webhooks }) => webhooks.deliveries('a', { state: 'failed' }),
    'GET /apps/:slug/webhook-deliveries',
    '?state=failed',
  ],
  [
    ({ webhooks }) => webhooks.deliveries('a', { type: 'license.revoked', licenseId: 'lic_1' }),
    'GET /apps/:slug/webhook-deliveries',
    '?type=license.revoked&license_id=lic_1',
  ],
  [({ webhooks }) => webhooks.delivery('a', 'whd_1'), 'GET /apps/:slug/webhook-deliveries/:id'],
  [
    ({ webhooks }) => webhooks.retryAll('a', { state: 'failed', since: new Date(end * 1000 + 999) }),
    'POST /apps/:slug/webhook-deliveries/retry',
    { state: 'failed', since: '2030-01-01T00:00:00Z' },
  ],
  [({ webhooks }) => webhooks.retry('a', 'whd_1'), 'POST /apps/:slug/webhook-deliveries/:id/retry', {}],
  [({ webhooks }) => webhooks.test('a'), 'POST /apps/:slug/webhook-test', {}],
  [({ apiKeys }) => apiKeys.list({ mode: 'test' }), 'GET /api-keys', '?mode=test'],
  [
    ({ apiKeys }) => apiKeys.create({ expiresAt: new Date(end * 1000 + 999) }),
    'POST /api-keys',
    { expires_at: '2030-01-01T00:00:00Z' },
  ],
  [
    (client) => client.stats('a', { from: end, to: new Date(end * 1000), step: 'hour' }),
    'GET /apps/:slug/stats',
    '?from=2030-01-01T00%3A00%3A00Z&to=2030-01-01T00%3A00%3A00Z&step=hour',
  ],
  [(client) => client.status(), 'GET /status'],
  [({ apiKeys }) => apiKeys.me(), 'GET /me'],
  [({ apiKeys }) => apiKeys.revoke('key_1'), 'DELETE /api-keys/:id'],
  [({ apiKeys }) => apiKeys.roll('key_1'), 'POST /api-keys/:id/roll', {}],
  [({ apiKeys }) => apiKeys.invite('key_1'), 'POST /api-keys/:id/invite', {}],
]

const routeOf = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]))

/** The path that `calls` give a route. */
function pathOf(route: string): string {
  const values: Readonly<Record<string, string>> = { slug: 'a', tier: 'pro', feature: 'f' }
  const ids: readonly (readonly [string, string])[] = [
    ['customers', 'cus_1'],
    ['license-keys', 'lkey_1'],
    ['licenses', 'lic_1'],
    ['webhook-', 'whd_1'],
    ['api-keys', 'key_1'],
  ]
  const [, id = ''] = ids.find(([part]) => route.includes(part)) ?? []
  return `/api/v1${route.split(' ')[1]!.replace(/:([a-z]+)/g, (_, name: string) => values[name] ?? id)}`
}

/** True for a call whose body holds the credential. */
function isByHolder({ body }: Sent): boolean {
  return /"(?:current_token|license_key)"/.test(body ?? '')
}

/** The routes that write nothing, although they are POST. */
function isRead(route: string): boolean {
  return (
    routeOf.get(route)!.access === 'public' || /(?:license-keys\/(?:verify|seats)|\/diagnose)$/.test(route)
  )
}

/** The name of a call, such as `apps.list()`. */
function nameOf(call: (client: LicensingClient) => unknown): string {
  return `${/\w+\.\w+\(/.exec(call.toString())?.[0] ?? ''})`
}

for (const [call, name, given] of calls)
  test(`${nameOf(call)}: sends ${name} with its fields and the right credential`, async () => {
    const { client, sent } = recorder(() => json({ data: {} }))
    // The response fits few of the calls, and only the request counts here.
    await Promise.resolve(call(client)).catch(() => undefined)
    const [request] = sent
    assert.equal(sent.length, 1)
    const query = typeof given === 'string' ? given : ''
    assert.equal(`${request!.method} ${request!.path}`, `${name.split(' ')[0]} ${pathOf(name)}${query}`)
    const hasBody = ['POST', 'PUT'].includes(request!.method)
    assert.deepEqual(
      request!.body === null ? undefined : JSON.parse(request!.body),
      hasBody ? given : undefined,
    )
    assert.equal(request!.headers.get('content-type'), hasBody ? 'application/json' : null)
    const isOpen = routeOf.get(name)!.access === 'public' || isByHolder(request!)
    assert.equal(request!.headers.get('authorization'), isOpen ? null : `Bearer ${secret}`)
    const isWritten = request!.method === 'POST' && !isRead(name)
    assert.equal(request!.headers.has('idempotency-key'), isWritten)
    assert.equal(request!.init.redirect, 'manual')
    assert.equal(request!.init.credentials, undefined)
  })

test('createLicensingClient(): reaches every route of the server but two files', () => {
  // The bytes of the client have no room for two files that a build or a person fetches.
  const files = ['GET /apps/:slug/trust.json', 'GET /apps/:slug/licenses/:id/file']
  const reached = [...new Set(calls.map(([, route]) => route)), ...files]
  assert.deepEqual(reached.toSorted(), [...routeOf.keys()].toSorted())
})

test('ping(): asks the health check, without a credential', async () => {
  const { client, sent } = recorder(() => json({ status: 'ok' }))
  await client.ping()
  assert.deepEqual([sent[0]!.path, sent[0]!.headers.get('authorization')], ['/api/health', null])
})

test('licenses.renew(): names the program, and leaves out a name that no header takes', async () => {
  const { client, sent } = recorder(() => json({ data: {} }))
  for (const name of ['desktop-app/2.3.1 (macos)', 'two\nlines', 'ü', '', 'x'.repeat(65)])
    await client.licenses.renew('a', 'lic_1', 'a.b.c', { client: name })
  assert.deepEqual(
    sent.map(({ headers }) => headers.get('heartwood-client')),
    ['desktop-app/2.3.1 (macos)', null, null, null, null],
  )
})
