import { Elysia } from 'elysia'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { linkOf } from '../adapters/dashboard/visitor.ts'
import { whileListening } from '../adapters/listening.ts'
import { newShop, type Shop } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'

/** A dashboard at an address, with what a test needs to sign in. */
interface Desk extends Shop {
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
    const path = (request.url ?? '').slice(prefix.length)
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

async function whileServed(prefix: string, work: Work): Promise<void> {
  const shop = await newShop({ now: Date.now })
  const { secret, id: keyId } = await shop.licensing.apiKeys.create({ name: 'Ana, support' })
  const alone = licensingServer(shop.licensing, { standalone: true, ...options })
  const host = new Elysia().group('/x', (group) => group.use(licensingServer(shop.licensing, options)))
  const app = prefix === '/x' ? host : alone
  const server = { fetch: async (request: Request): Promise<Response> => app.fetch(request) }
  await whileListening(server, async ({ origin }) => {
    const run = (address: string): Promise<void> => work({ ...shop, address, secret, keyId })
    await (prefix === '/a/b' ? behindProxy(origin, prefix, run) : run(origin + prefix))
  })
}

/** An open page, its requests, and whatever the browser complained of. */
interface Visit {
  readonly page: Page
  readonly requested: readonly string[]
  readonly problems: string[]
}

let browser: Browser

async function visit(context: BrowserContext, address: string): Promise<Visit> {
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

function checkQuiet({ requested, problems }: Visit, address: string): void {
  assert.deepEqual(problems, [])
  assert.deepEqual(
    requested.filter((url) => !url.startsWith(`${address}/`) && url !== `${address}/dashboard`),
    [],
  )
}

async function signIn({ page }: Visit, secret: string): Promise<void> {
  await page.getByLabel('API key').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
}

/** The things that a page keeps in the browser. */
function keptIn(page: Page): Promise<string> {
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

/** Looks for faults of access by axe, and for a page that scrolls sideways. */
async function checkAccess(page: Page, what: string): Promise<void> {
  await page.evaluate(axe)
  const results = (await page.evaluate('axe.run()')) as AxeResults
  const found = results.violations.map(({ id, nodes }) => `${id} ${String(nodes[0]?.target)}`)
  assert.deepEqual(found, [], what)
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(beyond <= 0, `${what} is ${beyond} px too wide`)
}

describe('the dashboard in a browser', { skip: lackingBrowser('the dashboard in a browser') }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  for (const prefix of ['', '/x', '/a/b']) {
    const place = prefix === '' ? 'at the root' : `at ${prefix}`

    test(`${place}: a key signs in, pages open, and the sign-out ends it`, () =>
      whileServed(prefix, async ({ address, secret, licensing, customer, issue }) => {
        await licensing.customers.update('desktop-app', customer.id, { name: 'Ada Lovelace' })
        const license = await issue()
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.getByRole('link', { name: /My Desktop App/ }).click()
        await page.getByText('1 license is good').waitFor()
        await page.getByRole('link', { name: 'Licenses' }).click()
        await page.getByRole('link', { name: /Ada Lovelace/ }).click()
        await page.getByRole('heading', { name: 'Ada Lovelace' }).waitFor()
        assert.ok(page.url().endsWith(`/dashboard#/apps/desktop-app/licenses/${license.id}`), page.url())
        await page.reload({ waitUntil: 'networkidle' })
        await page.getByRole('heading', { name: 'Ada Lovelace' }).waitFor()
        assert.equal((await keptIn(page)).includes(secret), false)
        await page.locator('summary', { hasText: 'Ana, support' }).click()
        await page.getByRole('button', { name: 'Sign out' }).click()
        await page.getByLabel('API key').waitFor()
        assert.deepEqual(await context.cookies(), [])
        checkQuiet(visited, address)
        await context.close()
      }))

    test(`${place}: a link signs in once, and leaves the address and the history`, () =>
      whileServed(prefix, async ({ address, licensing, keyId }) => {
        const link = linkOf(await licensing.apiKeys.invite(keyId))
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard#/in/${link}`)
        const { page } = visited
        await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
        assert.equal((await keptIn(page)).includes(link), false)
        assert.equal(page.url(), `${address}/dashboard#/`)
        checkQuiet(visited, address)
        await context.close()
        const second = await browser.newContext()
        const later = await visit(second, `${address}/dashboard#/in/${link}`)
        await later.page.getByRole('heading', { name: 'This link does not sign you in' }).waitFor()
        await later.page.getByRole('button', { name: 'Sign in another way' }).click()
        await later.page.getByLabel('API key').waitFor()
        await second.close()
      }))
  }

  test('a link that is pasted into an open page signs in there', () =>
    whileServed('', async ({ address, licensing, keyId }) => {
      const link = linkOf(await licensing.apiKeys.invite(keyId))
      const context = await browser.newContext()
      const { page } = await visit(context, `${address}/dashboard`)
      await page.getByLabel('API key').waitFor()
      await page.goto(`${address}/dashboard#/in/${link}`)
      await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
      await context.close()
    }))

  test('the page runs under its policy: no text becomes code, and no other page frames it', () =>
    whileServed('', async ({ address }) => {
      const context = await browser.newContext()
      const { page } = await visit(context, `${address}/dashboard`)
      const outcome = await page.evaluate(() => {
        const tried = (act: () => unknown): string => {
          try {
            act()
            return 'allowed'
          } catch (error) {
            return (error as Error).name
          }
        }
        return [
          tried(() => (document.body.innerHTML = '<p>x')),
          tried(() => document.createElement('script').setAttribute('src', 'x.js')),
        ]
      })
      assert.deepEqual(outcome, ['TypeError', 'TypeError'])
      const framing = await context.newPage()
      await framing.goto(`${address}/api/health`)
      await framing.evaluate((src) => {
        const frame = document.createElement('iframe')
        frame.src = src
        document.body.append(frame)
      }, `${address}/dashboard`)
      await framing.waitForTimeout(300)
      const [, frame] = framing.frames()
      assert.match(frame?.url() ?? '', /^chrome-error:/)
      await context.close()
    }))

  test('text of customers is text: markup in a name, a tier or a reason runs nothing', () =>
    whileServed('', async (desk) => {
      const { address, licensing, customer, issue } = desk
      const markup = '<img src=x onerror=alert(1)>"\'</title><script>alert(1)</script>'
      await licensing.customers.update('desktop-app', customer.id, { name: markup, metadata: { x: markup } })
      await licensing.tiers.update('desktop-app', 'pro', { name: markup })
      const { id } = await issue()
      await licensing.licenses.update('desktop-app', id, { name: '<b>bold</b>' })
      await licensing.licenses.revoke('desktop-app', id, { reason: markup })
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, desk.secret)
      for (const path of ['', '/licenses', `/licenses/${id}`, `/customers/${customer.id}`]) {
        await page.goto(`${address}/dashboard#/apps/desktop-app${path}`)
        await page.locator('main').getByText('<img src=x').filter({ visible: true }).first().waitFor()
        assert.equal(await page.locator('img, b:text("bold")').count(), 0)
      }
      checkQuiet(visited, address)
      await context.close()
    }))

  test('a session that has ended elsewhere shows the sign-in, and then the same page again', () =>
    whileServed('', async ({ address, licensing, secret, issue }) => {
      const { id } = await issue()
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      const { id: keyId, secret: other } = await licensing.apiKeys.create({ name: 'Second' })
      assert.ok(keyId)
      const [mine] = (await licensing.apiKeys.list()).data.filter(({ name }) => name === 'Ana, support')
      await licensing.apiKeys.revoke(mine?.id ?? '')
      await page.goto(`${address}/dashboard#/apps/desktop-app/licenses/${id}`)
      await page.getByText('You were signed out').waitFor()
      await page.getByLabel('API key').fill(other)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText('License for My Desktop App').waitFor()
      await context.close()
    }))

  test('a license is extended, changed, revoked and brought back, and each act can be undone', () =>
    whileServed('', async ({ address, licensing, secret, issue }) => {
      const { id, expiresAt } = await issue()
      const now = () => licensing.licenses.get('desktop-app', id)
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await page.goto(`${address}/dashboard#/apps/desktop-app/licenses/${id}`)
      await page.getByRole('button', { name: 'Extend…' }).click()
      await page.getByRole('button', { name: '+ 1 year' }).click()
      await page.getByRole('button', { name: /^Extend to/ }).click()
      await page.getByText(/^It is good until/).waitFor()
      assert.equal((await now()).expiresAt, (expiresAt ?? 0) + 365 * 86_400)
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByText('It is as it was.').waitFor()
      assert.equal((await now()).expiresAt, expiresAt)
      await page.getByRole('button', { name: 'Revoke…' }).click()
      await page.getByLabel('Reason, for your colleagues').fill('Refunded')
      await page.getByRole('button', { name: 'Revoke the license' }).click()
      await page.getByText('Revoked: Refunded').waitFor()
      assert.equal((await now()).status, 'revoked')
      await page.getByRole('button', { name: 'Reinstate' }).click()
      await page.getByText('It is good again.').waitFor()
      assert.equal((await now()).status, 'active')
      checkQuiet(visited, address)
      await context.close()
    }))

  const looks: Readonly<Record<string, BrowserContextOptions>> = {
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    'forced colours': { forcedColors: 'active' },
    '320 px wide': { viewport: { width: 320, height: 800 } },
  }
  for (const [name, look] of Object.entries(looks))
    test(`every page can be used by everybody, ${name}`, () =>
      whileServed('', async ({ address, licensing, secret, customer, issue }) => {
        const { id } = await issue()
        const { id: revoked } = await issue()
        await licensing.licenses.revoke('desktop-app', revoked, { reason: 'Refunded' })
        await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
        const context = await browser.newContext(look)
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await checkAccess(page, 'the sign-in')
        await signIn(visited, secret)
        const pages = [
          '',
          '/licenses',
          `/licenses/${id}`,
          `/licenses/${revoked}`,
          `/customers/${customer.id}`,
        ]
        for (const path of ['#/', ...pages.map((below) => `#/apps/desktop-app${below}`)]) {
          await page.goto(`${address}/dashboard${path}`, { waitUntil: 'networkidle' })
          await page.locator('main h1').waitFor()
          await checkAccess(page, path)
        }
        await page.goto(`${address}/dashboard#/apps/desktop-app/licenses/${id}`)
        await page.getByRole('button', { name: 'Extend…' }).click()
        await checkAccess(page, 'a dialog')
        await page.keyboard.press('Escape')
        await page.locator('summary', { hasText: 'Ana, support' }).click()
        await checkAccess(page, 'the menu')
        checkQuiet(visited, address)
        await context.close()
      }))

  test('the keyboard alone leads from an address of a customer to an extended license', () =>
    whileServed('', async ({ address, licensing, secret, customer, issue }) => {
      const { id, expiresAt } = await issue()
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      const { keyboard } = page
      const reach = async (name: RegExp): Promise<void> => {
        for (let count = 0; count < 40; count++) {
          const text = await page.evaluate(() => document.activeElement?.textContent ?? '')
          if (name.test(text)) return
          await keyboard.press('Tab')
        }
        assert.fail(`Tab does not reach ${name}`)
      }
      await keyboard.press('Tab')
      await keyboard.type(secret)
      await keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
      await keyboard.press('/')
      await keyboard.type(customer.email)
      await keyboard.press('Enter')
      await page.getByText('Customer of My Desktop App').waitFor()
      await page.locator('.apps a').waitFor()
      await reach(/^pro/)
      await keyboard.press('Enter')
      await page.getByText('License for My Desktop App').waitFor()
      await page.getByRole('button', { name: 'Extend…' }).waitFor()
      await reach(/^Extend…$/)
      await keyboard.press('Enter')
      await page.getByRole('dialog').waitFor()
      await reach(/^\+ 1 year$/)
      await keyboard.press('Enter')
      await reach(/^Extend to/)
      await keyboard.press('Enter')
      await page.getByText(/^It is good until/).waitFor()
      const { expiresAt: end } = await licensing.licenses.get('desktop-app', id)
      assert.equal(end, (expiresAt ?? 0) + 365 * 86_400)
      await context.close()
    }))

  test('a pasted API key is sent nowhere and stays nowhere', () =>
    whileServed('', async ({ address, secret }) => {
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page, requested } = visited
      await signIn(visited, secret)
      const before = requested.length
      await page.getByLabel('What the customer sent').fill(`Authorization: Bearer ${secret}`)
      await page.getByRole('button', { name: 'Find' }).click()
      await page.getByText('This is a secret API key').waitFor()
      // Only the script that reads what was pasted came.
      const later = requested.slice(before).filter((url) => !/\/dashboard\/page-\w+\.js$/.test(url))
      assert.deepEqual(later, [])
      assert.equal((await page.content()).includes(secret), false)
      assert.equal(await page.getByLabel('What the customer sent').inputValue(), '')
      await context.close()
    }))
})
