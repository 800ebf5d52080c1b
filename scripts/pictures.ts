/**
 * Makes docs/pictures again, with the data of `heartwood serve --demo`: `npm run pictures`. It needs the browser of the tests and
 * pngquant. Ids, keys and days differ at each run.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { makeDemo, type Demo } from '../src/cli/demo/demo.ts'
import { startChromium } from '../test/package/chromium.ts'
import { signIn, visit, whileServing } from '../test/package/dashboard-desk.ts'

const app = 'desktop-app'
const folder = 'docs/pictures'
const day = 86_400
const view = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 }

async function save(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle')
  const input = await page.screenshot({ animations: 'disabled' })
  const { stdout, status } = spawnSync('pngquant', ['--speed', '1', '--strip', '--nofs', '64', '-'], {
    input,
  })
  if (status !== 0) throw new Error('pngquant made no picture')
  writeFileSync(join(folder, name), stdout)
  console.log(`${name}: ${stdout.length} bytes`)
}

/** A license with a long life on its line, of a program that renews. */
async function longest({ licensing }: Demo['database']): Promise<string> {
  const { data } = await licensing.licenses.list(app, { status: 'active', perPage: 100 })
  const lived = data.filter(({ name, seenAt, tier }) => name !== null && seenAt !== null && tier === 'pro')
  const [first] = lived.toSorted((a, b) => a.createdAt - b.createdAt)
  return first?.id ?? ''
}

/** The token of a license that ends within a week. */
async function endingSoon({ licensing }: Demo['database']): Promise<string> {
  const soon = Math.floor(Date.now() / 1000) + 7 * day
  const { data } = await licensing.licenses.list(app, { status: 'active', expiresBefore: soon })
  const { id = '' } = data.find(({ name, tier }) => name !== null && tier === 'pro') ?? data[0] ?? {}
  return (await licensing.licenses.token(app, id)) ?? ''
}

mkdirSync(folder, { recursive: true })
const { database, founder } = await makeDemo({})
const certificate = await longest(database)
const token = await endingSoon(database)
const browser = await startChromium()

/** Signs in at the time of the server, which the browser has as well. */
async function atDesk(
  address: string,
  colorScheme: 'light' | 'dark',
  take: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ ...view, colorScheme })
  await context.clock.setFixedTime(Date.now())
  const visited = await visit(context, `${address}/dashboard`)
  await signIn(visited, founder.secret)
  await take(visited.page)
  await context.close()
}

await whileServing(database.licensing, '', async (address) => {
  await atDesk(address, 'dark', async (page) => {
    await page.goto(`${address}/dashboard#/apps/${app}/licenses/${certificate}`)
    await page.locator('.certificate').waitFor()
    await save(page, 'license.png')
  })
  // The server gives no token of a license that has ended, so that time passes in between.
  const now = Date.now
  Date.now = () => now() + 10 * day * 1_000
  await atDesk(address, 'light', async (page) => {
    await page.getByLabel('What the customer sent').fill(token)
    await page.getByRole('button', { name: 'Find', exact: true }).click()
    await page.locator('.screen .verdict').waitFor()
    await page.locator('.strip i').first().waitFor()
    await save(page, 'why.png')
  })
})
await browser.close()
await database.close()
