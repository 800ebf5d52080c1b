import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkAccess, checkQuiet, signIn, visit, whileServed } from './dashboard-desk.ts'

let browser: Browser

describe(
  'the pages of the dashboard in a browser',
  { skip: lackingBrowser('the pages of the dashboard in a browser') },
  () => {
    before(async () => {
      browser = await startChromium()
    })
    after(() => browser.close())

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

    test('every page can be used by everybody, in every look', () =>
      whileServed('', async ({ address, licensing, secret, customer, issue }) => {
        const { id } = await issue()
        const { id: revoked } = await issue()
        await licensing.licenses.revoke('desktop-app', revoked, { reason: 'Refunded' })
        await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await checkAccess(page, 'the sign-in')
        await signIn(visited, secret)
        const pages = [
          '',
          '/licenses',
          `/licenses/${id}`,
          `/licenses/${revoked}`,
          '/customers',
          '/customers?email=nobody',
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

    test('a part of an e-mail address finds a customer in the list, whose page names the tiers of the licenses', () =>
      whileServed('', async ({ address, licensing, secret, issue }) => {
        const { id } = await issue()
        const { customerId } = await licensing.licenses.get('desktop-app', id)
        await licensing.customers.update('desktop-app', customerId, { email: 'ada@example.com', name: 'Ada' })
        for (let at = 0; at < 30; at++)
          await licensing.customers.create('desktop-app', { email: `other${at}@example.org` })
        await licensing.apps.create({ name: 'Empty', slug: 'empty' })
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.goto(`${address}/dashboard#/apps/desktop-app`)
        await page.getByRole('link', { name: 'Customers' }).click()
        await page.getByText('31 customers in all.').waitFor()
        await page.getByRole('link', { name: 'Older' }).click()
        await page.getByRole('link', { name: 'Newest' }).waitFor()
        assert.equal(await page.locator('main tbody tr').count(), 6)
        await page.getByLabel('E-mail address').fill('example.com')
        await page.getByRole('button', { name: 'Search' }).click()
        await page.getByText('1 customer has “example.com” in the e-mail address.').waitFor()
        await page.getByRole('link', { name: 'Ada' }).click()
        await page.getByRole('heading', { name: 'Ada', level: 1 }).waitFor()
        await page.locator('.apps').getByText('Pro, ').waitFor()
        await page.locator('.crumbs').getByRole('link', { name: 'Customers' }).click()
        await page.getByLabel('E-mail address').fill('<b>nobody')
        await page.getByLabel('E-mail address').press('Enter')
        await page.getByText('No customer is like this.').waitFor()
        await page.getByRole('link', { name: 'Show all' }).click()
        await page.getByText('31 customers in all.').waitFor()
        await page.goto(`${address}/dashboard#/apps/empty/customers`)
        await page.getByText('There is no customer yet.', { exact: false }).waitFor()
        await page.getByText('ada@example.com').waitFor()
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
        await page.locator('.crumbs').getByRole('link', { name: 'Customers' }).waitFor()
        await page.locator('.apps a').waitFor()
        await reach(/^[0-9a-f]{8}….*Pro, /)
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

    test('whatever a customer sent leads to the license or the customer, and several hits are to choose from', () =>
      whileServed('', async ({ address, licensing, secret, customer, issue }) => {
        await licensing.customers.update('desktop-app', customer.id, { externalId: 'order-48213' })
        await licensing.customers.create('desktop-app', { email: 'ada@example.org' })
        const { id, jti, installationId, token } = await issue()
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        const broken = (token ?? '').replace(/(.{60})/g, '$1\n')
        const wanted: Readonly<Record<string, string>> = {
          [id]: id,
          [jti]: id,
          [installationId]: id,
          [`"${installationId}"`]: id,
          [`Authorization: Bearer ${broken}`]: id,
          [customer.id]: customer.id,
          'order-48213': customer.id,
          'ada@example.com': customer.id,
          'desktop-app': 'desktop-app',
        }
        for (const [text, end] of Object.entries(wanted)) {
          await page.goto(`${address}/dashboard#/`)
          await page.getByLabel('What the customer sent').fill(text)
          await page.getByRole('button', { name: 'Find' }).click()
          await page.waitForURL((url) => url.hash.endsWith(`/${end}`))
        }
        await page.goto(`${address}/dashboard#/`)
        await page.getByLabel('What the customer sent').fill('ada@')
        await page.getByRole('button', { name: 'Find' }).click()
        await page.getByText('2 found. Choose one.').waitFor()
        await page.getByRole('link', { name: /ada@example\.org/ }).click()
        await page.getByRole('heading', { name: 'ada@example.org' }).waitFor()
        await page.goto(`${address}/dashboard#/`)
        await page.getByLabel('What the customer sent').fill('nobody')
        await page.getByRole('button', { name: 'Find' }).click()
        await page.getByText('Nothing that your key sees is like this.').waitFor()
        assert.equal(
          visited.requested.some((url) => url.includes('eyJ')),
          false,
        )
        checkQuiet(visited, address)
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
        await page.getByText('This is a secret of yours').waitFor()
        // Only the script that reads what was pasted came.
        const later = requested.slice(before).filter((url) => !/\/dashboard\/page-\w+\.js$/.test(url))
        assert.deepEqual(later, [])
        assert.equal((await page.content()).includes(secret), false)
        assert.equal(await page.getByLabel('What the customer sent').inputValue(), '')
        await context.close()
      }))
  },
)
