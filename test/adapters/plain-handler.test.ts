import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Elysia, type AnyElysia } from 'elysia'
import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import { createDispatch } from '../../src/adapters/dispatch.ts'
import { createHandler } from '../../src/adapters/http.ts'
import { createHttpService } from '../../src/adapters/http/service.ts'
import { routes, routesAt } from '../../src/adapters/routes/index.ts'
import { RouteTree } from '../../src/adapters/routes/route-tree.ts'
import { immediateReadsOf } from '../../src/core/storage/immediate-reads.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'
import { installation, newShop, type Shop } from '../support/fixtures.ts'
import { requestTo, serve, type Sent, type TestServer } from './test-server.ts'

type Fetch = (request: Request) => Response | Promise<Response>

interface Pair {
  readonly server: Shop & TestServer
  readonly fetch: Fetch
}

const options: ServerOptions = {
  standalone: true,
  metrics: true,
  rateLimits: { verify: 1000 },
  clientAddress: () => '192.0.2.1',
  corsOrigins: ['https://shop.example'],
  publicUrl: 'https://licenses.example',
}

/** Two shops with equal ids, keys and times: one behind Elysia, the other behind the plain handler. */
async function pair(prefix: string, mount: (plugin: AnyElysia) => AnyElysia): Promise<readonly [Pair, Pair]> {
  const [one, another] = [await serve(await newShop()), await serve(await newShop())]
  const app = mount(licensingServer(one.licensing, options))
  const handler = createHandler(another.licensing, { ...options, basePath: prefix })
  return [
    { server: one, fetch: (request) => app.fetch(request) },
    { server: another, fetch: (request) => handler(request) },
  ]
}

/** Counts depend on requests alone. Other metrics depend on the process and on time. */
const counts = /^heartwood_http_(?:requests|errors|rate_limited)\w*_total\{.*$/gm

/** All that a client sees of a response. The seconds to the next window depend on the time. */
async function seenOf(response: Response, request: Request): Promise<unknown> {
  const headers = Object.fromEntries(response.headers)
  const text = await response.text()
  const isMetrics = response.headers.get('content-type')?.startsWith('text/plain; version') === true
  const shown = isMetrics ? text.match(counts) : text
  // Elysia leaves the body of some responses to HEAD to the listener, which drops it.
  const body = request.method === 'HEAD' ? { 'content-length': null } : { shown }
  const ratelimit = headers['ratelimit']?.replace(/t=\d+/, '') ?? null
  return { status: response.status, ...headers, ratelimit, ...body }
}

type Asked = readonly [method: string, path: string, sent?: Sent | 'with key']

const verify = '/api/v1/apps/desktop-app/licenses/verify'
const customers = '/api/v1/apps/desktop-app/customers'
const preflight = { origin: 'https://shop.example', 'access-control-request-method': 'POST' }
const stranger = { origin: 'https://other.example', 'access-control-request-method': 'POST' }

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']
const paths = [
  '/',
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1/',
  '/api/v1/apps',
  '/api/v1/apps/',
  '/api/v1/apps//',
  '/api/v1//apps',
  '//api/v1/apps',
  '/api//v1/apps',
  '/api/v1x/apps',
  '/api/v1/apps/desktop-app',
  '/api/v1/apps/desktop-app/',
  '/api/v1/apps/no-app',
  '/api/v1/apps/Desktop_App',
  '/api/v1/apps/desktop%2Dapp',
  '/api/v1/apps/desktop%2Fapp',
  '/api/v1/apps/%zz',
  '/api/v1/apps/%00',
  '/api/v1/apps/%E2%82%AC',
  '/api/v1/%61pps',
  '/api/v1/apps%2Fdesktop-app',
  '/api/v1/apps/desktop-app/public-key',
  '/api/v1/apps/desktop-app/public-key/',
  '/api/v1/apps/desktop-app/jwks.json',
  '/api/v1/apps//public-key',
  '/api/v1/apps/desktop-app/tiers/pro',
  '/api/v1/apps/desktop-app/tiers/pro/features/nothing',
  '/api/v1/apps/desktop-app/licenses/verify',
  '/api/v1/apps/desktop-app/licenses/verify/',
  '/api/v1/apps/desktop-app/licenses/verify/batch',
  '/api/v1/apps/desktop-app/licenses/verify/other',
  '/api/v1/apps/desktop-app/licenses/verify%3Finstallation_id=x',
  '/api/v1/apps/desktop-app/licenses/%2e%2e',
  '/api/v1/apps/desktop-app/licenses/..%2f..',
  '/api/v1/apps/desktop-app/licenses/nothing/regenerate',
  '/api/v1/apps/:slug',
  '/api/v1/*',
  '/api/v1/apps/*',
  '/api/v1/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p',
  '/api/health',
  '/api/health/',
  '/api/health/x',
  '/api/Health',
  '/swagger',
  '/swagger/',
  '/swagger//',
  '/swagger/json',
  '/swagger/json/',
  '/swagger/start.js',
  '/swagger/nothing',
  '/swaggerx',
  '/metrics',
  '/metrics/',
  '/favicon.ico',
  '/nothing',
]

const others: readonly Asked[] = [
  ['GET', `${verify}?installation_id=${installation(1)}`],
  ['GET', `${verify}?installation_id=x`],
  ['GET', `${verify}/?installation_id=${installation(1)}`],
  ['HEAD', `${verify}?installation_id=${installation(1)}`],
  ['POST', verify, { body: { token: 'x' } }],
  ['POST', verify, { body: '{"token":' }],
  ['POST', verify, { body: 'x'.repeat(300_000) }],
  ['POST', verify, { body: 'x', headers: { 'content-type': 'text/plain' } }],
  ['POST', verify, { body: Uint8Array.of(0xff, 0xfe) }],
  ['POST', `${verify}/batch`, { body: { installation_ids: [installation(1)] } }],
  ['OPTIONS', verify, { headers: preflight }],
  ['OPTIONS', verify, { headers: stranger }],
  ['OPTIONS', customers, { headers: preflight }],
  ['OPTIONS', customers, { headers: stranger }],
  ['OPTIONS', '/api/health', { headers: preflight }],
  ['GET', '/api/v1/apps', { headers: { origin: 'https://shop.example' } }],
  ['GET', '/api/v1/apps', { headers: { host: 'a/b' } }],
  ['GET', '/api/v1/apps', { headers: { authorization: 'Bearer sk_live_wrong' } }],
  ['GET', '/swagger/start.js', { headers: { 'if-none-match': '*' } }],
  ['GET', '/api/v1/apps?page=x', 'with key'],
  ['GET', '/api/v1/apps?page=1&page=2', 'with key'],
  ['GET', '/api/v1/apps', 'with key'],
  ['GET', '/api/v1/apps/desktop-app/customers', 'with key'],
  ['GET', '/api/v1/apps/desktop-app/licenses/nothing', 'with key'],
  ['DELETE', '/api/v1/apps/desktop-app/licenses/verify', 'with key'],
  ['PUT', '/api/v1/apps/desktop-app/licenses/verify', 'with key'],
]

/** `/metrics` comes last once more, so that it counts all the others. */
const asked: readonly Asked[] = [
  ...paths.flatMap((path) => methods.map((method): Asked => [method, path])),
  ...others,
  ['GET', '/metrics'],
]

function requestOf({ server }: Pair, prefix: string, [method, path, sent = {}]: Asked): Request {
  const given: Sent = sent === 'with key' ? { key: server.keys.sk } : sent
  const headers = { 'x-request-id': 'request-1', ...given.headers }
  const made = requestTo('http://localhost', method, '', { ...given, headers })
  return new Request(`http://localhost${prefix}${path}`, made)
}

const mounts: Readonly<Record<string, readonly [prefix: string, mount: (plugin: AnyElysia) => AnyElysia]>> = {
  'at the root': ['', (plugin) => plugin],
  'in a host with aot: false': [
    '',
    (plugin) => new Elysia({ aot: false, handler: { standardHostname: false } }).use(plugin),
  ],
  'below a prefix': [
    '/licensing',
    (plugin) => new Elysia().group('/licensing', (group) => group.use(plugin)),
  ],
}

describe('createHandler(): responds as the plugin of Elysia does', () => {
  for (const [name, [prefix, mount]] of Object.entries(mounts))
    test(name, async () => {
      const pairs = await pair(prefix, mount)
      for (const row of asked) {
        const [elysia, plain] = await Promise.all(
          pairs.map(async (each) => {
            const request = requestOf(each, prefix, row)
            return seenOf(await each.fetch(request), request)
          }),
        )
        assert.deepEqual(plain, elysia, row.join(' '))
      }
    })
})

test('GET verify over SQLite: the dispatch waits for nothing', async () => {
  await inTemporaryFolder(async (folder) => {
    const storage = await sqliteStorage({ filename: `${folder}/heartwood.db` })
    const { licensing, issue } = await newShop({ storage })
    await issue({ installationId: installation(1) })
    const dispatch = createDispatch(createHttpService(licensing, {}), {}, '/licensing')
    const request = new Request(`http://localhost/licensing${verify}?installation_id=${installation(1)}`)
    const response = dispatch.respond(request, () => null)
    // One fault of SQLite forbids a second connection, without which no storage reads at once.
    assert.equal(response instanceof Response, immediateReadsOf(storage) !== undefined)
    assert.equal((await response).status, 200)
    await storage.close()
  })
})

test('HEAD: no body, and the length that the body of GET has', async () => {
  const { licensing } = await newShop()
  const handler = createHandler(licensing)
  for (const path of [
    '/api/health',
    '/api/v1/apps/desktop-app/public-key',
    '/api/v1/nothing',
    '/swagger/json',
  ]) {
    const ask = (method: string): Promise<Response> =>
      handler(new Request(`http://localhost${path}`, { method }))
    const [get, head] = [await ask('GET'), await ask('HEAD')]
    const length = (await get.arrayBuffer()).byteLength
    assert.deepEqual([head.status, head.headers.get('content-length')], [get.status, String(length)], path)
    assert.equal(head.body, null)
  }
})

test('RouteTree: goes back to a parameter, and forgets those of the way that it left', () => {
  const tree = new RouteTree<string>()
  for (const pattern of ['/a/:x/b', '/:y/:z/c', '/:y/d']) tree.add(pattern, pattern)
  assert.deepEqual(tree.find('/a/1/c'), { value: '/:y/:z/c', params: { y: 'a', z: '1' } })
  assert.deepEqual(tree.find('/a/1/b'), { value: '/a/:x/b', params: { x: '1' } })
  assert.deepEqual(tree.find('/a/d'), { value: '/:y/d', params: { y: 'a' } })
  for (const path of ['/a/1', '/a//c', '/a/1/c/', '/a/1/c/d', '', 'a/1/c'])
    assert.equal(tree.find(path), null, path)
})

test('routesAt(): the rows with the fewest parameters that fit a path', () => {
  const fits = (pattern: string, path: string): boolean => {
    const [wanted, given] = [pattern.split('/'), path.split('/')]
    return (
      wanted.length === given.length &&
      wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
    )
  }
  const parameters = (path: string): number => path.split(':').length
  const words = [...new Set(routes.flatMap(({ path }) => path.split('/')))]
  const asked = routes.flatMap(({ path }) =>
    words.flatMap((word) => path.split('/').map((_part, at) => path.split('/').with(at, word).join('/'))),
  )
  for (const path of [...asked, '', '/', '/apps//licenses', '/apps/a/b/c/d/e/f/g']) {
    const found = routes.filter((row) => fits(row.path, path))
    const fewest = Math.min(...found.map((row) => parameters(row.path)))
    assert.deepEqual(
      routesAt(path),
      found.filter((row) => parameters(row.path) === fewest),
      path,
    )
  }
})
