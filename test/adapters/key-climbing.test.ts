import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import {
  LicensingError,
  type ApiKey,
  type Listing,
  type NewApiKey,
  type Scope,
} from '../../src/core/index.ts'
import { holds, presets, scopes } from '../../src/core/scopes.ts'
import { createLicensingClient, type LicensingClientOptions } from '../../src/sdk/index.ts'
import { onTables, type Tables } from '../support/all-tables.ts'
import { newShop, refusalOf, start, type Shop } from '../support/fixtures.ts'
import { here, linkOf, Visitor } from './dashboard/visitor.ts'

/** The use cases by which somebody could get a better key. */
interface Manager {
  create(key: NewApiKey): Promise<ApiKey>
  list(query?: { readonly perPage: number }): Promise<Listing<ApiKey>>
  roll(id: string): Promise<ApiKey>
  revoke(id: string): Promise<unknown>
  invite(id: string): Promise<{ readonly url: string }>
}

/** A shop, and somebody with the rights of one key who tries to get more. */
interface Attempt {
  readonly shop: Shop
  readonly manager: Manager
  /** False if the host signs people in, so that nobody can use a link. */
  readonly invites: boolean
  readonly stored: Tables
}

type Fetch = (request: Request) => Promise<Response>

function serve({ licensing }: Shop, options: ServerOptions = { dashboard: true }): Fetch {
  const app = licensingServer(licensing, { standalone: true, clientAddress: () => null, ...options })
  return async (request) => app.fetch(request)
}

type Options = Pick<LicensingClientOptions, 'apiKey' | 'session'>

function overHttp(send: Fetch, options: Options, headers: Readonly<Record<string, string>> = {}): Manager {
  const fetch = (url: string, init: RequestInit): Promise<Response> =>
    send(new Request(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } }))
  return createLicensingClient({ baseUrl: here, retries: 0, fetch, ...options } as LicensingClientOptions)
    .apiKeys
}

const ofPage = { host: 'localhost', origin: here, 'sec-fetch-site': 'same-origin' }

async function overSession(
  shop: Shop,
  signIn: (visitor: Visitor) => Promise<{ status: number }>,
): Promise<Manager> {
  const send = serve(shop)
  const visitor = new Visitor(send, here)
  assert.equal((await signIn(visitor)).status, 200)
  const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ')
  return overHttp(send, { session: true }, { ...ofPage, cookie })
}

const ofHost = 'a person of the host'

/** The ways to use a key with these scopes. */
const ways: Readonly<Record<string, (shop: Shop, own: readonly Scope[]) => Promise<Manager>>> = {
  'restricted licensing': async ({ licensing }, own) => {
    const { secret } = await licensing.apiKeys.create({ scopes: own })
    return licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!).apiKeys
  },
  HTTP: async (shop, own) => {
    const { secret } = await shop.licensing.apiKeys.create({ scopes: own })
    return overHttp(serve(shop), { apiKey: secret })
  },
  'a session by the key': async (shop, own) => {
    const { secret } = await shop.licensing.apiKeys.create({ scopes: own })
    return overSession(shop, (visitor) => visitor.signIn(secret))
  },
  'a session by a link': async (shop, own) => {
    const { id } = await shop.licensing.apiKeys.create({ scopes: own })
    const link = linkOf(await shop.licensing.apiKeys.invite(id))
    return overSession(shop, (visitor) => visitor.follow(link))
  },
  [ofHost]: async (shop, own) => {
    const user = { id: 'ana', name: null, scopes: own, apps: null, mode: 'live' } as const
    return overHttp(serve(shop, { dashboard: { authenticate: () => user } }), { session: true }, ofPage)
  },
}

const owners: readonly (readonly Scope[])[] = [
  ['customers:write', 'licenses:read', 'keys:write'],
  scopes.filter((scope) => scope !== 'delete'),
]

/** The rights of keys that somebody could want. */
function wishes(own: readonly Scope[]): readonly NewApiKey[] {
  const lists = [
    null,
    own,
    ...scopes.map((scope) => [scope]),
    ...scopes.map((scope) => [...new Set([...own, scope])]),
  ]
  const bound = lists.slice(0, 4).flatMap((each): readonly NewApiKey[] => [
    { scopes: each, app: 'desktop-app' },
    { scopes: each, mode: 'test' },
    { scopes: each, expiresAt: start + 60 },
  ])
  const read = scopes.filter((scope) => scope.endsWith(':read'))
  return [
    {},
    { type: 'pk' },
    ...lists.map((each) => ({ scopes: each })),
    ...bound,
    ...read.map((scope): NewApiKey => ({ type: 'pk', scopes: [scope] })),
    ...(['support', 'payments', 'auditor'] as const).map((preset) => ({ preset })),
  ]
}

/** True if a key with these rights may do no more than one with these scopes. */
function isWithin(
  own: readonly Scope[],
  { scopes: given, preset }: Pick<NewApiKey, 'scopes' | 'preset'>,
): boolean {
  const wanted = preset === undefined ? (given ?? null) : presets[preset].scopes
  return wanted !== null && wanted.every((scope) => holds(own, scope))
}

/** A refusal has this code and leaves all tables as they were. */
async function checkRefusal({ stored }: Attempt, act: () => Promise<unknown>, code: string, name: string) {
  const before = await stored()
  const error = await refusalOf(act())
  assert.ok(error instanceof LicensingError)
  assert.equal(error.code, code, name)
  assert.doesNotMatch(error.message, /sk_|pk_/, name)
  assert.equal(await stored(), before, name)
}

/** Every key that can be wished for is made if it is no better, and otherwise refused. */
async function checkCreation(attempt: Attempt, own: readonly Scope[]): Promise<void> {
  for (const wish of wishes(own)) {
    const name = JSON.stringify(wish)
    if (!isWithin(own, wish))
      await checkRefusal(attempt, () => attempt.manager.create(wish), 'forbidden', name)
    else assert.ok(isWithin(own, await attempt.manager.create(wish)), name)
  }
}

/** The better ones of the owner's keys stay out of sight and out of reach. */
async function checkManagement(attempt: Attempt, own: readonly Scope[]): Promise<void> {
  const { shop, manager, invites } = attempt
  const { apiKeys } = shop.licensing
  const all: ApiKey[] = []
  for (const wish of wishes(own)) all.push(await apiKeys.create(wish))
  const seen = await manager.list({ perPage: 100 })
  const every = await Array.fromAsync(apiKeys.all())
  const within = every.filter((key) => isWithin(own, key))
  assert.deepEqual(
    seen.data.map(({ id }) => id),
    within.slice(0, 100).map(({ id }) => id),
  )
  assert.equal(seen.total, within.length)
  for (const key of all) {
    const acts = {
      invite: () => manager.invite(key.id),
      roll: () => manager.roll(key.id),
      revoke: () => manager.revoke(key.id),
    }
    for (const [verb, act] of Object.entries(acts)) {
      const name = `${verb} ${JSON.stringify(key.scopes)}`
      if (verb === 'invite' && !invites) await checkRefusal(attempt, act, 'conflict', name)
      else if (!isWithin(own, key)) await checkRefusal(attempt, act, 'not_found', name)
      else if (verb === 'roll') assert.ok(isWithin(own, await manager.roll(key.id)), name)
      // A rolled key without an overlap is over, and so nobody can sign in with it.
      else if (verb === 'invite') assert.ok(linkOf(await manager.invite(key.id)).length > 0, name)
      else await act()
    }
  }
}

describe('a key that manages keys climbs nowhere', () => {
  for (const [way, connect] of Object.entries(ways))
    for (const own of owners)
      test(`by ${way}, with ${own.length} scopes`, () =>
        onTables(async (storage, stored) => {
          const shop = await newShop({ storage })
          const invites = way !== ofHost
          const attempt = { shop, stored, invites, manager: await connect(shop, own) }
          await checkCreation(attempt, own)
          await checkManagement(attempt, own)
        }))
})
