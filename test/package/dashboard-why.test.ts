import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { day, installation, type Shop } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import {
  checkQuiet,
  clipboardOf,
  keptIn,
  newContext,
  signIn,
  visit,
  whileServed,
  type Visit,
} from './dashboard-desk.ts'

let browser: Browser

/** A clock of the server that a test sets back, so that licenses can be old. */
function shiftedClock() {
  let days = 0
  return {
    now: () => Date.now() + days * day * 1000,
    goTo: (to: number): void => void (days = to),
  }
}

async function paste({ page }: Visit, text: string): Promise<void> {
  await page.getByLabel('What the customer sent').fill(text)
  await page.getByRole('button', { name: 'Find' }).click()
}

/** A token as mail programs deliver it. */
function asMailed(token: string): string {
  return `> "${token.replace(/(.{70})/g, '$1\n> ')}"`
}

/** A license of a year that ended 35 days ago, with the token of its program. */
async function issueEnded(
  { licensing, issue }: Shop,
  clock: ReturnType<typeof shiftedClock>,
): Promise<{ readonly id: string; readonly token: string }> {
  clock.goTo(-400)
  const { id, token } = await issue({ durationDays: 365 })
  await licensing.licenses.update('desktop-app', id, { name: 'MacBook' })
  clock.goTo(0)
  return { id, token: token ?? '' }
}

const stateOf = (page: Page) => page.locator('.program .verdict')

const what = 'why and licenses in the dashboard'

describe(what, { skip: lackingBrowser(what) }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  for (const prefix of ['/a/b', '']) {
    const who = prefix === '' ? 'a person with the key of a support desk' : 'behind a proxy, a person'
    test(`flow A: ${who} pastes a token, sees where it stops, extends the license and has the new token`, async () => {
      const clock = shiftedClock()
      await whileServed(
        prefix,
        async (desk) => {
          const { address, licensing } = desk
          const { id, token } = await issueEnded(desk, clock)
          const { secret } = await licensing.apiKeys.create({ name: 'Ben', preset: 'support' })
          const context = await newContext(browser)
          const visited = await visit(context, `${address}/dashboard`)
          const { page } = visited
          await signIn(visited, prefix === '' ? secret : desk.secret)
          await paste(visited, asMailed(token))
          await page.getByRole('heading', { name: 'The token ended', exact: false, level: 1 }).waitFor()
          await page.getByRole('heading', { name: 'Stopped here: The token ended' }).waitFor()
          assert.equal(await page.locator('.rung[data-state=passed]').count(), 7)
          assert.ok((await page.locator('.rung[data-state=not_reached]').count()) >= 4)
          await stateOf(page).getByText('expired').waitFor()
          assert.ok(page.url().endsWith(`#/why/${id}`), page.url())
          const kept = await keptIn(page)
          const [, , signature = ''] = token.split('.')
          // The pasted text has the marks of a mail between its lines.
          for (const text of [kept, await page.content()])
            assert.equal(text.replace(/\s|>|&gt;/g, '').includes(signature.slice(0, 40)), false)
          await page.getByRole('button', { name: /^Extend to/ }).click()
          await page.getByText(/^It is good until/).waitFor()
          await page.getByRole('button', { name: 'Copy token' }).click()
          await page.getByText('The token is copied.').waitFor()
          assert.equal(await clipboardOf(page), await licensing.licenses.token('desktop-app', id))
          await page.goto(`${address}/dashboard#/apps/desktop-app/licenses/${id}`)
          await page.getByRole('heading', { name: 'History' }).waitFor()
          const isSupport = prefix === ''
          await page.getByText(isSupport ? 'it lacks audit:read' : /End: .* → /).waitFor()
          checkQuiet(visited, address)
          await context.close()
        },
        clock.now,
      )
    })
  }

  test('flow A by the keyboard alone', async () => {
    const clock = shiftedClock()
    await whileServed(
      '',
      async (desk) => {
        const { address, licensing, secret } = desk
        const { id, token } = await issueEnded(desk, clock)
        const context = await newContext(browser)
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        const { keyboard } = page
        await keyboard.press('Tab')
        await keyboard.type(secret)
        await keyboard.press('Enter')
        await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
        await keyboard.press('/')
        await keyboard.insertText(token)
        await keyboard.press('Enter')
        await page.getByRole('button', { name: /^Extend to/ }).waitFor()
        // The heading has the focus, so that a screen reader begins with the verdict.
        assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), /^The token ended/)
        const reach = async (name: RegExp): Promise<void> => {
          for (let count = 0; count < 40; count++) {
            if (name.test(await page.evaluate(() => document.activeElement?.textContent ?? ''))) return
            await keyboard.press('Tab')
          }
          assert.fail(`Tab does not reach ${name}`)
        }
        await reach(/^Extend to/)
        await keyboard.press('Enter')
        await page.getByRole('button', { name: 'Copy token' }).waitFor()
        await reach(/^\s*Copy token$/)
        await keyboard.press('Enter')
        await page.getByText('The token is copied.').waitFor()
        assert.equal(await clipboardOf(page), await licensing.licenses.token('desktop-app', id))
        await context.close()
      },
      clock.now,
    )
  })

  test('the real client shows what a program knows: a revocation only after it reached its server, an end by its clock', () =>
    whileServed('', async ({ address, licensing, secret, issue }) => {
      const { id, token } = await issue({ durationDays: 10 })
      await licensing.licenses.revoke('desktop-app', id, { reason: 'Refunded' })
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await paste(visited, token ?? '')
      await page.getByRole('heading', { name: 'The license was revoked', exact: false, level: 1 }).waitFor()
      await stateOf(page).getByText('revoked').waitFor()
      const offline = page.getByLabel('Last reached the server')
      await offline.fill('3')
      await stateOf(page).getByText('active').waitFor()
      await page.getByLabel('Its clock').fill('12')
      await stateOf(page).getByText('revoked').waitFor()
      await offline.fill('13')
      await stateOf(page).getByText('grace').waitFor()
      await page.getByLabel('Its clock').fill('18')
      await stateOf(page).getByText('revoked').waitFor()
      await page.getByRole('button', { name: 'Back to now' }).click()
      await page.getByLabel('Ends offline').selectOption('7')
      await page.getByRole('button', { name: 'Reinstate the license' }).click()
      await page.getByRole('heading', { name: 'The server accepts it.', level: 1 }).waitFor()
      await offline.fill('0')
      await stateOf(page).getByText('active').waitFor()
      await page.getByText('here is a new token').waitFor()
      await page.getByLabel('Its clock').fill('8')
      await offline.fill('8')
      await stateOf(page).getByText('grace').waitFor()
      // At the contact its token was renewed, so it is young again.
      await offline.fill('0')
      await stateOf(page).getByText('active').waitFor()
      checkQuiet(visited, address)
      await context.close()
    }))

  test('a program that was built with a retired key follows the changes of keys, or says that it needs an update', () =>
    whileServed('', async ({ address, licensing, secret, issue }) => {
      const { id } = await issue()
      await licensing.rotateKeys('desktop-app')
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await paste(visited, (await licensing.licenses.token('desktop-app', id)) ?? '')
      await stateOf(page).getByText('active').waitFor()
      const keys = page.getByLabel('Built with')
      const retired = await keys.locator('option', { hasText: 'a retired key' }).getAttribute('value')
      await keys.selectOption(retired)
      await stateOf(page).getByText('invalid').waitFor()
      await page.getByLabel('Follows key changes').check()
      await stateOf(page).getByText('active').waitFor()
      checkQuiet(visited, address)
      await context.close()
    }))

  test('a link with an id shows the ladder of the license, several licenses are to choose from, and a secret goes nowhere', () =>
    whileServed('', async ({ address, licensing, secret, customer, issue }) => {
      const [one, other] = [await issue(), await issue()]
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page, requested } = visited
      await signIn(visited, secret)
      await page.goto(`${address}/dashboard#/why/${one.id}`)
      await page.getByRole('heading', { name: 'The server accepts it.' }).waitFor()
      await page.getByRole('button', { name: 'Run it with the newest token' }).click()
      await stateOf(page).getByText('active').waitFor()
      await page.getByRole('link', { name: 'Ask about something else' }).click()
      await page.getByLabel('What the customer sent').fill(customer.id)
      await page.getByLabel('What the customer sent').press('Enter')
      await page.getByRole('heading', { name: 'It leads to 2 things.' }).waitFor()
      await page.getByRole('link', { name: other.id }).click()
      await page.getByRole('heading', { name: 'The server accepts it.' }).waitFor()
      assert.ok(page.url().endsWith(`#/why/${other.id}`), page.url())
      await page.goto(`${address}/dashboard#/why`)
      await page.getByRole('button', { name: 'Ask' }).waitFor()
      await page.waitForLoadState('networkidle')
      const before = requested.length
      for (const text of [
        `key: ${secret}`,
        'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
        '-----BEGIN PRIVATE KEY-----',
      ]) {
        await page.getByLabel('What the customer sent').fill(text)
        await page.getByRole('button', { name: 'Ask' }).click()
        await page.getByText('This is a secret').waitFor()
      }
      assert.deepEqual(requested.slice(before), [])
      assert.equal((await page.content()).includes(secret), false)
      // Whoever leaves the page leaves no token behind.
      await page.getByLabel('What the customer sent').fill(one.token ?? '')
      await page.getByRole('button', { name: 'Ask' }).click()
      await page.getByText('Pasted').waitFor()
      await page.goto(`${address}/dashboard#/`)
      await page.getByRole('heading', { name: 'Whom can we help?' }).waitFor()
      await page.goto(`${address}/dashboard#/why`)
      await page.getByRole('button', { name: 'Ask' }).waitFor()
      assert.equal(await licensing.licenses.get('desktop-app', one.id).then(({ status }) => status), 'active')
      checkQuiet(visited, address)
      await context.close()
    }))

  test('flow B at /x: a move shows the license in the way, and then gives the text of a mail with the new token', () =>
    whileServed('/x', async ({ address, licensing, secret, issue }) => {
      const { id } = await issue()
      const other = await issue()
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await page.goto(`${address}/dashboard#/apps/desktop-app/licenses/${id}`)
      await page.getByRole('button', { name: 'Move to another computer…' }).click()
      await page.getByLabel('Id of the new installation').fill(other.installationId)
      await page.getByRole('button', { name: 'Move the license' }).click()
      await page.getByText('Another good license is on that installation').waitFor()
      const link = page.getByRole('dialog').getByRole('link', { name: other.id })
      assert.equal(await link.getAttribute('href'), `#/apps/desktop-app/licenses/${other.id}`)
      await page.getByLabel('Id of the new installation').fill(` ${installation(77).toUpperCase()} `)
      await page.getByRole('button', { name: 'Move the license' }).click()
      await page.getByRole('heading', { name: 'Send the customer the new token' }).waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Copy mail text' }).click()
      await page.getByText('The text is copied.').waitFor()
      const { installationId, token } = await licensing.licenses.get('desktop-app', id, { include: 'token' })
      assert.equal(installationId, installation(77))
      const mail = await clipboardOf(page)
      assert.ok(mail.includes('My Desktop App') && mail.includes(token ?? 'none'))
      // A refused move is a 409, which a browser notes in its console.
      const [note, ...rest] = visited.problems.splice(0)
      assert.match(note ?? '', /409/)
      assert.deepEqual(rest, [])
      checkQuiet(visited, address)
      await context.close()
    }))

  test('flow C: another tier shows the claims before and after, and can be undone', () =>
    whileServed('', async ({ address, licensing, secret, issue }) => {
      await licensing.tiers.create('desktop-app', {
        name: 'Team',
        slug: 'team',
        features: ['api_access', 'sso'],
      })
      await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
      const { id } = await issue()
      const context = await newContext(browser)
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await page.goto(`${address}/dashboard#/apps/desktop-app/licenses/${id}`)
      await page.getByRole('button', { name: 'Change tier…' }).click()
      const dialog = page.getByRole('dialog')
      assert.equal(await dialog.locator('ins').first().innerText(), 'Team')
      assert.match(await dialog.locator('ins .added').innerText(), /sso$/)
      await dialog.getByText('never seen').waitFor()
      await dialog.getByRole('button', { name: 'Change to Team' }).click()
      await page.getByText('It has the tier Team now.').waitFor()
      assert.deepEqual((await licensing.licenses.get('desktop-app', id)).features, ['api_access', 'sso'])
      await page.getByText('Tier: pro → team').waitFor()
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByText('It is as it was.').waitFor()
      assert.equal((await licensing.licenses.get('desktop-app', id)).tier, 'pro')
      checkQuiet(visited, address)
      await context.close()
    }))
})
