import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directPath, type DirectPath } from '../../src/adapters/direct-path.ts'
import { apiServer } from '../../src/adapters/elysia-server.ts'
import { createHttpService, type ServerOptions } from '../../src/adapters/http/service.ts'
import { socketAddressOf, startListener, type Listener } from '../../src/cli/listener.ts'
import { installation, newShop, tokenOf, type Shop } from '../support/fixtures.ts'
import { exchange, rawRequest } from './listening.ts'

const path = '/api/v1/apps/desktop-app/licenses/verify'
const query = `?installation_id=${installation(1)}`
const json = ['Content-Type: application/json']
// The last requests exceed the limit, so that both ways count alike.
const options: ServerOptions = {
  standalone: true,
  metrics: true,
  rateLimits: { verify: 24 },
  clientAddress: () => '192.0.2.1',
  corsOrigins: ['https://shop.example'],
}

interface Asked {
  readonly request: string
  /** True if the direct path responds. Absent if that depends on the runtime. */
  readonly isDirect?: boolean
}

function get(target: string, isDirect?: boolean, headers: readonly string[] = []): Asked {
  const request = rawRequest(`GET ${target}`, ['X-Request-Id: request-1', ...headers])
  return { request: `${request}\r\n`, ...(isDirect !== undefined && { isDirect }) }
}

function post(target: string, body: string, isDirect: boolean, type: readonly string[] = json): Asked {
  const headers = ['X-Request-Id: request-1', `Content-Length: ${body.length}`, ...type]
  return { request: rawRequest(`POST ${target}`, headers, `\r\n${body}`), isDirect }
}

function allAsked(token: string, appId: string): readonly Asked[] {
  const method = (name: string): Asked => ({
    request: `${rawRequest(`${name} ${path}${query}`, ['X-Request-Id: request-1', 'Origin: https://shop.example'])}\r\n`,
    isDirect: false,
  })
  const target = path + query
  return [
    get(target, true),
    get(target.replace('desktop-app', 'no-app'), true),
    get(path, true),
    get(`${path}?`, true),
    get(`${path}?installation_id=1`, true),
    get(`${path}?installation%5Fid=${installation(1)}`, true),
    get(`${path}?jti=1&jti=2`, true),
    get(target, true, ['Origin: https://shop.example', 'Authorization: Bearer sk_live_1']),
    get(target, undefined, ['X-Request-Id: twice']),
    get(target.replace('desktop-app', appId), false),
    get(target.replace('desktop-app', '%64esktop-app'), false),
    get(target.replace('desktop-app', 'Desktop-App'), false),
    get(target.replace('desktop-app', ''), false),
    get(target.replace('/apps/', '/apps/x/../'), false),
    get(target.replace('/apps/', '/apps/./'), false),
    get(target.replace('/apps/', '/apps\\'), false),
    get(target.replace('desktop-app', 'x\\..\\desktop-app'), false),
    get(target.replace('/apps/', '//apps/'), false),
    get(target.replace('/api/', '/%61pi/'), false),
    get(`/x/..${target}`, false),
    get(`${path}/${query}`, false),
    get(`${path}#fragment`, false),
    get(`${path}\\`, false),
    get(`http://localhost${target}`),
    get(target.replace('/verify', '/verify/batch'), false),
    ...['HEAD', 'OPTIONS', 'DELETE', 'PUT'].map(method),
    post(path, JSON.stringify({ token }), true),
    post(path, JSON.stringify({ token: `${token}x` }), true),
    post(path, '{', true),
    post(path, '{}', true, ['Content-Type: text/plain']),
    post(`${path}?other=1`, JSON.stringify({ token }), true),
    post(path.replace('desktop-app', 'x/../desktop-app'), JSON.stringify({ token }), false),
    ...['a/b', 'a?b', 'a#b', 'a\\b', 'a b', 'a\tb', ''].map((host) => ({
      request: get(target).request.replace('Host: localhost', `Host: ${host}`),
    })),
    ...Array.from({ length: 12 }, () => get(target, true)),
  ]
}

/** The bytes of a response without the things that depend on the time or on chance. */
async function seen(listener: Listener, request: string): Promise<string> {
  const text = await exchange(Number(new URL(listener.url).port), request)
  const changing = [/^(date: ).*/im, /(;t=)\d+/, /^(retry-after: ).*/im, /^(x-request-id: )[\da-f]{8}-.*/im]
  return changing.reduce((rest, pattern) => rest.replace(pattern, '$1'), text)
}

/** The counts of requests. Those of their seconds depend on the time. */
async function countsOf(listener: Listener): Promise<readonly string[]> {
  const text = await (await fetch(`${listener.url}/metrics`)).text()
  return text.split('\n').filter((line) => /^heartwood_http_[a-z_]+(?:total|count)\{/.test(line))
}

/** Serves one licensing twice, with the direct path and without. `isDirect` tells if it was the last to respond. */
async function whileBothListen(
  shop: Shop,
  work: (ways: { direct: Listener; general: Listener; isDirect: () => boolean }) => Promise<void>,
): Promise<void> {
  const [one, another] = [
    createHttpService(shop.licensing, options),
    createHttpService(shop.licensing, options),
  ]
  const [first, second] = [apiServer(one, options), apiServer(another, options)]
  const made = directPath(one)
  let isDirect = false
  const direct: DirectPath = {
    pattern: made.pattern,
    respond: (...call) => {
      const response = made.respond(...call)
      isDirect = response !== null
      return response
    },
  }
  const address = { port: 0, host: '127.0.0.1' }
  const listeners = [
    await startListener({ fetch: (request) => first.fetch(request), direct }, address),
    await startListener({ fetch: (request) => second.fetch(request) }, address),
  ] as const
  const asked = (): boolean => {
    const was = isDirect
    isDirect = false
    return was
  }
  await work({ direct: listeners[0], general: listeners[1], isDirect: asked }).finally(() =>
    Promise.all(listeners.map((listener) => listener.close({ cut: true }))),
  )
}

// The first test, because the other one sends requests by the general way too.
test('verification counts under the address of the socket, also if no other request has come before', async () => {
  const { licensing } = await newShop()
  const limited: ServerOptions = { rateLimits: { verify: 2 }, clientAddress: socketAddressOf }
  const service = createHttpService(licensing, limited)
  const app = apiServer(service, limited)
  const listened = { fetch: (request: Request) => app.fetch(request), direct: directPath(service) }
  const listener = await startListener(listened, { port: 0, host: '127.0.0.1' })
  const url = `${listener.url}/api/v1/apps/desktop-app/licenses/verify?installation_id=${installation(1)}`
  const statuses: number[] = []
  for (let count = 0; count < 3; count++) statuses.push((await fetch(url)).status)
  await listener.close({ cut: true })
  assert.deepEqual(statuses, [404, 404, 429])
})

test('a request of verification gets the same bytes and is counted alike, whether or not the framework sees it', async () => {
  const shop = await newShop()
  const license = await shop.issue({ installationId: installation(1) })
  await whileBothListen(shop, async ({ direct, general, isDirect }) => {
    for (const { request, isDirect: expected } of allAsked(tokenOf(license), shop.app.id)) {
      const given = await seen(direct, request)
      if (expected !== undefined) assert.equal(isDirect(), expected, request)
      else isDirect()
      assert.equal(given, await seen(general, request), request)
    }
    const counts = await countsOf(direct)
    assert.ok(counts.length > 3)
    assert.deepEqual(counts, await countsOf(general))
  })
})
