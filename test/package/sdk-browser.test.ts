import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { licensingServer } from '../../src/adapters/elysia.ts'
import type { PageOptions, SdkPage } from '../sdk/browser-page.ts'
import { newShop, type Shop } from '../support/fixtures.ts'
import { startChromium } from './chromium.ts'
import { emptyFolder, run } from './programs.ts'
import { listen, originOf, toRequest } from './web-server.ts'

declare const page: SdkPage

const cookie = 'session=ada'
let shop: Shop
let secret: string
let site: Server
let api: Server
let browser: Browser
let tab: Page
/** The requests to the API of the page's own origin. */
const seen: { readonly method: string; readonly cookie: string; readonly authorization: string }[] = []

/** The shop's own server: its session stands for a key, which the page never sees. */
async function serveApi(request: IncomingMessage, body: Buffer): Promise<Response> {
  const { method = '', headers } = request
  seen.push({ method, cookie: headers.cookie ?? '', authorization: headers.authorization ?? '' })
  const hasSession = headers.cookie?.includes(cookie) === true
  const asked = toRequest(originOf(site), request, body)
  if (hasSession) asked.headers.set('authorization', `Bearer ${secret}`)
  return licensingServer(shop.licensing, { standalone: true }).handle(asked)
}

async function serveSite(script: string, request: IncomingMessage, body: Buffer): Promise<Response> {
  const { url = '' } = request
  if (url.startsWith('/api/')) return serveApi(request, body)
  if (url.startsWith('/elsewhere/'))
    return new Response(null, { status: 307, headers: { location: `${originOf(api)}/api/v1/apps` } })
  if (url === '/page.js') return new Response(script, { headers: { 'content-type': 'text/javascript' } })
  return new Response('<!doctype html><script type="module" src="/page.js"></script>', {
    headers: { 'content-type': 'text/html', 'set-cookie': `${cookie}; HttpOnly; SameSite=Strict` },
  })
}

before(async () => {
  shop = await newShop()
  secret = (await shop.licensing.apiKeys.create({})).secret
  const script = join(emptyFolder(), 'page.js')
  await run(['bun', 'build', 'test/sdk/browser-page.ts', '--target', 'browser', '--outfile', script])
  site = await listen((request, body) => serveSite(readFileSync(script, 'utf8'), request, body))
  api = await listen((request, body) => {
    const server = licensingServer(shop.licensing, { standalone: true, corsOrigins: [originOf(site)] })
    return server.handle(toRequest(originOf(api), request, body))
  })
  browser = await startChromium()
  tab = await (await browser.newContext()).newPage()
  await tab.goto(originOf(site))
  await tab.waitForFunction(() => 'page' in globalThis)
})

after(async () => {
  await browser?.close()
  for (const server of [site, api]) {
    server?.closeAllConnections()
    server?.close()
  }
})

const sold = [Date.UTC(2031, 0, 1) / 1000, true, true, ['api_access']]
const sell = (options: PageOptions): Promise<readonly unknown[]> =>
  tab.evaluate((given) => page.sell(given), options)
const fail = (options: PageOptions): Promise<readonly unknown[]> =>
  tab.evaluate((given) => page.fail(given), options)

test('heartwood/sdk in a page: by session, it sells with the cookie of its origin and without a key', async () => {
  seen.length = 0
  assert.deepEqual((await sell({ baseUrl: '/', session: true })).slice(1), sold)
  assert.ok(seen.length > 5)
  assert.deepEqual(new Set(seen.map((request) => request.authorization)), new Set(['']))
  assert.deepEqual(new Set(seen.map((request) => request.cookie)), new Set([cookie]))
  assert.deepEqual((await sell({ baseUrl: originOf(site), session: true })).slice(0), [false, ...sold])
})

test('heartwood/sdk in a page: with a key, it sells at another origin that allows the page', async () => {
  assert.deepEqual((await sell({ baseUrl: originOf(api), apiKey: secret })).slice(1), sold)
})

test('heartwood/sdk in a page: reads errors with their status and request id, also at another origin', async () => {
  const conflict = ['conflict', 409, 'string']
  assert.deepEqual(await fail({ baseUrl: '/', session: true }), conflict)
  assert.deepEqual(await fail({ baseUrl: originOf(api), apiKey: secret }), conflict)
  assert.deepEqual(await fail({ baseUrl: originOf(api), apiKey: `${secret}x` }), [
    'unauthorized',
    401,
    'string',
  ])
})

test('heartwood/sdk in a page: follows no redirect, and tells an outage', async () => {
  const elsewhere = { baseUrl: `${originOf(site)}/elsewhere`, session: true } as const
  assert.deepEqual((await fail(elsewhere)).slice(0, 2), ['invalid_response', 0])
  const gone = await listen(async () => new Response())
  const baseUrl = originOf(gone)
  gone.close()
  assert.deepEqual((await fail({ baseUrl, apiKey: secret, retries: 0 })).slice(0, 2), ['no_connection', null])
})

test('heartwood/sdk in a page: a session at another origin is refused', async () => {
  const refusal = await fail({ baseUrl: originOf(api), session: true })
  assert.deepEqual(refusal, ['baseUrl must be of the origin of the page'])
})

test('heartwood/sdk in a page: takes a fetch of the page', async () => {
  const paths = await tab.evaluate((given) => page.fetchItself(given), {
    baseUrl: '/',
    session: true,
  } as const)
  assert.deepEqual(paths, ['/api/v1/apps/desktop-app'])
})
