import { Elysia } from 'elysia'
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { routes } from '../../src/adapters/routes/index.ts'
import { newShopServer, type TestServer } from '../adapters/test-server.ts'
import { whileListening } from '../adapters/listening.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { run, runtimes, type Runtime } from './programs.ts'

/** An open page, its requests and its errors. */
interface Visit {
  readonly page: Page
  readonly requested: readonly string[]
  readonly problems: readonly string[]
}

let browser: Browser

async function open(address: string): Promise<Visit> {
  const page = await browser.newPage()
  page.setDefaultTimeout(10_000)
  const requested: string[] = []
  const problems: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`))
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  await page.goto(address, { waitUntil: 'networkidle' })
  return { page, requested, problems }
}

async function authorize(page: Page, key: string): Promise<void> {
  await page.getByRole('button', { name: 'Authorize' }).first().click()
  await page.locator('.auth-container input').fill(key)
  await page.locator('.auth-btn-wrapper .authorize').click()
  await page.locator('.auth-btn-wrapper .btn-done').click()
}

/** Makes the page send a request. Resolves to the status that it shows. */
async function tryOut(page: Page, operation: string): Promise<string> {
  const block = page.locator(`[id$="-${operation}"]`)
  await block.locator('.opblock-summary-control').click()
  await block.getByRole('button', { name: 'Try it out' }).click()
  await block.getByRole('button', { name: 'Execute' }).click()
  return (await block.locator('.live-responses-table .response-col_status').nth(1).innerText()).trim()
}

async function checkPage(server: Pick<TestServer, 'fetch'>, key: string, prefix: string): Promise<void> {
  await whileListening(server, async ({ origin }) => {
    const { page, requested, problems } = await open(`${origin}${prefix}/swagger`)
    assert.match(await page.locator('.info .title').innerText(), /^Heartwood/)
    assert.equal(await page.locator('.opblock').count(), routes.length + 1)
    for (const { operationId } of routes)
      assert.ok(await page.locator(`[id$="-${operationId}"]`).isVisible(), operationId)
    await authorize(page, key)
    assert.equal(await tryOut(page, 'listApps'), '200')
    assert.equal(await tryOut(page, 'getHealth'), '200')
    assert.ok(requested.includes(`${origin}${prefix}/api/v1/apps`), requested.join('\n'))
    assert.deepEqual(
      requested.filter((address) => !address.startsWith(`${origin}${prefix}/`)),
      [],
    )
    assert.deepEqual(problems, [])
    await page.close()
  })
}

describe('GET /swagger in a browser', { skip: lackingBrowser('GET /swagger in a browser') }, () => {
  before(async () => {
    browser = await startChromium()
  })
  after(() => browser.close())

  test('shows every operation, sends requests, and contacts no other server', async () => {
    const server = await newShopServer()
    await checkPage(server, server.keys.sk, '')
  })

  test('under a host’s prefix: the same', async () => {
    const { licensing, keys } = await newShopServer()
    const host = new Elysia().group('/licensing', (group) => group.use(licensingServer(licensing)))
    await checkPage({ fetch: async (request) => host.fetch(request) }, keys.sk, '/licensing')
  })
})

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`GET /swagger in the built package: the page and its files, on ${name}`, async () => {
    const { stdout } = await run([...runtimes[name], 'test/package/swagger-program.ts'])
    const types = [
      'text/html',
      'application/json',
      'text/javascript',
      'text/css',
      'text/javascript',
      'image/png',
    ]
    assert.deepEqual(
      stdout.trim().split('\n'),
      types.map((type) => `200 ${type}`),
    )
  })
