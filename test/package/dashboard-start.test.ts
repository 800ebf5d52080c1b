import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { linkOf } from '../adapters/dashboard/visitor.ts'
import { installation, newShop, newWorld } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkQuiet, signIn, visit, whileServing } from './dashboard-desk.ts'
import { run } from './programs.ts'

let browser: Browser

/** The durations of tasks that held a page for more than 50 ms. */
interface Watched {
  longTasks: number[]
}

async function watchTasks(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watched = globalThis as unknown as Watched
    watched.longTasks = []
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) watched.longTasks.push(duration)
    }).observe({ type: 'longtask' })
  })
}

/** The long tasks since the last call. */
async function takeTasks(page: Page): Promise<readonly number[]> {
  return page.evaluate(async () => {
    await new Promise((done) => setTimeout(done, 50))
    return (globalThis as unknown as Watched).longTasks.splice(0)
  })
}

/** Turns to the next page of the list, and waits for the names of its customers. */
async function turnPage(page: Page): Promise<void> {
  const first = page.locator('.list th a').first()
  const before = await first.getAttribute('href')
  await page.getByRole('link', { name: 'Older' }).click()
  await page.waitForFunction((address) => {
    const [link] = document.querySelectorAll('.list th a')
    const isNext = link !== undefined && link.getAttribute('href') !== address
    return isNext && document.querySelectorAll('.list th strong').length === 25
  }, before)
}

const pages = 20

describe(
  'the dashboard from the first hour to many licenses',
  { skip: lackingBrowser('the first steps in a browser') },
  () => {
    before(async () => {
      browser = await startChromium()
    })
    after(() => browser.close())

    test('on an empty server the first steps tick themselves, while somebody runs the curl that each shows', async () => {
      const { licensing } = await newWorld({ now: Date.now })
      const key = await licensing.apiKeys.create({ name: 'Founder' })
      const link = linkOf(await licensing.apiKeys.invite(key.id))
      await whileServing(licensing, '', async (address) => {
        const context = await browser.newContext()
        const page = await context.newPage()
        await page.clock.install()
        await page.goto(`${address}/dashboard#/in/${link}`)
        await page.getByRole('heading', { name: 'First steps' }).waitFor()
        const ticks = page.locator('.steps [data-done="true"]')
        assert.equal(await ticks.count(), 0)
        for (const step of ['Create an app', 'Create a tier', 'Issue a license', 'Check it', 'Renew it']) {
          const shown = page.getByRole('region', { name: `${step}: curl` })
          await shown.waitFor()
          const code = (await shown.textContent()) ?? ''
          const before = await ticks.count()
          const env = { HEARTWOOD_API_KEY: key.secret }
          const { stdout } = await run(['bash', '-c', `set -eo pipefail\n${code}`], { env })
          assert.match(stdout, /^\{"data"/, `${code}\n${stdout}`)
          // A server writes its counts once a minute.
          await licensing.flush()
          await page.clock.fastForward(5_000)
          await page.waitForFunction(
            (count) => document.querySelectorAll('.steps [data-done="true"]').length > count,
            before,
          )
        }
        await page.getByText('All five steps are done.').waitFor()
        await page.getByRole('link', { name: 'Open the app' }).click()
        await page.getByText('1 license is good').waitFor()
        await context.close()
      })
    })

    test('an app without a license shows the steps that it lacks, in three languages', async () => {
      const shop = await newShop({ now: Date.now })
      const { secret } = await shop.licensing.apiKeys.create({ name: 'Founder' })
      await whileServing(shop.licensing, '', async (address) => {
        const context = await browser.newContext()
        const visited = await visit(context, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.goto(`${address}/dashboard#/apps/desktop-app`)
        await page.getByRole('region', { name: 'Issue a license: curl' }).waitFor()
        assert.equal(await page.locator('.steps [data-done="true"]').count(), 2)
        await page.getByRole('button', { name: 'TypeScript' }).first().click()
        await page.getByText("licensing.licenses.create('desktop-app'").waitFor()
        await page.getByRole('button', { name: 'command line' }).first().click()
        await page.getByText('heartwood licenses create --app desktop-app').waitFor()
        checkQuiet(visited, address)
        await context.close()
      })
    })

    test('paging through 10,000 licenses leaves the page free: most pages have no task of more than 50 ms', async (context) => {
      const { licensing, storage } = await newShop({ now: Date.now })
      const { secret } = await licensing.apiKeys.create({ name: 'Founder' })
      // Nothing signs inside a transaction of the host, so many licenses take little time.
      const plain = licensing.with(storage)
      const customers: string[] = []
      for (let at = 0; at < 500; at++) {
        const customer = { email: `ada.${at}@example.com`, name: `Ada ${at}` }
        customers.push((await plain.customers.create('desktop-app', customer)).id)
      }
      for (let at = 0; at < 10_000; at++)
        await plain.licenses.create('desktop-app', {
          installationId: installation(at + 1),
          customerId: customers[at % customers.length]!,
          tierId: 'pro',
          durationDays: 30,
        })
      await whileServing(licensing, '', async (address) => {
        const tab = await browser.newContext()
        const visited = await visit(tab, `${address}/dashboard`)
        const { page } = visited
        await signIn(visited, secret)
        await page.goto(`${address}/dashboard#/apps/desktop-app/licenses`, { waitUntil: 'networkidle' })
        await page.getByText('10,000 licenses in all.').waitFor()
        await watchTasks(page)
        await page.evaluate(
          () =>
            new Promise<void>((done) => {
              setTimeout(() => {
                const end = performance.now() + 120
                while (performance.now() < end);
                done()
              })
            }),
        )
        assert.ok((await takeTasks(page)).length > 0, 'a long task is seen')
        const long: number[] = []
        for (let at = 0; at < pages; at++) {
          await turnPage(page)
          long.push((await takeTasks(page)).length)
        }
        context.diagnostic(`pages with a long task: ${long.filter((count) => count > 0).length} of ${pages}`)
        // A busy machine interrupts the page now and then, so half of the pages must be free.
        assert.ok(long.filter((count) => count === 0).length > pages / 2, `long tasks: ${long}`)
        await tab.close()
      })
    })
  },
)
