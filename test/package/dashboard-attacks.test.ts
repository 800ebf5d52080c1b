import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext, Page, Route } from 'playwright-core'
import { linkOf } from '../adapters/dashboard/visitor.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { signIn, visit, whileServed, type Desk, type Visit } from './dashboard-desk.ts'

let browser: Browser

/** A signed-in page, and the way to its pages. */
interface Open extends Visit {
  readonly context: BrowserContext
  readonly go: (path: string) => Promise<void>
}

async function whileOpen(desk: Desk, work: (open: Open) => Promise<void>): Promise<void> {
  const context = await browser.newContext()
  const visited = await visit(context, `${desk.address}/dashboard`)
  await signIn(visited, desk.secret)
  const go = async (path: string): Promise<void> =>
    void (await visited.page.goto(`${desk.address}/dashboard#/${path}`))
  await work({ ...visited, context, go })
  await context.close()
}

function heading(page: Page, name: string): Promise<void> {
  return page.getByRole('heading', { name, level: 1 }).waitFor()
}

/** Replies that the page waits for. */
interface Held {
  readonly held: readonly Route[]
  /** Resolves when the page has asked. */
  readonly asked: () => Promise<void>
  readonly letGo: () => Promise<void>
}

/** Holds every reply that matches, until it is let go. */
async function hold(page: Page, url: string): Promise<Held> {
  const held: Route[] = []
  await page.route(url, (route) => void held.push(route))
  const asked = async (): Promise<void> => {
    while (held.length === 0) await page.waitForTimeout(10)
  }
  const letGo = async (): Promise<void> => {
    await page.unroute(url)
    await Promise.all(held.map((route) => route.continue().catch(() => undefined)))
  }
  return { held, asked, letGo }
}

async function ada({ licensing, customer, issue }: Desk): Promise<string> {
  await licensing.customers.update('desktop-app', customer.id, { name: 'Ada Lovelace' })
  return (await issue()).id
}

/** Signs the person of an open page out, and another one in, whose calls get no answer. */
async function changePerson({ licensing, keyId }: Desk, page: Page): Promise<void> {
  const { secret } = await licensing.apiKeys.create({ name: 'Ben', scopes: ['webhooks:read'] })
  await licensing.apiKeys.revoke(keyId)
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Licenses' }).click()
  await page.getByText('You were signed out').waitFor()
  await hold(page, '**/api/v1/**')
  await page.getByLabel('API key').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('summary', { hasText: 'Ben' }).waitFor()
}

describe('attacks on the dashboard', { skip: lackingBrowser('attacks on the dashboard') }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  test('an address from a stranger puts nothing into the commands that a page offers', () =>
    whileServed('', async (desk) => {
      await whileOpen(desk, async ({ page, go }) => {
        for (const part of ['$(id)', "x'%3Bid%3B'", 'a%2F..%2Fb', '%0Aid'])
          for (const path of [`apps/${part}/license-keys`, `apps/desktop-app/licenses/${part}`]) {
            await go(path)
            await heading(page, 'Nothing is here')
            assert.equal(await page.locator('main pre, .as-code').count(), 0, path)
          }
      })
    }))

  test('whoever signs in after somebody else sees nothing that the page still knows', () =>
    whileServed('', async (desk) => {
      const id = await ada(desk)
      await desk.licensing.customers.create('desktop-app', { email: 'a2@example.com', name: 'Ada Second' })
      await whileOpen(desk, async ({ page, go }) => {
        await go(`apps/desktop-app/licenses/${id}`)
        await heading(page, 'Ada Lovelace')
        await page.getByRole('textbox', { name: 'Find' }).fill('Ada')
        await page.keyboard.press('Enter')
        await page.getByText('Ada Second').waitFor()
        await go(`apps/desktop-app/licenses/${id}`)
        await page.getByRole('button', { name: 'Extend' }).click()
        await page.locator('dialog button[type=submit]').click()
        await page.locator('.toast').waitFor()
        await changePerson(desk, page)
        assert.equal(await page.locator('.toast').count(), 0)
        for (const path of ['', `apps/desktop-app/licenses/${id}`, 'apps/desktop-app']) {
          await go(path)
          await page.locator('.skeleton').first().waitFor()
          assert.equal(
            /Ada|My Desktop App/.test((await page.locator('body').textContent()) ?? ''),
            false,
            path,
          )
        }
      })
    }))

  test('every tab follows a change of the person, because all tabs have one cookie', () =>
    whileServed('', async (desk) => {
      const { secret } = await desk.licensing.apiKeys.create({ name: 'Ben' })
      await whileOpen(desk, async ({ page, context }) => {
        const second = await visit(context, `${desk.address}/dashboard`)
        await second.page.locator('summary', { hasText: 'Ana, support' }).click()
        await second.page.getByRole('button', { name: 'Sign out' }).click()
        await page.getByLabel('API key').waitFor()
        await signIn(second, secret)
        await page.locator('summary', { hasText: 'Ben' }).waitFor()
      })
    }))

  test('a link signs nobody in as somebody else without asking, and stays good for its person', () =>
    whileServed('', async (desk) => {
      const { id } = await desk.licensing.apiKeys.create({ name: 'Mallory' })
      const link = linkOf(await desk.licensing.apiKeys.invite(id))
      await whileOpen(desk, async ({ page, go }) => {
        await go(`in/${link}`)
        await heading(page, 'Sign in as somebody else?')
        assert.equal(page.url().includes(link), false)
        await page.getByRole('button', { name: 'Stay signed in' }).click()
        await page.locator('summary', { hasText: 'Ana, support' }).waitFor()
        await go(`in/${link}`)
        await page.getByRole('button', { name: 'Use the link' }).click()
        await page.locator('summary', { hasText: 'Mallory' }).waitFor()
        const asked: string[] = []
        page.on('framenavigated', (frame) => asked.push(frame.url()))
        await page.goBack()
        assert.ok(asked.length > 0 && !asked.some((url) => url.includes(link)), asked.join(' '))
      })
    }))

  test('no secret goes into an address, however mail or chat has altered it', () =>
    whileServed('', async (desk) => {
      const { licensing, customer, secret, keyId } = desk
      const made = await licensing.licenseKeys.create('desktop-app', {
        customerId: customer.id,
        tierId: 'pro',
        seats: 1,
        durationDays: 5,
      })
      const link = linkOf(await licensing.apiKeys.invite(keyId))
      const texts: Readonly<Record<string, string>> = {
        'a license key without dashes': made.key.replaceAll('-', ''),
        'a license key with other dashes': made.key.replaceAll('-', '–'),
        'a license key with dots': made.key.replaceAll('-', '.'),
        'an API key with an invisible sign': secret.replace('_', '\u200b_'),
        'a link that signs in': `${desk.address}/dashboard#/in/${link}`,
      }
      await whileOpen(desk, async ({ page, go, requested }) => {
        for (const [name, text] of Object.entries(texts)) {
          await go('')
          const before = requested.length
          await page.getByRole('textbox', { name: 'What the customer sent' }).fill(text)
          await page.keyboard.press('Enter')
          await page.locator('.why').or(page.getByText('This is a secret of yours')).first().waitFor()
          assert.deepEqual(
            // The diagnosis takes what customers have. A secret of the vendor goes nowhere.
            requested
              .slice(before)
              .filter((url) =>
                (name.startsWith('a license') ? /\/search\?/ : /\/(?:search|diagnose)/).test(url),
              ),
            [],
            name,
          )
        }
      })
    }))

  test('a refusal takes away what a page knew; a failure leaves it there, with its time', () =>
    whileServed('', async (desk) => {
      const id = await ada(desk)
      await whileOpen(desk, async ({ page, go }) => {
        const lookLater = (): Promise<void> =>
          page.evaluate(() => {
            const { now } = Date
            Date.now = () => now() + 60_000
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
          })
        await go(`apps/desktop-app/licenses/${id}`)
        await heading(page, 'Ada Lovelace')
        await page.route('**/api/v1/**', (route) => route.fulfill({ status: 400, body: '<h1>' }))
        await lookLater()
        await page.getByText('The last call failed').first().waitFor()
        await heading(page, 'Ada Lovelace')
        await page.unroute('**/api/v1/**')
        await desk.licensing.licenses.delete('desktop-app', id)
        await lookLater()
        await heading(page, 'Nothing is here')
        assert.equal(await page.getByText('Ada Lovelace').count(), 0)
      })
    }))

  test('without an answer the page says so, and goes on when the server is there again', () =>
    whileServed('', async (desk) => {
      const context = await browser.newContext()
      const visited = await visit(context, `${desk.address}/dashboard`)
      const { page } = visited
      const failed = (): Promise<void> => heading(page, 'This could not be loaded')
      for (const answer of [{ status: 503, body: '<h1>bad gateway' }, { body: '{"data":' }, null]) {
        await page.route('**/dashboard/session', (route) =>
          answer === null ? route.abort() : route.fulfill(answer),
        )
        await page.reload()
        await failed()
        await page.unroute('**/dashboard/session')
        await page.getByRole('button', { name: 'Try again' }).click()
        await page.getByLabel('API key').waitFor()
      }
      await signIn(visited, desk.secret)
      const part = '**/dashboard/page-*.js'
      await page.route(part, (route) => route.fulfill({ status: 404 }))
      await page.getByRole('link', { name: 'Tiers' }).click()
      await failed()
      await page.unroute(part)
      await page.getByRole('button', { name: 'Try again' }).click()
      await heading(page, 'Tiers and features')
      await page.route('**/api/v1/status', (route) => route.fulfill({ json: { data: {} } }))
      await page.getByRole('link', { name: 'Status' }).click()
      await failed()
      await page.route('**/dashboard/session', (route) => route.fulfill({ status: 503, body: '' }))
      await page.locator('summary', { hasText: 'Ana, support' }).click()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.locator('.toast[data-error=true]').waitFor()
      await page.unroute('**/dashboard/session')
      const loaded = page.waitForEvent('load')
      await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
      await loaded
      await context.close()
    }))

  test('a late answer closes no other dialog, leads nobody away, and a dialog gives the focus back', () =>
    whileServed('', async (desk) => {
      const id = await ada(desk)
      await whileOpen(desk, async ({ page, go }) => {
        await go(`apps/desktop-app/licenses/${id}`)
        const opener = page.getByRole('button', { name: 'Extend' })
        await opener.click()
        await page.locator('dialog button[type=submit]').click()
        await page.locator('dialog').waitFor({ state: 'detached' })
        assert.ok(await opener.evaluate((button) => button === document.activeElement))
        const change = await hold(page, `**/licenses/${id}`)
        await opener.click()
        await page.locator('dialog button[type=submit]').click()
        await change.asked()
        await page.keyboard.press('Escape')
        await page.getByRole('button', { name: 'Revoke' }).click()
        await change.letGo()
        await page.locator('.toast').nth(1).waitFor()
        assert.equal(await page.locator('dialog[open] h2').textContent(), 'Revoke this license')
        await page.keyboard.press('Escape')
        const answer = await hold(page, '**/search?**')
        const field = page.getByRole('textbox', { name: 'Find' })
        await field.fill('Ada')
        await field.press('Enter')
        await answer.asked()
        await go('apps/desktop-app/tiers')
        await heading(page, 'Tiers and features')
        await answer.letGo()
        await field.and(page.locator(':enabled')).waitFor()
        assert.ok(page.url().endsWith('/tiers'), page.url())
      })
    }))

  test('a page that asks again and again waits for a slow server', () =>
    whileServed('', async (desk) => {
      await desk.licensing.apps.update('desktop-app', { webhookUrl: 'https://hooks.example/' })
      const { id } = await desk.licensing.webhooks.test('desktop-app')
      await whileOpen(desk, async ({ page, go }) => {
        await page.clock.install()
        await go(`apps/desktop-app/webhooks/${id}`)
        await page.getByRole('button', { name: 'Send it again' }).waitFor()
        const { held } = await hold(page, `**/webhook-deliveries/${id}`)
        for (let look = 0; look < 4; look++) await page.clock.runFor(1_500)
        assert.equal(held.length, 1)
      })
    }))

  test('a name of one endless word fits into 320 px', () =>
    whileServed('', async (desk) => {
      const { licensing, customer } = desk
      const id = await ada(desk)
      const name = 'W'.repeat(255)
      await licensing.apps.update('desktop-app', { name, description: name })
      await licensing.customers.update('desktop-app', customer.id, { name })
      await licensing.tiers.update('desktop-app', 'pro', { name })
      await whileOpen(desk, async ({ page, go }) => {
        await page.setViewportSize({ width: 320, height: 700 })
        for (const path of ['', '/licenses', `/licenses/${id}`, `/customers/${customer.id}`, '/tiers']) {
          await go(`apps/desktop-app${path}`)
          await page.locator('main').getByText(name.slice(0, 200)).filter({ visible: true }).first().waitFor()
          const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          assert.ok(beyond <= 0, `${path}: ${beyond} px too wide`)
        }
      })
    }))
})
