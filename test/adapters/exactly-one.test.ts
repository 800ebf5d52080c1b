import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  BatchReference,
  Expiry,
  LicenseChanges,
  LicenseReference,
  NewLicense,
} from '../../src/core/index.ts'
import { document, newShopServer, type Json } from './test-server.ts'

const ajv = new Ajv2020({ strict: false })
formats.default(ajv)

interface Operation {
  readonly requestBody: {
    readonly required: boolean
    readonly content: { readonly 'application/json': { readonly schema: object } }
  }
}

function bodyOf(path: string): Operation['requestBody'] {
  const { paths } = document as unknown as { paths: Readonly<Record<string, { readonly post: Operation }>> }
  return paths[`/api/v1/apps/{slug}/${path}`]!.post.requestBody
}

const { send, keys, customer } = await newShopServer()

const newLicense = (): Json => ({
  installation_id: crypto.randomUUID(),
  customer_id: customer.id,
  tier_id: 'pro',
})
const installation_ids = [crypto.randomUUID()]

const bodies: readonly (readonly [path: string, body: () => Json, choices: Json])[] = [
  ['licenses', newLicense, { duration_days: 1, expires_at: '2030-01-01T00:00:00Z', forever: true }],
  ['licenses/verify/batch', () => ({}), { installation_ids, jtis: ['x'] }],
]

for (const [path, body, choices] of bodies)
  test(`POST ${path}: the document and the server want exactly one of ${Object.keys(choices).join(', ')}`, async () => {
    const { required, content } = bodyOf(path)
    assert.equal(required, true)
    const { components } = document
    const fits = ajv.compile({ ...content['application/json'].schema, components })
    const given = Object.entries(choices)
    for (let chosen = 0; chosen < 2 ** given.length; chosen++) {
      const some = Object.fromEntries(given.filter((_, at) => (chosen & (2 ** at)) !== 0))
      const isOne = Object.keys(some).length === 1
      const sent = { ...body(), ...some }
      assert.equal(fits(sent), isOne, JSON.stringify(sent))
      const { status } = await send('POST', `/apps/desktop-app/${path}`, { key: keys.sk, body: sent })
      assert.equal(status < 300, isOne, JSON.stringify(sent))
    }
  })

/** True if the type checker takes a value of `Given` where `Wanted` is wanted. */
type Takes<Wanted, Given> = [Given] extends [Wanted] ? true : false

interface Subject {
  readonly installationId: string
  readonly customerId: string
  readonly tierId: string
}
type Both = { readonly durationDays: number; readonly expiresAt: number }

test('the types of core: exactly one of several fields', () => {
  const taken: readonly true[] = [
    true satisfies Takes<Expiry, { readonly durationDays: number }>,
    true satisfies Takes<Expiry, { readonly expiresAt: Date }>,
    true satisfies Takes<Expiry, { readonly forever: true }>,
    true satisfies Takes<NewLicense, Subject & { readonly forever: true }>,
    true satisfies Takes<LicenseChanges, { readonly metadata: null }>,
    true satisfies Takes<LicenseChanges, { readonly expiresAt: number }>,
    true satisfies Takes<LicenseReference, { readonly jti: string }>,
    true satisfies Takes<BatchReference, { readonly installationIds: readonly string[] }>,
  ]
  const refused: readonly false[] = [
    false satisfies Takes<Expiry, Both>,
    false satisfies Takes<Expiry, object>,
    false satisfies Takes<Expiry, { readonly forever: boolean }>,
    false satisfies Takes<NewLicense, Subject>,
    false satisfies Takes<NewLicense, Subject & Both>,
    false satisfies Takes<LicenseChanges, Both>,
    false satisfies Takes<LicenseReference, object>,
    false satisfies Takes<LicenseReference, { readonly jti: string; readonly installationId: string }>,
    false satisfies Takes<BatchReference, object>,
    false satisfies Takes<BatchReference, { readonly jtis: []; readonly installationIds: [] }>,
  ]
  assert.deepEqual([taken.every(Boolean), refused.some(Boolean)], [true, false])
})
