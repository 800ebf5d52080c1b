import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Diagnosis, RestrictedLicensing, SearchResult } from '../../src/core/index.ts'
import { scopes } from '../../src/core/scopes.ts'
import { tokenOf } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, forge } from '../support/tokens.ts'
import { newFixture, type Fixture } from './fixture.ts'

const other = 'other-app'

/** Something of another app, and the same that no app has, in the same form. */
type Pair = readonly [known: string, unknown: string]

/** An id of the same kind that nothing has. */
function altered(id: string): string {
  return id.replace(/_.*/, '_01kfnb4zd5fd8rh1b9p2xj3t6y')
}

/** Makes one of everything in the other app of the same mode. */
async function pairsOf({ licensing }: Fixture): Promise<readonly Pair[]> {
  const app = await licensing.apps.get(other)
  const tier = await licensing.tiers.create(other, { name: 'Max', slug: 'max', features: ['x_ray'] })
  const [feature] = (await licensing.features.list(other)).data
  const buyer = { email: 'bob@other.example', name: 'Bob Other', externalId: 'crm-other' }
  const customer = await licensing.customers.create(other, buyer)
  const terms = { customerId: customer.id, tierId: tier.id, forever: true } as const
  const license = await licensing.licenses.create(other, { ...terms, installationId: crypto.randomUUID() })
  const sold = await licensing.licenseKeys.create(other, { ...terms, externalId: 'sub-other' })
  const [signing] = await licensing.apps.keys(other)
  const claims = claimsOf(tokenOf(license))
  const strange = { ...claims, aud: 'no-such-app' }
  const key = testKeyPairs[0]!.privateKeyPem
  return [
    ...[app.id, tier.id, feature!.id, customer.id, license.id, sold.id].map((id): Pair => [id, altered(id)]),
    [other, 'no-such-app'],
    ['max', 'nix'],
    ['x_ray', 'y_ray'],
    ['bob@other.example', 'bob@no-such.example'],
    ['bob', 'eve'],
    ['Bob Other', 'Eve Other'],
    ['crm-other', 'crm-no-such'],
    ['sub-other', 'sub-no-such'],
    [license.installationId, crypto.randomUUID()],
    [license.jti, `${license.jti.slice(0, -4)}0000`],
    [signing!.kid, 'k'.repeat(43)],
    [tokenOf(license), await forge(strange, key)],
    [await forge(claims, key), await forge(strange, key)],
    [sold.key, '00000-00000-00000-00000-00000'],
  ]
}

interface Desk {
  diagnose(text: string): Promise<Diagnosis>
  search(text: string): Promise<readonly SearchResult[]>
}

const rights = scopes.filter((each) => each !== 'delete')

/** The ways to see one app alone. */
const ways: Readonly<Record<string, (fixture: Fixture) => Promise<Desk>>> = {
  'a bound key over HTTP': async ({ licensing, send }) => {
    const { secret: key } = await licensing.apiKeys.create({ app: 'desktop-app', scopes: rights })
    return {
      diagnose: async (text) => (await send('POST', '/diagnose', { key, body: { text } })).data(),
      search: async (text) => {
        const response = await send('GET', `/search?q=${encodeURIComponent(text)}`, { key })
        return response.status === 422 ? [] : response.data()
      },
    }
  },
  'a bound key in process': async ({ licensing }) => {
    const { secret } = await licensing.apiKeys.create({ app: 'desktop-app' })
    return inProcess(licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!))
  },
  'a person with one app': async ({ licensing }) => {
    const person = { type: 'sk', mode: 'live', appId: null, expiresAt: null, scopes: null } as const
    return inProcess(licensing.restrictedTo({ id: 'user:ana', ...person, apps: ['desktop-app'] }))
  },
}

function inProcess(own: RestrictedLicensing): Desk {
  return {
    diagnose: (text) => own.diagnose({ text }),
    // The search refuses what looks like a secret, and so tells nothing of it.
    search: (text) => own.search(text).catch(() => []),
  }
}

/** The diagnosis without what the sender of the text knows anyway: the text, its length and what a token says of itself. */
function told(diagnosis: unknown, text: string): string {
  return JSON.stringify(diagnosis)
    .replaceAll(/"length":\d+/g, '')
    .replaceAll(text, 'TEXT')
}

describe('what sees one app alone learns nothing of other apps', () => {
  for (const [way, connect] of Object.entries(ways))
    test(`${way}: diagnosis and search tell things of another app and things of none alike`, async () => {
      const fixture = await newFixture()
      const pairs = await pairsOf(fixture)
      const desk = await connect(fixture)
      for (const [known, unknown] of pairs) {
        const [first, second] = [await desk.diagnose(known), await desk.diagnose(unknown)]
        assert.equal(told(first, known), told(second, unknown))
        assert.deepEqual([first.app, first.licenseId ?? null, first.candidates], [null, null, []], known)
        for (const text of [known, unknown]) assert.deepEqual(await desk.search(text), [], text)
      }
      // Otherwise a desk that finds nothing at all would pass.
      assert.equal((await desk.diagnose(tokenOf(fixture.license))).cause, null)
      assert.equal((await desk.search('ada@')).length, 1)
    })

  test('a bound scoped key: no route tells of another app', async () => {
    const fixture = await newFixture()
    const { licensing, send } = fixture
    const { id } = await licensing.apps.get(other)
    const { secret: key } = await licensing.apiKeys.create({ app: 'desktop-app', scopes: rights })
    const ask = (path: string) => send('GET', path, { key })
    for (const path of ['/me', '/apps', '/apps/desktop-app', '/apps/desktop-app/audit'])
      assert.doesNotMatch((await ask(path)).text, /other-app|test-app|Other/, path)
    const rooms = ['customers', 'licenses', 'license-keys', 'keys', 'webhook-secret', 'audit', 'stats']
    for (const name of [other, id, 'test-app'])
      for (const path of ['', '/webhook-deliveries', ...rooms.map((room) => `/${room}`)]) {
        const missing = await ask(`/apps/no-such-app${path}`)
        const response = await ask(`/apps/${name}${path}`)
        assert.deepEqual([response.status, response.text], [404, missing.text], path)
      }
    for (const path of ['/api-keys', '/audit', '/status']) assert.equal((await ask(path)).status, 403, path)
  })
})
