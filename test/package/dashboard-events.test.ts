import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { Webhook } from 'standardwebhooks'
import { deliveryOf } from '../../src/core/runtime/events.ts'
import { startDelivery, type WebhookRequest } from '../../src/webhooks/index.ts'
import { somewhere } from '../webhooks/receivers.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkAccess, checkQuiet, keptIn, signIn, visit, whileServed, type Desk } from './dashboard-desk.ts'

const now = (): number => Math.floor(Date.now() / 1000)
const receiver = 'https://shop.example.com/licenses'

/** A desk whose app has a webhook, and the delivery to a receiver that a test directs. */
interface EventDesk extends Desk {
  readonly sent: readonly WebhookRequest[]
  /** Sets the status that the receiver responds with; `null` for no connection. */
  respond(status: number | null): void
  /** Resolves when no event waits for its first attempt. */
  settled(): Promise<void>
}

/** Serves a dashboard with a running delivery. Its receiver is a function, so that no packet leaves the computer. */
function whileDelivering(prefix: string, work: (desk: EventDesk) => Promise<void>): Promise<void> {
  return whileServed(prefix, async (desk) => {
    const { licensing } = desk
    await licensing.apps.update('desktop-app', { webhookUrl: receiver })
    const sent: WebhookRequest[] = []
    let status: number | null = 204
    const connect = async (request: WebhookRequest) => {
      sent.push(request)
      if (status === null) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      return { status, retryAfter: null }
    }
    const delivery = startDelivery(licensing, { connect, resolve: somewhere, pauses: [], pollMs: 20 })
    const settled = async (): Promise<void> => {
      for (;;) {
        const { total } = await licensing.webhooks.deliveries('desktop-app', { state: 'pending', perPage: 1 })
        if (total === 0) return
        await new Promise((wait) => setTimeout(wait, 10))
      }
    }
    try {
      await work({ ...desk, sent, respond: (next) => (status = next), settled })
    } finally {
      await delivery.stop()
    }
  })
}

async function openWebhooks(page: Page, address: string, query = '', app = 'desktop-app'): Promise<void> {
  await page.goto(`${address}/dashboard#/apps/${app}/webhooks${query}`)
  await page.locator('main h1').waitFor()
  await page.locator('main .skeleton').waitFor({ state: 'detached' })
}

let browser: Browser

describe('webhooks in the dashboard', { skip: lackingBrowser('webhooks in the dashboard') }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  for (const prefix of ['', '/x', '/a/b'])
    test(`${prefix || 'at the root'}: failed deliveries stand by cause, are looked at, and are sent again, one and all`, () =>
      whileDelivering(prefix, async ({ address, licensing, secret, issue, sent, respond, settled }) => {
        respond(500)
        for (let count = 0; count < 3; count++) await issue()
        await settled()
        respond(null)
        const { id: licenseId } = await issue()
        await settled()
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.getByRole('link', { name: /My Desktop App/ }).click()
        await page.getByRole('link', { name: 'Webhooks' }).click()
        await page.getByText('4 events failed').waitFor()
        const causes = page.getByRole('list', { name: 'Why they failed' }).getByRole('listitem')
        assert.match(
          (await causes.allInnerTexts()).join('|'),
          /answered 500[^|]*3 events.*\|.*ECONNREFUSED[^|]*1 event/s,
        )
        await page.getByRole('link', { name: /ECONNREFUSED/ }).click()
        await page.getByRole('button', { name: 'Retry this one' }).waitFor()
        await page.getByRole('link', { name: 'license.created' }).click()
        await page.getByText('Given up after 1 attempt').waitFor()
        const body = await page.getByRole('region', { name: 'What was sent' }).innerText()
        assert.equal((JSON.parse(body) as { data: { license_id: string } }).data.license_id, licenseId)
        respond(204)
        await page.getByRole('button', { name: 'Send it again' }).click()
        await page.getByText('It arrived at the first attempt').waitFor()
        assert.equal(sent.at(-1)?.headers['webhook-id'], sent[3]?.headers['webhook-id'])
        await page.getByRole('link', { name: 'Webhooks' }).first().click()
        await page.getByRole('button', { name: 'Retry these 3' }).click()
        await page.getByText('3 arrived, 0 failed again, 0 wait').waitFor()
        await page.getByText('All 4 events of the last 30 days arrived.').waitFor()
        const { total } = await licensing.webhooks.deliveries('desktop-app', { state: 'delivered' })
        assert.equal(total, 4)
        checkQuiet(visited, address)
        await context.close()
      }))

  test('a test event shows the answer; a receiver that is gone switches the webhook off, and the page switches it on', () =>
    whileDelivering('', async ({ address, licensing, secret, respond, sent }) => {
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await openWebhooks(page, address)
      await page.getByText('No event was sent').waitFor()
      await page.getByRole('button', { name: 'Send a test event' }).click()
      await page.getByText(/The receiver answered 204 after [\d.,]+ m?s/).waitFor()
      await page.getByRole('button', { name: 'Show the secret' }).click()
      await page.getByRole('group', { name: 'Secret of the signatures' }).waitFor()
      await page.getByRole('button', { name: 'Show', exact: true }).click()
      const shown = await page
        .getByRole('group', { name: 'Secret of the signatures' })
        .locator('code')
        .innerText()
      const [{ body, headers }] = sent as [WebhookRequest]
      assert.deepEqual(Object.keys(new Webhook(shown).verify(body, { ...headers }) as object)[0], 'type')
      respond(410)
      await page.getByRole('button', { name: 'Send a test event' }).click()
      await page.getByText('The receiver answered 410').waitFor()
      await page.getByText(/^Switched off/).waitFor()
      await page.getByText('Switch the webhook on first').waitFor()
      assert.equal(await page.getByRole('button', { name: /Retry|test event/ }).count(), 0)
      await page.getByRole('button', { name: 'Switch it on' }).click()
      await page.getByRole('button', { name: 'Retry this one' }).waitFor()
      assert.equal((await licensing.apps.get('desktop-app')).webhookDisabledAt, null)
      checkQuiet(visited, address)
      await context.close()
    }))

  test('the secret is fetched at the click, masked, gone after a minute, and kept nowhere; a roll without overlap asks for the name', () =>
    whileDelivering('', async ({ address, licensing, secret }) => {
      const context = await browser.newContext()
      await context.clock.install()
      const visited = await visit(context, `${address}/dashboard`)
      const { page, requested } = visited
      await signIn(visited, secret)
      await openWebhooks(page, address)
      await page.getByRole('button', { name: 'Show the secret' }).waitFor()
      assert.equal(
        requested.some((url) => url.endsWith('/webhook-secret')),
        false,
      )
      await page.getByRole('button', { name: 'Show the secret' }).click()
      const held = page.getByRole('group', { name: 'Secret of the signatures' })
      await held.waitFor()
      const { secret: whsec } = await licensing.webhooks.secret('desktop-app')
      assert.equal((await page.content()).includes(whsec), false)
      await held.getByRole('button', { name: 'Show' }).click()
      assert.equal(await held.locator('code').innerText(), whsec)
      assert.equal((await keptIn(page)).includes(whsec), false)
      await context.clock.fastForward(61_000)
      await held.waitFor({ state: 'detached' })
      assert.equal((await page.content()).includes(whsec), false)
      await page.getByRole('button', { name: 'Roll the secret…' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Both sign for').selectOption('0')
      await dialog.getByLabel(/Type desktop-app/).fill('desktop')
      await dialog.getByRole('button', { name: /the old one ends now/ }).click()
      assert.equal((await licensing.webhooks.secret('desktop-app')).secret, whsec)
      await dialog.getByLabel(/Type desktop-app/).fill('desktop-app')
      await dialog.getByRole('button', { name: /the old one ends now/ }).click()
      await page.getByRole('group', { name: 'New secret of the signatures' }).waitFor()
      const rolled = await licensing.webhooks.secret('desktop-app')
      assert.notEqual(rolled.secret, whsec)
      assert.equal(rolled.previousExpiresAt, null)
      checkQuiet(visited, address)
      await context.close()
    }))

  test('a support key looks and does not act, and the page says why; a pk_ key is told that deliveries are not for it', () =>
    whileDelivering('', async ({ address, licensing, issue, respond, settled }) => {
      respond(500)
      await issue()
      await settled()
      const { secret } = await licensing.apiKeys.create({ name: 'Ben', preset: 'support' })
      const { secret: reader } = await licensing.apiKeys.create({ name: 'Eve', preset: 'auditor' })
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      await openWebhooks(page, address)
      await page.getByText('it needs the scope webhooks:write').waitFor()
      assert.equal(await page.getByRole('button', { name: /Retry|Send|secret|address/ }).count(), 0)
      await page.getByRole('link', { name: 'license.created' }).click()
      await page.getByText('Given up after 1 attempt').waitFor()
      assert.equal(await page.getByRole('button', { name: 'Send it again' }).count(), 0)
      checkQuiet(visited, address)
      await context.close()
      const other = await browser.newContext()
      const second = await visit(other, `${address}/dashboard`)
      await signIn(second, reader)
      await openWebhooks(second.page, address)
      await second.page.getByText('Deliveries are for sk_ keys').waitFor()
      checkQuiet(second, address)
      await other.close()
    }))

  const markup = '<img src=x onerror=alert(1)>"\'</pre><script>alert(1)</script>'

  test('markup in a payload, an error, an address or the query is text, runs nothing, and comes into no command', () =>
    whileDelivering('', async ({ address, app, licensing, secret, storage }) => {
      const record = await storage.findApp(app.id)
      assert.ok(record)
      const event = {
        id: 'evt_01kfnb5vq2e8m8b0wd4y6c1s9r',
        type: 'webhook.test',
        time: now(),
        appId: app.id,
        app: app.slug,
        data: {},
      } as const
      const delivery = deliveryOf('whd_01kfnb5vq2e8m8b0wd4y6c1s9r', event, record)
      await storage.insertDelivery({
        ...delivery,
        payload: JSON.stringify({ type: markup, data: { name: markup } }),
        state: 'failed',
        dueAt: null,
        attempts: 1,
        lastError: markup,
        lastAttempts: [{ attemptedAt: now(), status: null, error: markup, durationMs: 5 }],
      })
      await licensing.apps.update('desktop-app', {
        name: markup,
        webhookUrl: `${receiver}/<img/src=x/onerror=alert(1)>`,
      })
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      const query = new URLSearchParams({ error: markup, type: markup, license: markup, state: markup })
      for (const place of ['', `?${query}`, `/${delivery.id}`]) {
        await openWebhooks(page, address, place)
        await page.locator('main').getByText('<img').filter({ visible: true }).first().waitFor()
        assert.equal(await page.locator('main img, main script').count(), 0)
      }
      await page.getByRole('button', { name: 'As it was sent', exact: true }).click()
      await page.getByRole('region', { name: 'What was sent' }).getByText('<img').waitFor()
      assert.equal(await page.locator('main img, main script').count(), 0)
      // Whoever follows a foreign link must not copy a foreign command.
      await openWebhooks(
        page,
        address,
        `?${new URLSearchParams({ license: '$(reboot)', state: '$(reboot)' })}`,
      )
      for (const form of ['curl', 'TypeScript', 'command line']) {
        await page.getByRole('button', { name: form }).click()
        const code = await page.getByRole('region', { name: form }).innerText()
        assert.match(code, /deliveries/)
        assert.equal(code.includes('reboot'), false, code)
      }
      checkQuiet(visited, address)
      await context.close()
    }))

  test('every page about webhooks can be used by everybody, in every look', () =>
    whileDelivering('', async ({ address, licensing, secret, issue, respond, settled }) => {
      await licensing.apps.create({ name: 'Silent', slug: 'silent' })
      await issue()
      respond(410)
      await issue()
      await settled()
      const { data } = await licensing.webhooks.deliveries('desktop-app')
      const context = await browser.newContext()
      const visited = await visit(context, `${address}/dashboard`)
      const { page } = visited
      await signIn(visited, secret)
      for (const place of ['', '?state=delivered', ...data.map(({ id }) => `/${id}`)]) {
        await openWebhooks(page, address, place)
        await page.locator('main h2').first().waitFor()
        await checkAccess(page, place)
      }
      await openWebhooks(page, address)
      await page.getByRole('button', { name: 'Show the secret' }).click()
      await page.getByRole('group', { name: 'Secret of the signatures' }).waitFor()
      await page.getByRole('button', { name: 'Roll the secret…' }).click()
      await checkAccess(page, 'secret and dialog')
      await openWebhooks(page, address, '', 'silent')
      await page.getByRole('button', { name: 'Set the address…' }).waitFor()
      await checkAccess(page, 'without an address')
      checkQuiet(visited, address)
      await context.close()
    }))
})
