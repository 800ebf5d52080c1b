import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { LicenseKeyVectors } from '../core/license-key-vectors.ts'
import type { BrowserPage, BrowserStore } from '../client/browser-page.ts'
import { FakeServer } from '../client/fake-server.ts'
import { allCases } from '../client/succession-cases.ts'
import { findMissing, newerFunctions, takeAway } from '../client/newer-functions.ts'
import type { ClientSetup } from '../client/test-program.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { emptyFolder, run } from './programs.ts'
import { listen, originOf, toRequest } from './web-server.ts'

declare const page: BrowserPage

/** A web server for the page, and the license server at another origin, as in real use. */
class Site {
  #pages: Server | null = null
  #api: Server | null = null
  fakeServer = new FakeServer()
  /** The delay of a renewal in milliseconds. The browser's preflight requests have no delay. */
  delay = 0

  async open(script: string): Promise<void> {
    this.#api = await listen(async (request, body) => {
      if (request.method === 'POST') await setTimeout(this.delay)
      return this.fakeServer.handle(toRequest(this.api, request, body))
    })
    this.#pages = await listen((request, body) => this.#serve(script, request.url, body))
    this.renew()
  }

  get api(): string {
    return originOf(this.#api!)
  }

  get pages(): string {
    return originOf(this.#pages!)
  }

  renew(): void {
    this.fakeServer = new FakeServer(this.api, [this.pages])
  }

  async #serve(script: string, url: string | undefined, body: Buffer): Promise<Response> {
    if (url === '/page.js') return new Response(script, { headers: { 'content-type': 'text/javascript' } })
    if (url !== '/command')
      return new Response('<!doctype html><script type="module" src="/page.js"></script>', {
        headers: { 'content-type': 'text/html' },
      })
    return this.fakeServer.respondToCommand(`${body}`)
  }

  close(): void {
    for (const server of [this.#pages, this.#api]) {
      server?.closeAllConnections()
      server?.close()
    }
  }
}

const site = new Site()
let browser: Browser
let tab: Page
let oldTab: Page

/** @param missing The functions to take away before the page's script loads. */
async function openTab(missing: readonly string[] = []): Promise<Page> {
  const opened = await (browser.contexts()[0] ?? (await browser.newContext())).newPage()
  await opened.addInitScript(takeAway, missing)
  await opened.goto(site.pages)
  await opened.waitForFunction(() => 'page' in globalThis)
  return opened
}

const skip = lackingBrowser('the client in browsers')

before(async () => {
  if (skip !== false) return
  browser = await startChromium()
  const script = join(emptyFolder(), 'page.js')
  await run(['bun', 'build', 'test/client/browser-page.ts', '--target', 'browser', '--outfile', script])
  await site.open(readFileSync(script, 'utf8'))
  tab = await openTab()
  oldTab = await openTab(newerFunctions)
})

after(async () => {
  await browser?.close()
  site.close()
})

for (const [engine, tabOf] of [
  ['a browser', () => tab],
  ['a browser without the functions that came after Chrome 93, Firefox 92 and Safari 15.4', () => oldTab],
] as const)
  for (const [at, { name, steps }] of allCases.entries())
    test(`client in ${engine}: ${name}`, { skip }, async () => {
      site.renew()
      const { observed } = await tabOf().evaluate((index) => page.runCase(index), at)
      assert.deepEqual(
        observed,
        steps.map(([, observation]) => observation),
      )
    })

test('client in an old browser: every newer function is really missing', { skip }, async () => {
  const missing = (each: Page): Promise<readonly string[]> => each.evaluate(findMissing, newerFunctions)
  assert.deepEqual(await missing(tab), [])
  assert.deepEqual(await missing(oldTab), newerFunctions)
})

test('checkLicenseKey() in a browser: agrees with every vector, and misses no slip', { skip }, async () => {
  const vectors = JSON.parse(readFileSync('vectors/license-keys.json', 'utf8')) as LicenseKeyVectors
  const { keys, typos, spellings } = vectors
  const expected = [...keys.map(({ key }) => ({ key, suggestions: [] })), ...typos, ...spellings].map(
    ({ suggestions, ...vector }) =>
      'key' in vector && vector.key !== null ? { ok: true, key: vector.key } : { ok: false, suggestions },
  )
  const texts = [...keys.map(({ key }) => key), ...[...typos, ...spellings].map(({ text }) => text)]
  assert.deepEqual(await oldTab.evaluate((given) => page.checkKeys(given), texts), expected)
  const symbols = keys.map((key) => key.symbols)
  const { tried, ...missed } = await oldTab.evaluate((given) => page.missedSlips(given, 311), symbols)
  assert.ok(tried > 30_000, `${tried}`)
  assert.deepEqual(missed, { uncorrected: [], undetected: [] })
})

for (const kind of ['localStorage', 'IndexedDB'] satisfies BrowserStore[])
  test(
    `${kind}: keeps the license over a reload, and only one of two tabs requests a renewal`,
    { skip },
    async () => {
      site.renew()
      const setup = (await site.fakeServer.command('open', { forever: true })) as ClientSetup
      const [one, other] = [await openTab(), await openTab()]
      const open = (each: Page): Promise<string> =>
        each.evaluate(([store, given]) => page.open(store, given), [kind, setup] as const)
      assert.equal(await open(one), 'invalid')
      assert.equal(await one.evaluate((token) => page.enter(token), setup.token), 'active')
      await one.reload()
      assert.deepEqual([await open(one), await open(other)], ['active', 'active'])
      // The delay must be long enough that the second tab starts while the first waits, even on a busy machine.
      site.delay = 4_000
      const [first, second] = await Promise.all(
        [one, other].map((each) => each.evaluate(() => page.refresh())),
      )
      site.delay = 0
      assert.equal(first, second)
      const renewals = site.fakeServer.server.requests.filter(({ method }) => method === 'POST')
      assert.equal(renewals.length, 1)
      await Promise.all([one.close(), other.close()])
    },
  )

test(
  'license keys in a browser: activate, list, release and move a seat at a server of another origin',
  { skip },
  async () => {
    site.renew()
    const setup = (await site.fakeServer.command('open', {})) as ClientSetup
    const { server } = site.fakeServer
    const { id, key } = await server.sell({ seats: 1 })
    const seatsUsed = async (): Promise<number> =>
      (await server.licensing.licenseKeys.get(server.app, id)).seatsUsed
    // Two stores of the browser stand for two computers.
    const [laptop, desktop] = [await openTab(), await openTab(newerFunctions)]
    await laptop.evaluate(() => localStorage.clear())
    const open = (each: Page, store: BrowserStore): Promise<string> =>
      each.evaluate(([kind, given]) => page.open(kind, given), [store, setup] as const)
    const call = (each: Page, ...args: Parameters<BrowserPage['call']>): Promise<string> =>
      each.evaluate((given) => page.call(...given), args)
    assert.equal(await open(laptop, 'localStorage'), 'invalid')
    await open(desktop, 'IndexedDB')
    assert.equal(await call(laptop, 'activate', key.toLowerCase()), 'active')
    assert.equal(await call(desktop, 'activate', `${key}0`), 'invalid_license_key')
    assert.equal(await call(desktop, 'activate', key), 'seat_limit_reached')
    const seats = await desktop.evaluate(() => page.seats())
    const { installationId } = (await server.licensing.licenses.list(server.app, { licenseKeyId: id }))
      .data[0]!
    assert.deepEqual(
      seats.map(({ installationIdLastFour, name, this: own }) => [installationIdLastFour, name, own]),
      [[installationId.slice(-4), null, false]],
    )
    assert.match(await call(desktop, 'releaseSeat', seats[0]!.licenseId), /^(active|invalid)$/)
    assert.equal(await seatsUsed(), 0)
    assert.equal(await call(desktop, 'activate', key), 'active')
    assert.equal(await seatsUsed(), 1)
    await laptop.evaluate(() => page.refresh())
    assert.equal(await laptop.evaluate(() => page.state()), 'invalid')
    assert.equal(await call(desktop, 'release'), 'invalid')
    assert.equal(await seatsUsed(), 0)
    await laptop.reload()
    assert.equal(await open(laptop, 'localStorage'), 'invalid')
    assert.equal(await call(laptop, 'activate'), 'active')
    assert.equal(await seatsUsed(), 1)
    // A page of another origin is refused by the browser.
    site.fakeServer = new FakeServer(site.api, [])
    await site.fakeServer.command('open', {})
    assert.equal(await call(laptop, 'activate', key), 'unavailable')
    await Promise.all([laptop.close(), desktop.close()])
  },
)

test('localStorage: a tab learns at once that another tab has a license', { skip }, async () => {
  site.renew()
  const setup = (await site.fakeServer.command('open', { forever: true })) as ClientSetup
  const [one, other] = [await openTab(), await openTab()]
  await one.evaluate(() => localStorage.clear())
  for (const each of [one, other])
    assert.equal(await each.evaluate((given) => page.open('localStorage', given), setup), 'invalid')
  await one.evaluate((token) => page.enter(token), setup.token)
  await other.waitForFunction(() => page.state() === 'active')
})
