import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { linkOf } from '../adapters/dashboard/visitor.ts'
import { installation, newShop, newWorld } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkQuiet, signIn, visit, whileServing } from './dashboard-desk.ts'
import { run } from './programs.ts'

let browser: Browser

/** An event of a trace of Chromium. Times are in microseconds, and `tdur` is time of the processor. */
interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** The time of the processor that each task of the page took, in milliseconds. Other work of the machine takes none of it. */
async function tasksDuring(page: Page, work: () => Promise<void>): Promise<readonly number[]> {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  await work()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    readonly traceEvents: readonly TraceEvent[]
  }
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  )
  return traceEvents
    .filter(({ name, ph, pid, tid }) => ph === 'X' && name.endsWith('RunTask') && main.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000)
}

/** Holds a page for so many milliseconds. */
async function hold(page: Page, milliseconds: number): Promise<void> {
  await page.evaluate(
    (length) =>
      new Promise<void>((done) => {
        setTimeout(() => {
          const end = performance.now() + length
          while (performance.now() < end);
          done()
        })
      }),
    milliseconds,
  )
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

const pages = 12

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

    test('paging through 10,000 licenses leaves the page free: no task takes more than 50 ms of the processor', async (context) => {
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
        const held = await tasksDuring(page, () => hold(page, 400))
        assert.ok(Math.max(...held) > 50, `a long task is seen: ${Math.max(...held)}`)
        const tasks = await tasksDuring(page, async () => {
          for (let at = 0; at < pages; at++) await turnPage(page)
        })
        const longest = tasks.toSorted((a, b) => b - a)
        context.diagnostic(`the longest of ${tasks.length} tasks: ${longest.slice(0, 5)} ms`)
        assert.ok(tasks.length > pages)
        assert.ok(longest[0]! <= 50, `long tasks: ${longest.slice(0, 5)} ms`)
        await tab.close()
      })
    })
  },
)
