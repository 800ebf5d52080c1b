import { snakeCase } from '../../core/wire.ts'
import { views, type ViewName } from './views.ts'

const created = { created_at: '2026-01-23T10:00:00Z', updated_at: '2026-01-23T10:00:00Z' }
const publicKeyPem =
  '-----BEGIN PUBLIC KEY-----\nMIICIjANBgkqhkiG9w0BAQEFAAOCAg8A…\n-----END PUBLIC KEY-----\n'
const token = 'eyJhbGciOiJSUzI1NiIs…'
/** Its check symbols are wrong. */
export const licenseKeyText = 'ACME-7K3QM-8Z2VT-PX9CW-41HRD-YB6NE'

/** An example of a view in its wire form. A field that the example leaves out is `null`, if it may be. */
function example(view: ViewName, fields: object): object {
  const { properties, required = [] } = views[view]
  const missing = required.filter(
    (name) => !(snakeCase(name) in fields) && properties[name]?.anyOf !== undefined,
  )
  return { ...fields, ...Object.fromEntries(missing.map((name) => [snakeCase(name), null])) }
}

/** Examples for the OpenAPI document. No key, token or person in them is real. */
export const publicKeyExample: string = publicKeyPem

export const appExample: object = example('App', {
  id: 'app_01kfnb2xk8e6brqkz1v5m4g7ha',
  mode: 'live',
  name: 'My Desktop App',
  slug: 'desktop-app',
  description: 'License management for my desktop application',
  webhook_dropped_events: 0,
  issuer: 'license-server',
  public_key_pem: publicKeyPem,
  ...created,
})

export const rotationExample: object = example('Rotation', {
  message: 'Keys rotated successfully',
  licenses_resigned: 42,
  public_key_pem: publicKeyPem,
})

export const signingKeyExample: object = example('SigningKey', {
  kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  state: 'active',
  public_key_pem: publicKeyPem,
  created_at: '2026-01-23T10:00:00Z',
})

export const licenseFileExample: string = [
  '-----BEGIN HEARTWOOD LICENSE-----',
  'eyJ2IjoxLCJ0b2tlbiI6ImV5SmhiR2NpT2lKU1V6STFOaUlzSW5SNWNDSTZJa3BY',
  '-----END HEARTWOOD LICENSE-----',
  '',
].join('\n')

export const featureExample: object = example('Feature', {
  id: 'feat_01kfnb41n3ef4ttvq4zk7m6g0q',
  name: 'Webhooks',
  slug: 'webhooks',
  ...created,
})

export const tierExample: object = example('Tier', {
  id: 'tier_01kfnb3m8cfv9a4k1s6c8e2wzn',
  name: 'Pro',
  slug: 'pro',
  position: 1,
  features: ['api_access', 'webhooks'],
  limits: { projects: 5 },
  ...created,
})

export const searchExample: object = example('SearchResult', {
  kind: 'customer',
  app: 'desktop-app',
  id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
  label: 'Ada <ada@example.com>',
})

export const customerExample: object = example('Customer', {
  id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
  email: 'ada@example.com',
  name: 'Ada',
  external_id: 'user-42',
  metadata: { plan: 'yearly' },
  ...created,
})

export const licenseExample: object = example('License', {
  id: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r',
  installation_id: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
  customer_id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
  tier_id: 'tier_01kfnb3m8cfv9a4k1s6c8e2wzn',
  tier: 'pro',
  features: ['api_access', 'webhooks', 'custom_integration'],
  custom_features: ['custom_integration'],
  limits: { projects: 25 },
  custom_limits: { projects: 25 },
  status: 'active',
  expires_at: '2027-01-23T10:00:00Z',
  issued_at: '2026-01-23T10:00:00Z',
  jti: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r0000009q3wz6nbd4hm8t0k2c5vx1ryjf',
  revoked_cause: null,
  seen_at: '2026-01-23T10:00:00Z',
  seen_kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  seen_client: 'desktop-app/2.3.1 (macos)',
  metadata: {},
  ...created,
  token,
})

export const licenseKeyExample: object = example('LicenseKey', {
  id: 'lkey_01kfnb5a7ce2vbm6r0hs4w8yqd',
  customer_id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
  tier_id: 'tier_01kfnb3m8cfv9a4k1s6c8e2wzn',
  tier: 'pro',
  features: ['api_access', 'webhooks'],
  custom_features: [],
  limits: { projects: 5 },
  custom_limits: {},
  status: 'active',
  key_last_four: 'B6NE',
  seats: 2,
  seats_used: 1,
  when_full: 'refuse',
  releases_per_year: 12,
  releases_left: 12,
  expires_at: '2027-01-23T10:00:00Z',
  starts: 'creation',
  activated_at: '2026-01-23T10:00:00Z',
  metadata: {},
  ...created,
})

export const licenseKeyWithTextExample: object = { ...licenseKeyExample, key: licenseKeyText }

export const saleExample: object = {
  external_id: 'stripe:sub_1Q2w3E',
  as_of: '2026-01-23T10:00:00Z',
  customer: { email: 'ada@example.com', external_id: 'stripe:cus_9aB' },
  tier_id: 'pro',
  seats: 2,
  expires_at: '2027-01-23T10:00:00Z',
}

export const activatedLicenseExample: object = example('ActivatedLicense', {
  id: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r',
  installation_id: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
  customer_id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
  tier_id: 'tier_01kfnb3m8cfv9a4k1s6c8e2wzn',
  tier: 'pro',
  features: ['api_access', 'webhooks'],
  limits: { projects: 5 },
  status: 'active',
  expires_at: '2027-01-23T10:00:00Z',
  issued_at: '2026-01-23T10:00:00Z',
  jti: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r0000009q3wz6nbd4hm8t0k2c5vx1ryjf',
  license_key_id: 'lkey_01kfnb5a7ce2vbm6r0hs4w8yqd',
  name: 'Ada’s laptop',
  token,
  license_key: {
    id: 'lkey_01kfnb5a7ce2vbm6r0hs4w8yqd',
    status: 'active',
    expires_at: '2027-01-23T10:00:00Z',
    updates_until: null,
    seats: 2,
    seats_used: 1,
  },
})

export const seatExample: object = example('Seat', {
  license_id: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r',
  name: 'Ada’s laptop',
  installation_id_last_four: '2c4d',
  activated_at: '2026-01-23T10:00:00Z',
  seen_on: '2026-01-23',
  this: true,
})

export const licenseKeyVerificationExample: object = example('LicenseKeyVerification', {
  valid: true,
  code: null,
  reason: 'The license key is active',
  status: 'active',
  tier: 'pro',
  features: ['api_access', 'webhooks'],
  limits: { projects: 5 },
  expires_at: '2027-01-23T10:00:00Z',
  updates_until: null,
  seats: 2,
  seats_used: 1,
})

export const statsExample: object = example('Stats', {
  from: '2026-01-21T00:00:00Z',
  to: '2026-01-24T00:00:00Z',
  step: 'day',
  series: {
    'activate.ok': [1, 0, 2],
    issued: [1, 0, 2],
    'renew.ok': [40, 42, 17],
    revoked: [0, 1, 0],
    'verify.not_found': [0, 0, 3],
    'verify.ok': [120, 131, 60],
  },
  snapshot: {
    at: '2026-01-23T00:00:00Z',
    tiers: [{ tier: 'pro', active: 42, expired: 7, revoked: 1 }],
  },
})

export const statusExample: object = example('Status', {
  storage: 'ok',
  signing: { running: 0, waiting: 0 },
  webhooks: { due: 0, oldest_due_at: null, disabled: [], webhook_queue_full: [] },
  clock: '2026-01-23T10:00:00Z',
  refusals: [
    {
      time: '2026-01-23T09:59:12Z',
      route: 'POST /apps/:slug/licenses/:id/regenerate',
      code: 'license_revoked',
      app: 'desktop-app',
      kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
      request_id: '0e6f2c8a-6b0d-4c0e-9a53-0d6f3f1b2c4d',
    },
  ],
})

export const verificationExample: object = example('Verification', {
  valid: true,
  status: 'active',
  tier: 'pro',
  features: ['api_access', 'webhooks', 'custom_integration'],
  limits: { projects: 25 },
  expires_at: '2027-01-23T10:00:00Z',
  installation_id: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
})

export const diagnosisExample: object = example('Diagnosis', {
  kind: 'installation',
  app: 'desktop-app',
  license_id: 'lic_01kfnb4zd5fd8rh1b9p2xj3t6y',
  checks: [
    {
      check: 'revocation',
      state: 'failed',
      sentence: 'It was revoked on 2 March 2026, 10:00 UTC. The reason: Refunded.',
      facts: { code: 'license_revoked', revoked_at: '2026-03-02T10:00:00Z', revoked_reason: 'Refunded' },
    },
  ],
  cause: 'license_revoked',
  remedy: 'If the revocation was wrong, reinstate the license: `heartwood licenses reinstate …`',
  candidates: [],
})

export const apiKeyExample: object = example('ApiKey', {
  id: 'key_01kfnb6qg4eh3tv7m2d9r5x8wc',
  name: 'Shop',
  type: 'sk',
  mode: 'live',
  prefix: 'sk_live_',
  last_four: 'x7Qa',
  created_at: '2026-01-23T10:00:00Z',
})

export const invitationExample: object = {
  url: 'https://licenses.example.com/dashboard#/in/v1.Gm2l…',
  expires_at: '2026-01-23T10:10:00Z',
}

export const webhookSecretExample: object = example('WebhookSecret', {
  secret: 'whsec_ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSE=',
})

export const deliveryExample: object = example('WebhookDelivery', {
  id: 'whd_01kfnb7s3nf5dvt1m6r9k2c4xz',
  event_id: 'evt_01kfnb7s3nf5dvt1m6r9k2c4xy',
  type: 'license.revoked',
  license_id: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r',
  state: 'delivered',
  attempts: 1,
  last_status: 204,
  last_attempt_at: '2026-01-23T10:00:01Z',
  created_at: '2026-01-23T10:00:00Z',
})

export const auditEntryExample: object = example('AuditEntry', {
  id: 'aud_01kfnb7s3nf5dvt1m6r9k2c4xw',
  app: 'app_01kfnb2xk8e6brqkz1v5m4g7ha',
  mode: 'live',
  time: '2026-01-23T10:00:00Z',
  actor: { type: 'api_key', id: 'key_01kfnb6qg4eh3tv7m2d9r5x8wc', label: 'Support' },
  action: 'license.revoked',
  target: { type: 'license', id: 'lic_01kfnb5vq2e8m8b0wd4y6c1s9r' },
  changes: { revoked_at: [null, '2026-01-23T10:00:00Z'] },
  request_id: '0b8e1c34-7b3b-4f1e-9a52-6a6d5d8f2c11',
  seq: 1042,
  mac: 'Wohy1_pbGdG7L3uer2nMK6u-aa6737694vm-ZoITNm4',
})
export const deliveryDetailExample: object = {
  ...deliveryExample,
  payload: '{"type":"license.revoked","timestamp":"2026-01-23T10:00:00Z","data":{…}}',
  last_attempts: [{ attempted_at: '2026-01-23T10:00:01Z', status: 204, error: null, duration_ms: 83 }],
}

export function pageExample(item: object): object {
  return { data: [item], meta: { total: 1, page: 1, per_page: 20, next_cursor: null } }
}

export const healthExample: object = { status: 'ok', version: '1.2.3', storage: 'ok' }

/** Examples of responses that several operations share. */
export const namedExamples: Readonly<Record<string, object>> = {
  ActivatedLicense: { data: activatedLicenseExample },
  ApiKey: { data: { ...apiKeyExample, secret: 'sk_live_…' } },
  App: { data: appExample },
  Customer: { data: customerExample },
  Feature: { data: featureExample },
  License: { data: licenseExample },
  LicenseKey: { data: licenseKeyExample },
  LicenseKeyWithText: { data: licenseKeyWithTextExample },
  Tier: { data: tierExample },
  WebhookDelivery: { data: deliveryExample },
  WebhookSecret: { data: webhookSecretExample },
}
