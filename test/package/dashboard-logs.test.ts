import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { makeDemo, type Demo } from '../../src/cli/demo/demo.ts'
import type { LicenseQuery } from '../../src/core/index.ts'
import { day } from '../support/fixtures.ts'
import { keyPairSource } from '../support/keys.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkAccess, checkQuiet, signIn, visit, whileServed, whileServing } from './dashboard-desk.ts'

let browser: Browser
let demo: Demo

/** The number that a link of a sentence shows. */
async function figureOf(page: Page, href: RegExp): Promise<number> {
  const links = await page.locator('.sentence a').all()
  for (const link of links)
    if (href.test((await link.getAttribute('href')) ?? '')) return Number((await link.textContent()) ?? '')
  return assert.fail(`no link to ${href}`)
}

/** The licenses that a number of the overview stands for. */
const queries: Readonly<Record<string, () => LicenseQuery>> = {
  'status=active': () => ({ status: 'active' }),
  'ends=7': () => ({ status: 'active', expiresBefore: new Date(Date.now() + 7 * day * 1000) }),
  'unseen=30': () => ({ status: 'active', seenBefore: new Date(Date.now() - 30 * day * 1000) }),
  'status=expired': () => ({ status: 'expired' }),
  'status=revoked': () => ({ status: 'revoked' }),
}

async function countOf(part: string): Promise<number | undefined> {
  const listing = await demo.database.licensing.licenses.list('desktop-app', queries[part]!())
  return listing.total
}

/** The sentence of a page, once it has a number. */
async function sentenceOf(page: Page): Promise<string> {
  const line = page.locator('.lead .sub', { hasText: /\d/ }).first()
  await line.waitFor()
  return (await line.textContent()) ?? ''
}

describe(
  'the log, the status and the overview of the dashboard in a browser',
  { skip: lackingBrowser('the log and the status of the dashboard in a browser') },
  () => {
    before(async () => {
      browser = await startChromium()
      demo = await makeDemo({ newKeyPair: keyPairSource() })
    })
    after(() => Promise.all([browser.close(), demo.database.close()]))

    for (const prefix of ['', '/x', '/a/b']) {
      const place = prefix === '' ? 'at the root' : `at ${prefix}`

      test(`${place}: each number of an app leads to what it counts, and the log and the status open`, () =>
        whileServing(demo.database.licensing, prefix, async (address) => {
          const context = await browser.newContext()
          const visited = await visit(context, `${address}/dashboard`)
          const { page } = visited
          await signIn(visited, demo.founder.secret)
          const overview = `${address}/dashboard#/apps/desktop-app`
          await page.goto(overview)
          await page
            .getByText(/requests of programs were refused today|No program was refused today/)
            .waitFor()
          const numbers = {
            'status=active': await figureOf(page, /status=active$/),
            'ends=7': await figureOf(page, /ends=7$/),
            'unseen=30': await figureOf(page, /unseen=30$/),
            'status=expired': await figureOf(page, /status=expired$/),
            'status=revoked': await figureOf(page, /status=revoked$/),
          }
          for (const [part, count] of Object.entries(numbers)) {
            assert.ok(count > 0, part)
            assert.equal(count, await countOf(part), part)
            await page.goto(overview)
            await page.locator(`.sentence a[href$="${part}"]`).click()
            assert.match(await sentenceOf(page), new RegExp(`^${count} `), part)
          }
          await page.getByRole('link', { name: 'Log', exact: true }).click()
          await page.getByRole('heading', { name: 'Who did what' }).waitFor()
          await page.getByRole('link', { name: 'Log of all apps' }).click()
          await page.locator('.act', { hasText: 'in desktop-app' }).first().waitFor()
          await page.getByRole('link', { name: 'Status' }).click()
          await page.getByText('Storage').first().waitFor()
          await page.getByRole('heading', { name: 'Refused in the last hour' }).waitFor()
          checkQuiet(visited, address)
          await context.close()
        }))
    }

    /** Addresses and the headings of their pages. */
    const places: Readonly<Record<string, string | RegExp>> = {
      '#/log': 'Who did what',
      '#/status': /runs|need|Webhooks/,
      '#/start': 'First steps',
      '#/apps/desktop-app': 'Desktop App',
      '#/apps/desktop-app/log?action=tier.created': 'Who did what',
      '#/apps/desktop-app/log?actor=nobody': 'Who did what',
      '#/apps/desktop-app/licenses?ends=7': 'Licenses',
      '#/apps/desktop-app/refusals': /refused today/,
    }
    test('the log, the status, the refusals and the first steps can be used by everybody, in every look', () =>
      whileServing(demo.database.licensing, '', async (address) => {
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, demo.founder.secret)
        for (const [path, heading] of Object.entries(places)) {
          await page.goto(`${address}/dashboard${path}`)
          await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
          await page.waitForFunction(() => document.querySelector('main .skeleton') === null)
          for (const details of await page.locator('main details').all())
            await details.evaluate((each) => each.setAttribute('open', ''))
          await checkAccess(page, path)
        }
        checkQuiet(visited, address)
        await context.close()
      }))

    test('an act shows its actor, its thing and the values before and after, and each leads to its part of the log', () =>
      whileServed('', async ({ address, licensing, secret, customer, issue }) => {
        const clerk = licensing.as({ type: 'user', id: 'u-7', label: 'Ben' })
        const { id } = await issue()
        await clerk.tiers.update('desktop-app', 'pro', { name: 'Professional' })
        await clerk.licenses.revoke('desktop-app', id, { reason: 'A private reason' })
        await clerk.customers.update('desktop-app', customer.id, { name: 'Ada Lovelace' })
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.goto(`${address}/dashboard#/apps/desktop-app/log`)
        const act = page.locator('.act', { hasText: 'changed the tier' })
        await act.waitFor()
        assert.match(
          (await act.textContent()) ?? '',
          /Ben changed the tier Professional\s*name\s*Pro → became\s*Professional/,
        )
        await act.getByRole('link', { name: 'Ben' }).click()
        await page.getByText('3 acts are like this.').waitFor()
        await page.getByRole('link', { name: 'license.revoked' }).click()
        await page.getByText('1 act is like this.').waitFor()
        assert.match(page.url(), /actor=u-7/)
        const main = page.locator('main')
        assert.equal(await main.locator('.act').count(), 1)
        await main.locator('.act').getByRole('link', { name: /^lic_/ }).click()
        await page.getByText('License for My Desktop App').waitFor()
        // Neither names of customers nor reasons are in the log, so the page cannot show them.
        await page.goto(`${address}/dashboard#/apps/desktop-app/log`)
        await page.locator('.act', { hasText: 'changed the customer' }).waitFor()
        assert.doesNotMatch((await main.textContent()) ?? '', /Ada Lovelace|A private reason/)
        await page.getByLabel('Thing').fill(customer.id)
        await page.getByLabel('Thing').press('Enter')
        await page.getByText('2 acts are like this.').waitFor()
        await page.getByLabel('Kind').selectOption('customer.created')
        await page.getByText('1 act is like this.').waitFor()
        await page.getByLabel('To, UTC').fill('2020-01-01')
        await page.getByText('No act is like this.').waitFor()
        await page.getByRole('link', { name: 'Show all' }).click()
        await page.getByText(/acts are in the log\. The newest was .* by Ben\./).waitFor()
        checkQuiet(visited, address)
        await context.close()
      }))

    test('markup in the name of an actor, an app, a tier or a feature is text in the log', () =>
      whileServed('', async ({ address, licensing, secret, issue }) => {
        const markup = '<img src=x onerror=alert(1)>"\'</title><script>alert(1)</script>'
        const clerk = licensing.as({ type: 'user', id: markup, label: markup })
        await clerk.apps.update('desktop-app', { name: markup, description: markup })
        await clerk.tiers.update('desktop-app', 'pro', { name: markup })
        await clerk.apiKeys.create({ name: markup })
        await issue()
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        const paths = [
          '/apps/desktop-app/log',
          '/log',
          `/log?actor=${encodeURIComponent(markup)}`,
          '/log?target=<img src=x>',
        ]
        for (const path of paths) {
          await page.goto(`${address}/dashboard#${path}`, { waitUntil: 'networkidle' })
          await page.getByRole('heading', { name: 'Who did what' }).waitFor()
          assert.equal(await page.locator('main img, main script').count(), 0, path)
        }
        await page.goto(`${address}/dashboard#/log`)
        await page.locator('.act').getByText('<img src=x').first().waitFor()
        checkQuiet(visited, address)
        await context.close()
      }))

    test('the log goes on with older acts, and back to the newest', () =>
      whileServing(demo.database.licensing, '', async (address) => {
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, demo.founder.secret)
        await page.goto(`${address}/dashboard#/apps/desktop-app/log`)
        const first = page.locator('.act').first()
        await first.waitFor()
        const newest = await first.textContent()
        await page.getByRole('link', { name: 'Older' }).click()
        await page.getByRole('link', { name: 'Newest' }).waitFor()
        await page.waitForFunction((text) => document.querySelector('.act')?.textContent !== text, newest)
        assert.equal(await page.locator('.act').count(), 25)
        await page.getByRole('link', { name: 'Newest' }).click()
        await page.waitForFunction((text) => document.querySelector('.act')?.textContent === text, newest)
        checkQuiet(visited, address)
        await context.close()
      }))

    test('whoever may not read the log or the status is offered neither', () =>
      whileServed('', async ({ address, licensing }) => {
        const support = await licensing.apiKeys.create({ name: 'Ben, support', preset: 'support' })
        const bound = await licensing.apiKeys.create({ name: 'One app', app: 'desktop-app' })
        const reading = await licensing.apiKeys.create({ name: 'Site', type: 'pk' })
        const offered: readonly (readonly [secret: string, links: readonly string[]])[] = [
          [support.secret, []],
          [bound.secret, ['Log']],
          [reading.secret, []],
        ]
        for (const [secret, links] of offered) {
          const context = await browser.newContext()
          const visited = await visit(context, `${address}/dashboard`)
          const { page } = visited
          await signIn(visited, secret)
          const rail = page.getByRole('navigation', { name: 'Sections' })
          await rail.getByRole('link', { name: 'Overview' }).waitFor()
          const names = await rail.getByRole('listitem').allTextContents()
          assert.deepEqual(
            names.filter((name) => /Log|Status/.test(name)),
            links,
          )
          await page.goto(`${address}/dashboard#/log`)
          await page.getByRole('heading', { name: 'Your key may not see this' }).waitFor()
          await page.goto(`${address}/dashboard#/status`)
          await page.getByText('Your key may not manage keys').waitFor()
          await context.close()
        }
      }))

    test('the status tells of a refused request, and after a failed call it keeps what it knew', () =>
      whileServed('', async ({ address, licensing, secret, issue }) => {
        const { id, token } = await issue()
        await licensing.licenses.revoke('desktop-app', id, {})
        const renewal = await fetch(`${address}/api/v1/apps/desktop-app/licenses/${id}/regenerate`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ current_token: token }),
        })
        assert.equal(renewal.status, 400)
        await licensing.flush()
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.getByRole('link', { name: 'Status' }).click()
        await page.getByRole('heading', { name: 'Everything runs.' }).waitFor()
        await page.getByText('This process refused 1 request.').waitFor()
        const main = page.locator('main')
        await main.getByText('renew.license_revoked 1').waitFor()
        const shown = (await main.textContent()) ?? ''
        assert.ok(shown.includes('POST /apps/:slug/licenses/:id/regenerate'))
        assert.equal(shown.includes(token ?? ''), false)
        assert.equal(shown.includes(id), false)
        const body = JSON.stringify({ error: { code: 'internal_error', message: 'Something failed' } })
        await page.route('**/api/v1/status', (route) =>
          route.fulfill({ status: 500, contentType: 'application/json', body }),
        )
        await page.getByRole('button', { name: 'Ask again' }).click()
        await page.getByText('The last call failed.').waitFor()
        assert.ok(await page.getByText('This process refused 1 request.').isVisible())
        await context.close()
      }))
  },
)
