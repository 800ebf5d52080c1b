import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { installation } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import {
  checkAccess,
  checkQuiet,
  clipboardOf,
  newContext,
  signIn,
  visit,
  whileServed,
} from './dashboard-desk.ts'

let browser: Browser

const what = 'license keys in the dashboard, and its pages of licenses for everybody'

describe(what, { skip: lackingBrowser(what) }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  test('a license key is made, activated for a computer without a network, released, revoked and brought back', () =>
    whileServed('', async ({ address, licensing, secret }) => {
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await page.goto(`${address}/dashboard#/apps/desktop-app/license-keys`)
      await page.getByText('A license key is what you sell').waitFor()
      await page.getByRole('button', { name: 'New license key…' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('E-mail of the customer').fill('grace@example.com')
      await dialog.getByLabel('Seats').fill('2')
      await dialog.getByRole('button', { name: 'Make it, with 2 seats' }).click()
      await page.getByRole('heading', { name: 'grace@example.com' }).waitFor()
      const [made] = (await licensing.licenseKeys.list('desktop-app', { include: 'key' })).data
      const { id = '', key = '' } = made ?? {}
      const secretBox = page.getByRole('group', { name: 'Text of the license key' })
      assert.equal((await page.content()).includes(key), false)
      await secretBox.getByRole('button', { name: 'Copy' }).click()
      await secretBox.getByText('Copied').waitFor()
      assert.equal(await clipboardOf(page), key)

      await page.getByRole('button', { name: 'Activate a computer…' }).click()
      await dialog.getByLabel('Id of the installation').fill(installation(5))
      await dialog.getByLabel('Name of the computer').fill('Lab')
      await dialog.getByRole('button', { name: 'Take 1 seat' }).click()
      await page.getByText('License for My Desktop App').waitFor()
      assert.equal((await licensing.licenseKeys.get('desktop-app', id)).seatsUsed, 1)
      await page.getByRole('link', { name: 'Open the license key' }).click()
      await page.getByText('1 of 2 seats are taken').waitFor()
      await page.getByRole('button', { name: 'Change seats or end…' }).click()
      await dialog.getByLabel('Seats').fill('3')
      await dialog.getByRole('button', { name: /^Give it 3 seats/ }).click()
      await page.getByText('1 of 3 seats are taken').waitFor()
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByText('1 of 2 seats are taken').waitFor()
      await page.getByRole('button', { name: 'Release the seat of Lab' }).click()
      await dialog.getByRole('button', { name: 'Release 1 seat' }).click()
      await page.getByText('None of its 2 seats is taken').waitFor()
      await page.getByRole('button', { name: 'Revoke…' }).click()
      await dialog.getByRole('button', { name: 'Revoke the license key' }).click()
      await page.getByRole('button', { name: 'Reinstate it' }).waitFor()
      assert.equal((await licensing.licenseKeys.get('desktop-app', id)).status, 'revoked')
      await page.getByRole('button', { name: 'Undo' }).last().click()
      await page.getByRole('button', { name: 'New text…' }).click()
      await dialog.getByRole('button', { name: 'Replace the text' }).click()
      // Nothing undoes it, so an empty field holds the act back.
      assert.equal((await licensing.licenseKeys.get('desktop-app', id, { include: 'key' })).key, key)
      await dialog.getByLabel(/^Type /).fill(key.slice(-4))
      await dialog.getByRole('button', { name: 'Replace the text' }).click()
      await page.getByText('The license key has a new text.').waitFor()
      assert.notEqual((await licensing.licenseKeys.get('desktop-app', id, { include: 'key' })).key, key)
      checkQuiet(visited, address)
      await context.close()
    }))

  test('the text of a license key comes at a click, masked, goes after a minute, and is in the audit log', () =>
    whileServed('', async ({ address, licensing, secret, customer }) => {
      const { id, key } = await licensing.licenseKeys.create('desktop-app', {
        customerId: customer.id,
        tierId: 'pro',
        durationDays: 30,
      })
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await page.clock.install()
      await page.goto(`${address}/dashboard#/apps/desktop-app/license-keys/${id}`)
      await page.getByRole('button', { name: 'Fetch its text' }).click()
      const box = page.getByRole('group', { name: 'Text of the license key' })
      await box.getByText(`••••${key.slice(-4)}`).waitFor()
      assert.equal((await page.content()).includes(key), false)
      await box.getByRole('button', { name: 'Show' }).click()
      await box.getByText(key).waitFor()
      await page.clock.fastForward(61_000)
      await page.getByRole('button', { name: 'Fetch its text' }).waitFor()
      assert.equal((await page.content()).includes(key), false)
      const { data } = await licensing.audit.list('desktop-app', { action: 'license_key.revealed' })
      assert.equal(data.length, 1)
      await context.close()
    }))

  test('text of customers is text on the pages of license keys and of reasons', () =>
    whileServed('', async ({ address, licensing, secret, customer }) => {
      const markup = '<img src=x onerror=alert(1)>'
      await licensing.customers.update('desktop-app', customer.id, { name: markup })
      await licensing.tiers.update('desktop-app', 'pro', { name: markup })
      const { id, key } = await licensing.licenseKeys.create('desktop-app', {
        customerId: customer.id,
        tierId: 'pro',
        durationDays: 30,
        name: markup,
        externalId: markup,
      })
      const { license } = await licensing.licenseKeys.activate('desktop-app', key, {
        installationId: installation(1),
        name: markup,
      })
      await licensing.licenses.revoke('desktop-app', license.id, { reason: markup })
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      const places = [
        'apps/desktop-app/license-keys',
        `apps/desktop-app/license-keys/${id}`,
        `why/${license.id}`,
      ]
      for (const place of places) {
        await page.goto(`${address}/dashboard#/${place}`)
        await page.locator('main').getByText('<img src=x').first().waitFor()
        assert.equal(await page.locator('img').count(), 0)
      }
      checkQuiet(visited, address)
      await context.close()
    }))

  test('the pages of licenses, license keys and reasons can be used by everybody, in every look', () =>
    whileServed('', async ({ address, licensing, secret, customer, issue }) => {
      const { id: good } = await issue()
      const { id: revoked, token } = await issue()
      await licensing.licenses.revoke('desktop-app', revoked, { reason: 'Refunded' })
      await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
      const { id, key } = await licensing.licenseKeys.create('desktop-app', {
        customerId: customer.id,
        tierId: 'pro',
        seats: 2,
        durationDays: 30,
        name: 'Order 9100',
      })
      const seat = { installationId: installation(9), name: 'Office PC' }
      await licensing.licenseKeys.activate('desktop-app', key, seat)
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await page.goto(`${address}/dashboard#/why`)
      await page.getByLabel('What the customer sent').fill(token ?? '')
      await page.getByRole('button', { name: 'Ask' }).click()
      await page.locator('.program .verdict').waitFor()
      await checkAccess(page, 'a revoked license')
      const places = [
        `why/${good}`,
        `why/${customer.id}`,
        'apps/desktop-app/license-keys',
        `apps/desktop-app/license-keys/${id}`,
      ]
      for (const place of places) {
        await page.goto(`${address}/dashboard#/${place}`)
        await page.locator('main h1').waitFor()
        await page.waitForLoadState('networkidle')
        await checkAccess(page, place)
      }
      await page.getByRole('button', { name: 'Fetch its text' }).click()
      await page.getByRole('button', { name: 'New text…' }).click()
      await checkAccess(page, 'a dialog')
      checkQuiet(visited, address)
      await context.close()
    }))
})
