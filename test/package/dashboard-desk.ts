import { Elysia } from 'elysia'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { whileListening } from '../adapters/listening.ts'
import type { Licensing } from '../../src/core/index.ts'
import { newShop, type Shop } from '../support/fixtures.ts'

/** A dashboard at an address, with what a test needs to sign in. */
export interface Desk extends Shop {
  /** The address of the server, with its prefix and without a slash at its end. */
  readonly address: string
  readonly secret: string
  readonly keyId: string
}

type Work = (desk: Desk) => Promise<void>

const options = { dashboard: true, clientAddress: () => null } as const

/** Forwards requests to another port without the prefix, as many proxies do. They rewrite Host as well. */
async function behindProxy(
  target: string,
  prefix: string,
  work: (address: string) => Promise<void>,
): Promise<void> {
  const proxy = createServer((request, response) => {
    const { url = '' } = request
    // A browser asks for the icon of the origin.
    if (!url.startsWith(prefix)) return void response.writeHead(404).end()
    const path = url.slice(prefix.length)
    const headers = { ...request.headers, host: new URL(target).host }
    const forwarded = sendRequest(target + path, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(forwarded)
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  const { port } = proxy.address() as AddressInfo
  try {
    await work(`http://127.0.0.1:${port}${prefix}`)
  } finally {
    proxy.closeAllConnections()
    proxy.close()
  }
}

/** Serves licensing with its dashboard below a prefix, while `work` runs. */
export async function whileServing(
  licensing: Licensing,
  prefix: string,
  work: (address: string) => Promise<void>,
): Promise<void> {
  const alone = licensingServer(licensing, { standalone: true, ...options })
  const host = new Elysia().group('/x', (group) => group.use(licensingServer(licensing, options)))
  const app = prefix === '/x' ? host : alone
  const server = { fetch: async (request: Request): Promise<Response> => app.fetch(request) }
  await whileListening(server, ({ origin }) =>
    prefix === '/a/b' ? behindProxy(origin, prefix, work) : work(origin + prefix),
  )
}

/** `now` is the clock of the server, so that a test can issue a license in the past. */
export async function whileServed(prefix: string, work: Work, now: () => number = Date.now): Promise<void> {
  const shop = await newShop({ now })
  const { secret, id: keyId } = await shop.licensing.apiKeys.create({ name: 'Ana, support' })
  await whileServing(shop.licensing, prefix, (address) => work({ ...shop, address, secret, keyId }))
}

/** An open page, its requests, and whatever the browser complained of. */
export interface Visit {
  readonly page: Page
  readonly requested: readonly string[]
  readonly problems: string[]
}

export async function visit(context: BrowserContext, address: string): Promise<Visit> {
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const requested: string[] = []
  const problems: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('requestfailed', (request) => {
    // The page gives a call up if nobody waits for it any more.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()}`)
  })
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => problems.push(message.text()))
  await page.goto(address, { waitUntil: 'networkidle' })
  return { page, requested, problems }
}

export function checkQuiet({ requested, problems }: Visit, address: string): void {
  assert.deepEqual(problems, [])
  assert.deepEqual(
    requested.filter((url) => !url.startsWith(`${address}/`) && url !== `${address}/dashboard`),
    [],
  )
}

export async function signIn({ page }: Visit, secret: string): Promise<void> {
  await page.getByLabel('API key').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
}

/** The things that a page keeps in the browser. */
export function keptIn(page: Page): Promise<string> {
  return page.evaluate(() =>
    JSON.stringify([
      { ...localStorage },
      { ...sessionStorage },
      document.cookie,
      location.href,
      history.state,
    ]),
  )
}

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')

interface AxeResults {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly target: unknown }[]
  }[]
}

interface Look {
  readonly media?: { readonly colorScheme?: 'dark'; readonly forcedColors?: 'active' }
  readonly width?: number
  /** All rules if it is absent. Colours change nothing but the contrast. */
  readonly rules?: readonly string[]
}

const contrast = ['color-contrast']
const looks: Readonly<Record<string, Look>> = {
  light: {},
  dark: { media: { colorScheme: 'dark' }, rules: contrast },
  'forced colours': { media: { forcedColors: 'active' }, rules: contrast },
  '320 px wide': { width: 320 },
}
const plain = { colorScheme: 'light', forcedColors: 'none', reducedMotion: 'reduce' } as const

async function checkLook(page: Page, what: string, { rules }: Look): Promise<void> {
  // A colour on its way from the look before would be none of either.
  await page.evaluate(() => {
    for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish()
  })
  const results = (await page.evaluate(`axe.run(${JSON.stringify({ runOnly: rules })})`)) as AxeResults
  const found = results.violations.map(({ id, nodes }) => `${id} ${String(nodes[0]?.target)}`)
  assert.deepEqual(found, [], what)
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(beyond <= 0, `${what} is ${beyond} px too wide`)
}

/** Looks in every look for faults of access by axe, and for a page that scrolls sideways. The page stays open meanwhile. */
export async function checkAccess(page: Page, what: string): Promise<void> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe)
  const size = page.viewportSize()!
  for (const [name, look] of Object.entries(looks)) {
    await page.emulateMedia({ ...plain, ...look.media })
    await page.setViewportSize({ ...size, width: look.width ?? size.width })
    await checkLook(page, `${what}, ${name}`, look)
  }
  await page.emulateMedia({ colorScheme: null, forcedColors: null, reducedMotion: null })
  await page.setViewportSize(size)
}

/** A window of a browser that may use the clipboard. */
export async function newContext(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext(options)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  return context
}

/** The clipboard, read by another page of the window: the policy of the dashboard lets nobody read it there. */
export async function clipboardOf(page: Page): Promise<string> {
  const reader = await page.context().newPage()
  await reader.goto(new URL('api/health', page.url()).href)
  await reader.bringToFront()
  const text = await reader.evaluate(() => navigator.clipboard.readText())
  await reader.close()
  return text
}
