import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { day } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkAccess, checkQuiet, keptIn, signIn, visit, whileServed } from './dashboard-desk.ts'

async function open(page: Page, address: string, place = ''): Promise<void> {
  await page.goto(`${address}/dashboard#/api-keys${place}`)
  await page.locator('main h1').waitFor()
  await page.locator('main .skeleton').waitFor({ state: 'detached' })
}

let browser: Browser

describe('API keys in the dashboard', { skip: lackingBrowser('API keys in the dashboard') }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  for (const prefix of ['', '/x', '/a/b'])
    test(`${prefix || 'at the root'}: a person is invited by a link, signs in once, and has the rights of the preset`, () =>
      whileServed(prefix, async ({ address, licensing, secret }) => {
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.getByRole('link', { name: 'API keys and people' }).click()
        await page.getByRole('link', { name: 'New key or person…' }).click()
        await page.getByLabel('Name').fill('Ben, support')
        await page.getByRole('button', { name: 'Invite with 6 rights' }).click()
        const held = page.getByRole('group', { name: 'Link for Ben, support' })
        await held.getByRole('button', { name: 'Show' }).click()
        const link = await held.locator('code').innerText()
        assert.ok(link.startsWith(`${address}/dashboard#/in/`), link)
        assert.equal((await keptIn(page)).includes(link.split('#/in/')[1] ?? ''), false)
        const [made] = (await licensing.apiKeys.list()).data
        assert.deepEqual([made?.name, made?.scopes?.length], ['Ben, support', 6])
        checkQuiet(visited, address)
        const other = await browser.newContext()
        const guest = await visit(other, link)
        await guest.page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
        await guest.page.locator('summary', { hasText: 'Ben, support' }).waitFor()
        assert.equal(await guest.page.getByRole('link', { name: 'API keys and people' }).count(), 0)
        await open(guest.page, address)
        await guest.page.getByText('Only a secret key').waitFor()
        checkQuiet(guest, address)
        await other.close()
        await context.close()
      }))

  test('the key of a program is shown once, masked, gone after a minute, and kept nowhere', () =>
    whileServed('', async ({ address, licensing, secret }) => {
      const context = await browser.newContext()
      await context.clock.install()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await open(page, address, '/new')
      await page.getByLabel('Name').fill('Web shop')
      await page.getByLabel('A program, which gets the key').check()
      await page.getByLabel(/^Payments/).check()
      await page.getByLabel('Where?').selectOption('desktop-app')
      await page.getByRole('button', { name: 'Create a key with 4 rights' }).click()
      const held = page.getByRole('group', { name: 'The key' })
      await held.waitFor()
      const masked = await held.locator('code').innerText()
      const { lastFour, app } = (await licensing.apiKeys.list()).data[0]!
      assert.equal(masked, `sk_live_••••••••••••${lastFour}`)
      assert.equal(app, 'desktop-app')
      await held.getByRole('button', { name: 'Show' }).click()
      const text = await held.locator('code').innerText()
      assert.equal((await licensing.apiKeys.authenticate(text))?.name, 'Web shop')
      assert.equal((await keptIn(page)).includes(text), false)
      await context.clock.fastForward(61_000)
      await held.waitFor({ state: 'detached' })
      assert.equal((await page.content()).includes(text), false)
      await page.getByRole('link', { name: 'To the key' }).click()
      await page.getByText('was last used').waitFor()
      assert.equal((await page.content()).includes(text), false)
      checkQuiet(visited, address)
      await context.close()
    }))

  test('a key is rolled with an overlap, and revoked by whoever types its name', () =>
    whileServed('', async ({ address, licensing, secret }) => {
      const { id, secret: old } = await licensing.apiKeys.create({ name: 'Build server' })
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await open(page, address, `/${id}`)
      await page.getByRole('button', { name: 'Roll…' }).click()
      await page.getByRole('button', { name: 'Roll it, the old one works for a day' }).click()
      const held = page.getByRole('group', { name: 'New key' })
      await held.getByRole('button', { name: 'Show' }).click()
      const text = await held.locator('code').innerText()
      assert.notEqual(await licensing.apiKeys.authenticate(text), null)
      assert.notEqual(await licensing.apiKeys.authenticate(old), null)
      await page.getByRole('button', { name: 'Revoke…' }).click()
      const dialog = page.getByRole('dialog')
      const revoke = dialog.getByRole('button', { name: 'Revoke Build server for ever' })
      await revoke.click()
      await dialog.getByLabel('Type Build server').fill('Build')
      await revoke.click()
      assert.notEqual(await licensing.apiKeys.authenticate(old), null)
      await dialog.getByLabel('Type Build server').fill('Build server')
      await revoke.click()
      await page.getByText(/^It was revoked/).waitFor()
      assert.equal(await licensing.apiKeys.authenticate(old), null)
      assert.equal(await page.getByRole('button', { name: /Roll|Revoke|Invite/ }).count(), 0)
      checkQuiet(visited, address)
      await context.close()
    }))

  test('a session with keys:write is offered no key that may do more than itself, and the server makes none', () =>
    whileServed('', async ({ address, licensing, keyId }) => {
      const scopes = ['catalogue:read', 'customers:read', 'keys:write'] as const
      const { secret } = await licensing.apiKeys.create({ name: 'Office', scopes })
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await open(page, address)
      await page.getByRole('link', { name: 'Office' }).waitFor()
      assert.equal(await page.getByRole('link', { name: 'Ana, support' }).count(), 0)
      await page.getByText('Keys that may do more than yours are not here').waitFor()
      await open(page, address, `/${keyId}`)
      await page.getByText('No key of this id').waitFor()
      await open(page, address, '/new')
      await page.getByText('You can give what your own key may do').waitFor()
      assert.equal(await page.getByLabel(/^(Support|Payments|Auditor|Everything)/).count(), 0)
      const offered = await page.getByRole('group', { name: 'Rights' }).getByRole('checkbox').count()
      assert.equal(offered, scopes.length)
      assert.deepEqual(visited.problems, [])
      const statuses = await page.evaluate(async (id) => {
        const post = async (path: string, body: object): Promise<number> => {
          const headers = { 'content-type': 'application/json' }
          const init = { method: 'POST', headers, body: JSON.stringify(body) }
          return (await fetch(`api/v1/api-keys${path}`, init)).status
        }
        return [
          await post('', {}),
          await post('', { preset: 'support' }),
          await post(`/${id}/invite`, {}),
          await post(`/${id}/roll`, {}),
          await post('', { scopes: ['customers:read'] }),
        ]
      }, keyId)
      assert.deepEqual(statuses, [403, 403, 404, 404, 201])
      await context.close()
    }))

  const markup = '<img src=x onerror=alert(1)>"\'</title><script>alert(1)</script>'

  test('every page about keys can be used by everybody in every look, and markup in a name is text', () =>
    whileServed('', async ({ address, licensing, secret }) => {
      const { id } = await licensing.apiKeys.create({ name: markup, preset: 'support' })
      await licensing.apiKeys.create({ name: 'Trial', expiresAt: Math.floor(Date.now() / 1000) + 3 * day })
      const { id: over } = await licensing.apiKeys.create({ name: 'Old' })
      await licensing.apiKeys.revoke(over)
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      for (const place of ['', '?show=over', `/${over}`, `/${id}`, '/new']) {
        await open(page, address, place)
        await page.locator('main h1').waitFor()
        await checkAccess(page, place)
      }
      await page.getByLabel(/^Some rights/).check()
      await checkAccess(page, 'the list of rights')
      await open(page, address, `/${id}`)
      await page.getByRole('heading', { name: '<img src=x' }).waitFor()
      await page.getByRole('button', { name: 'Invite by a link' }).click()
      await page.getByRole('group', { name: /^Link for/ }).waitFor()
      await page.getByRole('button', { name: 'Revoke…' }).click()
      await checkAccess(page, 'secret and dialog')
      assert.equal(await page.locator('main img, main script, dialog img').count(), 0)
      checkQuiet(visited, address)
      await context.close()
    }))
})
