import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { linkOf } from '../adapters/dashboard/visitor.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkQuiet, keptIn, signIn, visit, whileServed } from './dashboard-desk.ts'

let browser: Browser

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
})
