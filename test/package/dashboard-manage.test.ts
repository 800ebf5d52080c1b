import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { installation } from '../support/fixtures.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { checkAccess, checkQuiet, whileServed } from './dashboard-desk.ts'
import { fleet, seat, setRecovery, type Seated } from './dashboard-seat.ts'

const app = 'desktop-app'
let browser: Browser

const toast = (page: Page, text: string | RegExp) =>
  page.locator('.toast', { hasText: text }).last().waitFor()

describe(
  'the pages of tiers, keys and apps in a browser',
  { skip: lackingBrowser('the pages of tiers, keys and apps in a browser') },
  () => {
    before(async () => {
      browser = await startChromium()
    })
    after(() => browser.close())

    test('a box gives a feature to a tier; taking it away says how many lose it; both can be undone', () =>
      whileServed('', async (desk) => {
        const { licensing, issue, address } = desk
        await issue()
        await issue()
        await licensing.features.create(app, { name: 'Webhooks', slug: 'webhooks' })
        const features = async () => (await licensing.tiers.get(app, 'pro')).features
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open(`/apps/${app}/tiers`)
          await page.getByText('2 licenses are good: 2 Pro.').waitFor()
          await page.getByLabel('Pro has Webhooks').click()
          await toast(page, 'Pro has Webhooks now.')
          assert.deepEqual(await features(), ['api_access', 'webhooks'])
          await page.getByText('2 of 2 active licenses still carry an old list.').waitFor()
          await page.getByRole('button', { name: 'Undo' }).click()
          await toast(page, 'It is as it was.')
          assert.deepEqual(await features(), ['api_access'])
          await page.getByLabel('Pro has api_access').click()
          await page.getByText('2 active licenses of Pro lose it at the next renewal.').waitFor()
          assert.deepEqual(await features(), ['api_access'])
          await page.getByRole('button', { name: 'Take it from 2 active licenses' }).click()
          await toast(page, 'Pro no longer has api_access.')
          assert.deepEqual(await features(), [])
          checkQuiet({ page, ...visited }, address)
        })
      }))

    test('tiers and features are made and changed; a deletion says what it does, and wants the slug', () =>
      whileServed('', async (desk) => {
        const { licensing, issue, address } = desk
        await issue()
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open(`/apps/${app}/tiers`)
          await page.getByRole('button', { name: 'New feature…' }).click()
          await page.getByLabel('Name').fill('Single sign-on')
          assert.equal(await page.getByLabel('Slug').inputValue(), 'single_sign_on')
          await page.getByLabel('Pro', { exact: true }).check()
          await page.getByRole('button', { name: 'Create Single sign-on' }).click()
          await toast(page, 'Single sign-on is here.')
          await page.getByRole('button', { name: 'New tier…' }).click()
          await page.getByLabel('Name').fill('Team')
          await page.getByLabel('Limits').fill('projects=50, users=5')
          await page.getByLabel('Single sign-on', { exact: true }).check()
          await page.getByRole('button', { name: 'Create Team' }).click()
          await toast(page, 'Team is here.')
          const team = await licensing.tiers.get(app, 'team')
          assert.deepEqual([team.features, team.limits], [['single_sign_on'], { projects: 50, users: 5 }])
          assert.deepEqual((await licensing.tiers.get(app, 'pro')).features, ['api_access', 'single_sign_on'])
          await page.getByRole('button', { name: 'Change… Team' }).click()
          await page.getByLabel('Name').fill('Company')
          await page.getByRole('button', { name: 'Save' }).click()
          await toast(page, 'Company is changed.')
          assert.equal((await licensing.tiers.get(app, 'team')).name, 'Company')
          await page.getByRole('button', { name: 'Delete… Pro' }).click()
          await page.getByText('1 active license keeps its token, and can no longer renew').waitFor()
          const sure = page.getByRole('button', { name: 'Delete it: 1 active license cannot renew' })
          await page.getByLabel('Type pro to confirm').fill('pr')
          await sure.click()
          assert.equal((await licensing.tiers.get(app, 'pro')).slug, 'pro')
          await page.getByLabel('Type pro to confirm').fill('pro')
          await sure.click()
          await toast(page, 'Pro is deleted.')
          await page.getByText('1 active license lost its tier').waitFor()
          checkQuiet({ page, ...visited }, address)
        })
        assert.deepEqual(
          (await licensing.tiers.list(app)).data.map(({ slug }) => slug),
          ['team'],
        )
      }))

    test('those who are behind are counted one by one, and exactly they are regenerated', () =>
      whileServed('', async (desk) => {
        const { licensing, issue, address } = desk
        const old = [await issue(), await issue(), await issue()]
        await licensing.tiers.addFeature(app, 'pro', { name: 'Webhooks', slug: 'webhooks' })
        const fresh = await issue()
        const [gone] = old
        await licensing.licenses.revoke(app, gone!.id)
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open(`/apps/${app}/tiers`)
          await page.getByText('2 of 3 active licenses still carry an old list.').waitFor()
          await page.getByRole('button', { name: 'Regenerate these 2' }).click()
          await toast(page, '2 licenses have the new list.')
          await page.getByText('Each of 3 active licenses carries what its tier grants now.').waitFor()
          checkQuiet({ page, ...visited }, address)
        })
        const now = async (id: string) => licensing.licenses.get(app, id)
        for (const { id } of old.slice(1))
          assert.deepEqual((await now(id)).features, ['api_access', 'webhooks'])
        assert.equal((await now(fresh.id)).jti, fresh.jti)
      }))

    test('more than 1,000 licenses are read when somebody asks; more than 500 are regenerated in one call', () =>
      whileServed('', async (desk) => {
        const { licensing, storage, customer, address } = desk
        // It signs nothing, so that so many licenses take a second.
        const quick = licensing.with(storage)
        for (let at = 0; at < 1_001; at++) {
          const installationId = installation(10_000 + at)
          await quick.licenses.create(app, {
            installationId,
            customerId: customer.id,
            tierId: 'pro',
            forever: true,
          })
        }
        await licensing.tiers.addFeature(app, 'pro', { name: 'Webhooks', slug: 'webhooks' })
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open(`/apps/${app}/tiers`)
          await page.getByRole('button', { name: 'Look through 1,001 active licenses' }).click()
          await page.getByText('1,001 of 1,001 active licenses still carry an old list.').waitFor()
          const calls = visited.requested.length
          await page.getByRole('button', { name: 'Regenerate all 1,001 of Pro' }).click()
          await toast(page, '1,001 licenses have the new list.')
          await page.getByText('Each of 1,001 active licenses carries what its tier grants now.').waitFor()
          const posts = visited.requested.slice(calls).filter((url) => url.includes('regenerate'))
          assert.deepEqual(posts, [`${address}/api/v1/apps/${app}/licenses/regenerate`])
          checkQuiet({ page, ...visited }, address)
        })
      }))

    for (const prefix of ['', '/x', '/a/b'])
      test(`${prefix || 'the root'}: a rotation is foreseen from data, wants the slug, and shows who has arrived`, () =>
        whileServed(prefix, async (desk) => {
          const { licensing, address } = desk
          await fleet(desk, [0, 3, 20, 40, null])
          await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
            await open(`/apps/${app}/signing-keys`)
            await page.getByText('One key signs every token').waitFor()
            await page.getByRole('link', { name: 'Rotate the keys…' }).click()
            await page.getByText('5 active licenses get tokens under the new key.').waitFor()
            await page.getByText('With 30 days of grace, 60% will have renewed').waitFor()
            await page.getByText('2 probably will not.').waitFor()
            await page.getByRole('radio', { name: '7 days' }).check()
            await page.getByText('With 7 days of grace, 40% will have renewed').waitFor()
            await page.getByRole('button', { name: 'Rotate: 3 will need a new token' }).waitFor()
            await page.getByLabel('One public key that is built in').check()
            await page.locator('code', { hasText: /^update$/ }).waitFor()
            await page.getByText('Who will need a new token: 3').click()
            await page.getByRole('link', { name: /Computer 2/ }).waitFor()
            assert.equal(await page.getByRole('link', { name: /Computer 1/ }).count(), 0)
            const downloading = page.waitForEvent('download')
            await page.getByRole('button', { name: 'Export 3 as CSV' }).click()
            const csv = readFileSync((await (await downloading).path())!, 'utf8')
            assert.equal(csv.trim().split('\r\n').length, 4, csv)
            await page.getByLabel(`Type ${app} to confirm`).fill('desktop')
            await page.getByRole('button', { name: /^Rotate: 3/ }).click()
            assert.equal((await licensing.apps.keys(app)).length, 1)
            await page.getByLabel(`Type ${app} to confirm`).fill(app)
            await page.getByRole('button', { name: /^Rotate: 3/ }).click()
            await toast(page, 'The keys are rotated. 5 active licenses are under the new one.')
            await page.getByText('0% of 5 active licenses have renewed since the rotation').waitFor()
            await page.getByText('The key before it is accepted until').waitFor()
            assert.deepEqual(
              (await licensing.apps.keys(app)).map(({ state }) => state),
              ['active', 'in_grace'],
            )
            checkQuiet({ page, ...visited }, address)
          })
        }))

    test('a rotation whose response is lost is made once, because the form keeps its idempotency key', () =>
      whileServed('', async (desk) => {
        await seat(browser, desk, desk.secret, async ({ page, open }) => {
          let lost = 0
          await page.route('**/rotate-keys', async (route) => {
            if (route.request().postDataJSON().dry_run === true || lost++ > 0) return route.continue()
            await route.fetch()
            return route.fulfill({ status: 500, body: 'lost' })
          })
          await open(`/apps/${app}/signing-keys/rotate`)
          await page.getByLabel(`Type ${app} to confirm`).fill(app)
          await page.getByRole('button', { name: /^Rotate:/ }).click()
          await page.getByText('The response is none of a Heartwood server').waitFor()
          await page.getByRole('button', { name: /^Rotate:/ }).click()
          await toast(page, 'The keys are rotated.')
        })
        assert.equal((await desk.licensing.apps.keys(app)).length, 2)
      }))

    test('a leak: the old key is revoked without grace, and the rest of the work is listed', () =>
      whileServed('', async (desk) => {
        const { licensing, address } = desk
        await fleet(desk, [0, 3])
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open(`/apps/${app}/signing-keys/rotate`)
          await page.getByLabel('The key may have leaked').check()
          await page.getByText('After a leak there is no grace.').waitFor()
          await page.getByLabel(`Type ${app} to confirm`).fill(app)
          await page.getByRole('button', { name: 'Rotate: 2 will need a new token' }).click()
          await page.getByRole('heading', { name: 'After a leak, do this too' }).waitFor()
          await page.getByText('1 API key was made in the last day.').waitFor()
          await page.getByText('Compromised', { exact: true }).waitFor()
          checkQuiet({ page, ...visited }, address)
        })
        const [, old] = await licensing.apps.keys(app)
        assert.deepEqual([old!.state, old!.reason], ['retired', 'compromised'])
      }))

    test('with recovery keys, a leak leads to the command line, and no button is there that the server refuses', () =>
      whileServed('', async (desk) => {
        await setRecovery(desk)
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open(`/apps/${app}/signing-keys`)
          await page.getByText('One is set. After a leak').waitFor()
          await open(`/apps/${app}/signing-keys/rotate`)
          await page.getByLabel('The key may have leaked').check()
          await page.getByText('--compromised --recovery-key recovery.pem').waitFor()
          assert.equal(await page.getByRole('button', { name: /^Rotate:/ }).count(), 0)
          checkQuiet({ page, ...visited }, desk.address)
        })
      }))

    for (const preset of ['support', 'auditor'] as const)
      test(`a session with the rights of ${preset} is offered no change, and is told why`, () =>
        whileServed('', async (desk) => {
          await desk.issue()
          await desk.licensing.rotateKeys(app, { gracePeriodDays: 30 })
          const { secret } = await desk.licensing.apiKeys.create({ preset })
          const offered: Readonly<Record<string, RegExp>> = {
            tiers: /lacks the scope catalogue:write/,
            'signing-keys': /lacks the scope apps:rotate/,
            'signing-keys/rotate': /lacks the scope apps:rotate/,
            settings: /lacks the scope catalogue:write/,
          }
          await seat(browser, desk, secret, async ({ page, open, ...visited }) => {
            for (const [path, reason] of Object.entries(offered)) {
              await open(`/apps/${app}/${path}`)
              await page.getByText(reason).first().waitFor()
              const acts = page
                .locator('main')
                .getByRole('button', { name: /new|change|delete|rotate|save/i })
              assert.equal(await acts.count(), 0, path)
              assert.equal(await page.locator('main input').count(), 0, path)
              assert.equal(await page.getByRole('link', { name: /Rotate/ }).count(), 0, path)
            }
            await open('/')
            assert.equal(await page.getByRole('link', { name: 'New app…' }).count(), 0)
            await open('/new-app')
            await page.getByText('Your key may not create apps').waitFor()
            checkQuiet({ page, ...visited }, desk.address)
          })
        }))

    test('an app is made, changed and deleted; the deletion names what goes, and wants the slug', () =>
      whileServed('', async (desk) => {
        const { licensing, address } = desk
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          await open('/')
          await page.getByRole('link', { name: 'New app…' }).click()
          await page.getByLabel('Name').fill('Photo Lab')
          await page.getByRole('button', { name: 'Create Photo Lab' }).click()
          await page.getByText('There is no tier yet.').waitFor()
          assert.equal((await licensing.apps.get('photo-lab')).name, 'Photo Lab')
          await open('/apps/photo-lab/settings')
          await page.getByLabel('Prefix of license keys').fill('LAB')
          await page.getByRole('button', { name: 'Save' }).click()
          await toast(page, 'The settings are saved.')
          assert.equal((await licensing.apps.get('photo-lab')).keyPrefix, 'LAB')
          await page.getByRole('button', { name: 'Undo' }).click()
          await toast(page, 'It is as it was.')
          assert.equal((await licensing.apps.get('photo-lab')).keyPrefix, null)
          await page.getByRole('button', { name: 'Delete the app…' }).click()
          await page.getByRole('dialog').getByText('It has 0 licenses of 0 customers.').waitFor()
          const sure = page.getByRole('dialog').getByRole('button', { name: 'Delete the app' })
          await page.getByLabel('Type photo-lab to confirm').fill('photo')
          await sure.click()
          assert.equal((await licensing.apps.list()).total, 2)
          await page.getByLabel('Type photo-lab to confirm').fill('photo-lab')
          await sure.click()
          await toast(page, 'Photo Lab is deleted.')
          assert.equal((await licensing.apps.list()).total, 1)
          checkQuiet({ page, ...visited }, address)
        })
      }))

    test('markup in the names of apps, tiers, features and computers is text, and no formula leaves in a CSV', () =>
      whileServed('', async (desk) => {
        const { licensing, address } = desk
        const markup = '<img src=x onerror=alert(1)>'
        await licensing.apps.update(app, { name: markup, description: markup })
        await licensing.tiers.update(app, 'pro', { name: markup })
        await licensing.features.update(app, 'api_access', { name: markup })
        const [id] = await fleet(desk, [40])
        await licensing.licenses.update(app, id!, { name: '=HYPERLINK("http://x")' })
        await seat(browser, desk, desk.secret, async ({ page, open, ...visited }) => {
          for (const path of ['tiers', 'settings']) {
            await open(`/apps/${app}/${path}`)
            await page.locator('main').getByText(markup).first().waitFor()
            assert.equal(await page.locator('img').count(), 0, path)
          }
          await open(`/apps/${app}/signing-keys/rotate`)
          await page.getByText('Who will need a new token: 1').click()
          await page.getByText('=HYPERLINK').waitFor()
          const downloading = page.waitForEvent('download')
          await page.getByRole('button', { name: 'Export 1 as CSV' }).click()
          const csv = readFileSync((await (await downloading).path())!, 'utf8')
          assert.match(csv, /,"'=HYPERLINK\(""http:\/\/x""\)",/)
          checkQuiet({ page, ...visited }, address)
        })
      }))

    test('everybody can use the pages of tiers, keys and apps, in every look', () =>
      whileServed('', async (desk) => {
        const { licensing, address } = desk
        await fleet(desk, [0, 40, null])
        await licensing.tiers.addFeature(app, 'pro', { name: 'Webhooks', slug: 'webhooks' })
        await licensing.tiers.create(app, { name: 'Team', slug: 'team', limits: { projects: 50 } })
        await licensing.rotateKeys(app, { gracePeriodDays: 30 })
        await licensing.apps.create({ name: 'Empty', slug: 'empty' })
        const work = async ({ page, open, ...visited }: Seated): Promise<void> => {
          const pages = [
            'tiers',
            'signing-keys',
            'signing-keys?after=leak',
            'signing-keys/rotate',
            'settings',
          ]
          for (const path of [
            ...pages.map((below) => `/apps/${app}/${below}`),
            '/apps/empty/tiers',
            '/new-app',
          ]) {
            await open(path)
            await checkAccess(page, path)
          }
          await open(`/apps/${app}/signing-keys/rotate`)
          await page.getByLabel('The key may have leaked').check()
          await page.getByLabel('Both, or I do not know').check()
          await page.getByRole('button', { name: /^Rotate:/ }).waitFor()
          await checkAccess(page, 'a leak')
          await open(`/apps/${app}/tiers`)
          for (const button of ['New tier…', 'Delete… Pro']) {
            await page.getByRole('button', { name: button }).click()
            await checkAccess(page, button)
            await page.keyboard.press('Escape')
          }
          checkQuiet({ page, ...visited }, address)
        }
        await seat(browser, desk, desk.secret, work)
      }))
  },
)
