import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import type { Licensing, NewApiKey, Preset, Scope } from '../../src/core/index.ts'
import { scopes } from '../../src/core/scopes.ts'
import { onTables, type Tables } from '../support/all-tables.ts'
import { callRoute, inputFor } from './call-route.ts'
import type { Credential } from './credentials.ts'
import { here, linkOf, Visitor } from './dashboard/visitor.ts'
import { newFixture, type Fixture } from './fixture.ts'
import { expectations, type RouteInput } from './route-expectations.ts'
import { serve } from './test-server.ts'

type Asked = readonly Scope[] | 'open'

const catalogue = { read: ['catalogue:read'], write: ['catalogue:write'] } as const
const customers = { read: ['customers:read'], write: ['customers:write'] } as const
const licenses = { read: ['licenses:read'], write: ['licenses:write'] } as const
const licenseKeys = { read: ['license_keys:read'], write: ['license_keys:write'] } as const

/** The scopes that the contract asks for on every route. A route that is missing here fails the test. */
const asked: Readonly<Record<string, Asked>> = {
  'GET /apps': catalogue.read,
  'POST /apps': catalogue.write,
  'GET /apps/:slug': catalogue.read,
  'PUT /apps/:slug': catalogue.write,
  'DELETE /apps/:slug': ['catalogue:write', 'delete'],
  'GET /apps/:slug/public-key': 'open',
  'GET /apps/:slug/jwks.json': 'open',
  'GET /apps/:slug/trust.json': 'open',
  'GET /apps/:slug/keys': catalogue.read,
  'POST /apps/:slug/rotate-keys': ['apps:rotate'],

  'GET /apps/:slug/tiers': catalogue.read,
  'POST /apps/:slug/tiers': catalogue.write,
  'GET /apps/:slug/tiers/:tier': catalogue.read,
  'PUT /apps/:slug/tiers/:tier': catalogue.write,
  'DELETE /apps/:slug/tiers/:tier': ['catalogue:write', 'delete'],
  'GET /apps/:slug/tiers/:tier/features': catalogue.read,
  'POST /apps/:slug/tiers/:tier/features': catalogue.write,
  'DELETE /apps/:slug/tiers/:tier/features/:feature': catalogue.write,

  'GET /apps/:slug/features': catalogue.read,
  'POST /apps/:slug/features': catalogue.write,
  'GET /apps/:slug/features/:feature': catalogue.read,
  'PUT /apps/:slug/features/:feature': catalogue.write,
  'DELETE /apps/:slug/features/:feature': ['catalogue:write', 'delete'],

  'GET /apps/:slug/customers': customers.read,
  'POST /apps/:slug/customers': customers.write,
  'POST /apps/:slug/customers/get-or-create': customers.write,
  'GET /apps/:slug/customers/by-email': customers.read,
  'GET /apps/:slug/customers/by-external-id': customers.read,
  'GET /apps/:slug/customers/:id': customers.read,
  'PUT /apps/:slug/customers/:id': customers.write,
  'DELETE /apps/:slug/customers/:id': ['customers:write', 'delete'],

  'GET /apps/:slug/licenses': licenses.read,
  'POST /apps/:slug/licenses': licenses.write,
  'GET /apps/:slug/licenses/by-installation': licenses.read,
  'GET /apps/:slug/licenses/:id': licenses.read,
  'GET /apps/:slug/licenses/:id/file': licenses.read,
  'PUT /apps/:slug/licenses/:id': licenses.write,
  'DELETE /apps/:slug/licenses/:id': ['licenses:write', 'delete'],
  'POST /apps/:slug/licenses/:id/regenerate': licenses.write,
  'POST /apps/:slug/licenses/:id/revoke': licenses.write,
  'POST /apps/:slug/licenses/:id/reinstate': licenses.write,
  'POST /apps/:slug/licenses/regenerate': licenses.write,
  'POST /apps/:slug/licenses/:id/release': ['licenses:release'],

  'GET /apps/:slug/licenses/verify': 'open',
  'POST /apps/:slug/licenses/verify': 'open',
  'POST /apps/:slug/licenses/verify/batch': 'open',

  'GET /apps/:slug/license-keys': licenseKeys.read,
  'POST /apps/:slug/license-keys': licenseKeys.write,
  'GET /apps/:slug/license-keys/by-external-id': licenseKeys.read,
  'GET /apps/:slug/license-keys/:id': licenseKeys.read,
  'PUT /apps/:slug/license-keys/:id': licenseKeys.write,
  'DELETE /apps/:slug/license-keys/:id': ['license_keys:write', 'delete'],
  'POST /apps/:slug/license-keys/sync': ['license_keys:write', 'customers:write'],
  'POST /apps/:slug/license-keys/:id/roll': licenseKeys.write,
  'POST /apps/:slug/license-keys/:id/revoke': licenseKeys.write,
  'POST /apps/:slug/license-keys/:id/reinstate': licenseKeys.write,
  'POST /apps/:slug/license-keys/:id/release-all': licenseKeys.write,
  'POST /apps/:slug/license-keys/activate': 'open',
  'POST /apps/:slug/license-keys/verify': 'open',
  'POST /apps/:slug/license-keys/seats': 'open',

  'POST /diagnose': licenses.read,

  'GET /apps/:slug/webhook-secret': ['webhooks:write'],
  'POST /apps/:slug/webhook-secret/roll': ['webhooks:write'],
  'GET /apps/:slug/webhook-deliveries': ['webhooks:read'],
  'GET /apps/:slug/webhook-deliveries/:id': ['webhooks:read'],
  'POST /apps/:slug/webhook-deliveries/retry': ['webhooks:write'],
  'POST /apps/:slug/webhook-deliveries/:id/retry': ['webhooks:write'],
  'POST /apps/:slug/webhook-test': ['webhooks:write'],

  'GET /apps/:slug/audit': ['audit:read'],
  'GET /audit': ['audit:read'],
  'GET /apps/:slug/stats': catalogue.read,
  'GET /status': ['keys:write'],

  'GET /me': [],
  'GET /search': [],
  'GET /api-keys': ['keys:write'],
  'POST /api-keys': ['keys:write'],
  'DELETE /api-keys/:id': ['keys:write'],
  'POST /api-keys/:id/roll': ['keys:write'],
  'POST /api-keys/:id/invite': ['keys:write'],
}

/** Reads that the contract keeps from a `pk_` key, whatever its scopes. */
const onlyForSecretKeys = [
  'GET /apps/:slug/keys',
  'GET /apps/:slug/licenses/:id/file',
  'GET /apps/:slug/webhook-deliveries',
  'GET /apps/:slug/webhook-deliveries/:id',
]

/** The rows in an order in which the app goes last. */
const rows = Object.keys(expectations).map((row) => [row, asked[row]] as const)

/** `x:write` includes `x:read`, and `licenses:write` includes `licenses:release`. */
function isIn(list: readonly Scope[], scope: Scope): boolean {
  const wide = scope === 'licenses:release' ? 'licenses:write' : scope.replace(/:read$/, ':write')
  return list.includes(scope) || list.includes(wide as Scope)
}

async function credential({ licensing }: Fixture, rights: NewApiKey): Promise<Credential> {
  const { secret } = await licensing.apiKeys.create(rights)
  return { headers: { authorization: `Bearer ${secret}` } }
}

/** A scoped key may make and manage only keys that may do no more than itself. */
async function inputOf(fixture: Fixture, row: string): Promise<RouteInput> {
  const rights = { scopes: ['keys:write'] } as const
  if (row === 'POST /api-keys') return { body: rights }
  if (!row.includes('/api-keys/:id')) return inputFor(fixture, row)
  return { params: { id: (await fixture.licensing.apiKeys.create(rights)).id } }
}

/** A served shop on SQLite, and the content of all its tables: the audit log and stored responses too. */
interface Watched extends Fixture {
  readonly stored: Tables
}

function watching(work: (fixture: Watched) => Promise<void>): () => Promise<void> {
  return () => onTables(async (storage, stored) => work({ ...(await newFixture({ storage })), stored }))
}

/** Calls every route with each key. A refusal is 403, names the missing scopes, and writes nothing. */
async function checkRoutes(fixture: Watched, keys: ReadonlyMap<readonly Scope[], Credential>): Promise<void> {
  for (const [row, wanted] of rows) {
    if (wanted === undefined || wanted === 'open') continue
    const input = await inputOf(fixture, row)
    const before = await fixture.stored()
    const allowed: Credential[] = []
    for (const [held, key] of keys) {
      const missing = wanted.filter((scope) => !isIn(held, scope))
      if (missing.length === 0) {
        allowed.push(key)
        continue
      }
      const response = await callRoute(fixture, row, input, key)
      assert.equal(response.status, 403, `${row} with ${held.join()}: ${response.text}`)
      const { code, message } = response.error()
      assert.equal(code, 'forbidden')
      for (const scope of missing)
        assert.ok(message.includes(scope), `${row} with ${held.join()}: ${message}`)
      for (const scope of scopes.filter((each) => !missing.includes(each)))
        assert.ok(!message.split(/ /).includes(scope), `${row} with ${held.join()}: ${message}`)
    }
    assert.equal(await fixture.stored(), before, `${row}: a refusal changed something`)
    const [last] = allowed.slice(-1)
    assert.notEqual(last, undefined, row)
    const response = await callRoute(fixture, row, input, last!)
    assert.equal(response.status, expectations[row]![1], `${row}: ${response.text}`)
  }
}

/** The session of the dashboard of somebody who signed in with a new key, or followed the link of one. */
async function session(
  { licensing, fetch }: Fixture,
  rights: NewApiKey,
  by: 'key' | 'link',
): Promise<Credential> {
  const { id, secret } = await licensing.apiKeys.create(rights)
  const link = linkOf(await licensing.apiKeys.invite(id))
  const visitor = new Visitor(fetch, here)
  const { status } = await (by === 'key' ? visitor.signIn(secret) : visitor.follow(link))
  assert.equal(status, 200)
  const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ')
  const page = { origin: here, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  return { headers: { cookie, host: 'localhost', ...page } }
}

type MakeCredential = (fixture: Fixture, rights: NewApiKey) => Promise<Credential>

async function keysWith(
  fixture: Fixture,
  lists: readonly (readonly Scope[])[],
  make: MakeCredential = credential,
): Promise<ReadonlyMap<readonly Scope[], Credential>> {
  const keys = new Map<readonly Scope[], Credential>()
  for (const list of lists) keys.set(list, await make(fixture, { scopes: list }))
  return keys
}

/** For each scope, the list of all that do not include it. */
const allButOne = scopes.map((scope) => scopes.filter((each) => each !== scope && !isIn([each], scope)))

/** The fixture behind a server that admits every key to every route, so that core alone refuses. */
async function withoutAdmission(fixture: Watched): Promise<Watched> {
  const { licensing } = fixture
  const admitting: Licensing = {
    ...licensing,
    restrictedTo(principal) {
      const own = licensing.restrictedTo(principal)
      const authorize = async (_permission: unknown, app?: string) => ({ licensing: own, app: app ?? null })
      return { ...own, authorize }
    },
  }
  const { send } = await serve({ ...fixture, licensing: admitting }, { dashboard: true })
  return { ...fixture, send }
}

describe('scopes of the route table', () => {
  test('every route has its scopes in this test', () => {
    const table = routes.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(Object.keys(asked).toSorted(), table.toSorted())
  })

  test(
    'a key with one scope: 403 everywhere else, and nothing is written',
    watching(async (fixture) => {
      const single = scopes.map((scope) => [scope])
      // The last key of each route is that with exactly the scopes of the route.
      const exact = rows.flatMap(([, wanted]) => (Array.isArray(wanted) && wanted.length > 1 ? [wanted] : []))
      await checkRoutes(fixture, await keysWith(fixture, [...single, ...exact]))
    }),
  )

  test(
    'a key with every scope but one: 403 where that one is asked for, and nothing is written',
    watching(async (fixture) => {
      await checkRoutes(fixture, await keysWith(fixture, [...allButOne, scopes]))
    }),
  )

  test(
    'core alone refuses the same, if no route did',
    watching(async (served) => {
      const fixture = await withoutAdmission(served)
      await checkRoutes(fixture, await keysWith(fixture, [...allButOne, scopes]))
    }),
  )

  for (const by of ['key', 'link'] as const)
    test(
      `a session of the dashboard, by a ${by} with every scope but one: 403 where that one is asked for`,
      watching(async (fixture) => {
        const make: MakeCredential = (at, rights) => session(at, rights, by)
        await checkRoutes(fixture, await keysWith(fixture, [...allButOne, scopes], make))
      }),
    )

  test(
    'a pk key with one scope reads what that scope names, and no more',
    watching(async (fixture) => {
      for (const scope of scopes.filter((each) => each.endsWith(':read'))) {
        const key = await credential(fixture, { type: 'pk', scopes: [scope] })
        for (const [row, wanted] of rows) {
          if (wanted === undefined || wanted === 'open') continue
          const input = await inputOf(fixture, row)
          const before = await fixture.stored()
          const { status, text } = await callRoute(fixture, row, input, key)
          const isAllowed = wanted.every((each) => each === scope) && !onlyForSecretKeys.includes(row)
          assert.equal(status, isAllowed ? 200 : 403, `${row} with ${scope}: ${text}`)
          assert.equal(await fixture.stored(), before)
        }
      }
    }),
  )

  test('a pk key without scopes reads what a pk key may read, and no more', async () => {
    const fixture = await newFixture()
    const key = await credential(fixture, { type: 'pk' })
    for (const [row, wanted] of rows) {
      if (wanted === undefined || wanted === 'open') continue
      const isRead = wanted.every((scope) => scope.endsWith(':read') && scope !== 'audit:read')
      const isHere = isRead && !onlyForSecretKeys.includes(row)
      const { status } = await callRoute(fixture, row, await inputFor(fixture, row), key)
      assert.equal(status, isHere ? 200 : 403, row)
    }
  })

  test('open routes: a key without the right to anything changes nothing about them', async () => {
    const fixture = await newFixture()
    const key = await credential(fixture, { scopes: ['audit:read'] })
    for (const [row] of rows.filter(([, wanted]) => wanted === 'open')) {
      const { status } = await callRoute(fixture, row, await inputFor(fixture, row), key)
      assert.equal(status, expectations[row]![1], row)
    }
  })
})

/** Rows that a key of the preset may call. All others are 403. */
const ofPresets: Readonly<Record<Preset, (row: string, wanted: readonly Scope[]) => boolean>> = {
  support: (_row, wanted) =>
    wanted.every((scope) =>
      isIn(
        ['catalogue:read', 'customers:write', 'licenses:write', 'license_keys:read', 'webhooks:read'],
        scope,
      ),
    ),
  payments: (_row, wanted) =>
    wanted.every((scope) => isIn(['license_keys:write', 'customers:write', 'catalogue:read'], scope)),
  auditor: (row, wanted) =>
    wanted.every((scope) => scope.endsWith(':read')) && !onlyForSecretKeys.includes(row),
}

describe('presets', () => {
  for (const preset of ['support', 'payments', 'auditor'] as const)
    test(
      `a key of the preset ${preset} may call its routes and no others`,
      watching(async (fixture) => {
        const key = await credential(fixture, { preset })
        for (const [row, wanted] of rows) {
          if (wanted === undefined || wanted === 'open') continue
          const isAllowed = ofPresets[preset](row, wanted)
          const input = await inputOf(fixture, row)
          const before = await fixture.stored()
          const { status, text } = await callRoute(fixture, row, input, key)
          assert.equal(status, isAllowed ? expectations[row]![1] : 403, `${row}: ${text}`)
          if (!isAllowed) assert.equal(await fixture.stored(), before, row)
        }
      }),
    )
})

/** Names the secrets of licenses and license keys that a response shows. */
function secretsIn(text: string): string {
  const found = { token: /"token":"eyJ/, jti: /"jti":"lic_/, key: /"key":"[A-Z0-9-]{29}/ }
  return Object.entries(found)
    .filter(([, form]) => form.test(text))
    .map(([name]) => name)
    .join(' ')
}

describe('secrets of licenses and license keys', () => {
  const calls = {
    'GET license': ['GET /apps/:slug/licenses/:id', ''],
    'list with tokens': ['GET /apps/:slug/licenses', 'include=token'],
    'issue license': ['POST /apps/:slug/licenses', ''],
    'GET license key': ['GET /apps/:slug/license-keys/:id', ''],
    'GET license key with text': ['GET /apps/:slug/license-keys/:id', 'include=key'],
    'list with texts': ['GET /apps/:slug/license-keys', 'include=key'],
    'sell license key': ['POST /apps/:slug/license-keys', ''],
    'roll license key': ['POST /apps/:slug/license-keys/:id/roll', ''],
  } as const

  /** The secrets that each key sees, by call; without a name it gets 403. The documentation has this table. */
  const cases: readonly (readonly [NewApiKey, Partial<Record<keyof typeof calls, string>>])[] = [
    [{ scopes: ['licenses:read'] }, { 'GET license': 'token jti', 'list with tokens': 'token jti' }],
    [{ type: 'pk', scopes: ['licenses:read'] }, { 'GET license': '' }],
    [
      { scopes: ['licenses:write'] },
      { 'GET license': 'token jti', 'list with tokens': 'token jti', 'issue license': 'token jti' },
    ],
    [{ scopes: ['licenses:release'] }, {}],
    [{ scopes: ['license_keys:read'] }, { 'GET license key': '' }],
    [{ scopes: ['license_keys:reveal'] }, {}],
    [
      { scopes: ['license_keys:read', 'license_keys:reveal'] },
      { 'GET license key': '', 'GET license key with text': 'key', 'list with texts': 'key' },
    ],
    [
      { scopes: ['license_keys:write'] },
      { 'GET license key': '', 'sell license key': 'key', 'roll license key': 'key' },
    ],
  ]
  for (const [rights, seen] of cases)
    test(`${rights.type ?? 'sk'} with ${rights.scopes?.join()}: the texts and tokens that the page says`, async () => {
      const fixture = await newFixture()
      await fixture.licensing.licenseKeys.create('desktop-app', {
        ...{ customerId: fixture.customer.id, tierId: 'pro', forever: true },
      })
      const key = await credential(fixture, rights)
      for (const [name, [row, query]] of Object.entries(calls)) {
        const input = await inputFor(fixture, row)
        const response = await callRoute(fixture, row, query === '' ? input : { ...input, query }, key)
        const expected = seen[name as keyof typeof calls] ?? '403'
        assert.equal(response.status < 400 ? secretsIn(response.text) : `${response.status}`, expected, name)
      }
    })
})
