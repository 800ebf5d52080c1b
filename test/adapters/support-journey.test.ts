import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SignedLicense } from '../../src/core/index.ts'
import { createLicensingClient, type LicensingClient } from '../../src/sdk/index.ts'
import { onTables, type Tables } from '../support/all-tables.ts'
import { day, installation, newShop, refusalOf, tokenOf, type Shop } from '../support/fixtures.ts'
import { claimsOf } from '../support/tokens.ts'
import { Visitor } from './dashboard/visitor.ts'
import { whileListening } from './listening.ts'
import { serve } from './test-server.ts'

const app = 'desktop-app'

/** A person at support, with what customers have. */
interface Desk extends Shop {
  /** Calls a server that listens, with the rights of the preset. */
  readonly support: LicensingClient
  /** The text of a GET below the API's address. */
  readonly read: (path: string) => Promise<string>
  readonly stored: Tables
}

/** The credential that a person shows with each request. */
type Connect = (origin: string, secret: string) => Promise<Readonly<Record<string, string>>>

/** The ways in which people at support use the server. */
const ways: Readonly<Record<string, Connect>> = {
  'an API key': async (_origin, secret) => ({ authorization: `Bearer ${secret}` }),
  'a session of the dashboard': async (origin, secret) => {
    const visitor = new Visitor((request) => fetch(request), origin)
    assert.equal((await visitor.signIn(secret)).status, 200)
    const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ')
    return { cookie, origin, 'sec-fetch-site': 'same-origin' }
  },
}

/** A client that shows the same as the page of the dashboard, or as a program with a key. */
function clientOf(baseUrl: string, shown: Readonly<Record<string, string>>): LicensingClient {
  const send = (url: string, init: RequestInit): Promise<Response> =>
    fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...shown } })
  return createLicensingClient({ baseUrl, session: true, fetch: send, retries: 0 })
}

function atDesk(connect: Connect, work: (desk: Desk) => Promise<void>): Promise<void> {
  return onTables(async (storage, stored) => {
    const shop = await newShop({ storage })
    await shop.licensing.tiers.create(app, { name: 'Team', slug: 'team', features: ['sync'] })
    await shop.licensing.apiKeys.create({ name: 'Owner' })
    const { secret } = await shop.licensing.apiKeys.create({ name: 'Ana', preset: 'support' })
    const server = await serve(shop, { dashboard: true })
    await whileListening(server, async ({ origin }) => {
      const headers = await connect(origin, secret)
      const read = async (path: string) => (await fetch(`${origin}/api/v1${path}`, { headers })).text()
      await work({ ...shop, support: clientOf(origin, headers), read, stored })
    })
  })
}

/** A: somebody says that the program calls the license invalid. */
async function findAndMend(
  { support, licensing, customer, clock }: Desk,
  sold: SignedLicense,
): Promise<void> {
  const pasted = `My license:\n  "${tokenOf(sold)}"\nIt says invalid!`
  await licensing.licenses.revoke(app, sold.id, { reason: 'Refunded' })
  const [found] = await support.search('ada@exam')
  assert.deepEqual([found?.kind, found?.app, found?.id], ['customer', app, customer.id])
  assert.equal((await support.customers.get(app, found!.id)).email, 'ada@example.com')
  const { data } = await support.licenses.list(app, { customerId: found!.id })
  assert.deepEqual(
    data.map(({ id, status }) => [id, status]),
    [[sold.id, 'revoked']],
  )
  const refused = await support.diagnose({ text: pasted })
  assert.deepEqual([refused.kind, refused.licenseId, refused.cause], ['token', sold.id, 'license_revoked'])
  assert.match(refused.remedy ?? '', /reinstate/)
  assert.equal((await support.licenses.reinstate(app, sold.id)).status, 'active')
  assert.equal((await support.diagnose({ text: pasted })).cause, null)
  clock.seconds += 600
  assert.equal((await support.diagnose({ text: pasted })).cause, 'token_expired')
}

/** B: the customer has a new computer, on which somebody else's license stands. */
async function moveToNewComputer({ support, issue }: Desk, sold: SignedLicense): Promise<void> {
  const { installationId: taken } = await issue()
  const conflict = await refusalOf(support.licenses.update(app, sold.id, { installationId: taken }))
  assert.equal(conflict.code, 'conflict')
  const [inTheWay] = (await support.licenses.list(app, { installationId: taken })).data
  assert.equal(inTheWay?.status, 'active')
  const moved = await support.licenses.update(app, sold.id, { installationId: installation(70) })
  assert.equal(moved.installationId, installation(70))
  assert.equal((await support.diagnose({ text: tokenOf(moved) })).cause, null)
}

/** C: the customer buys more, and gets it by mail. */
async function upgradeAndExtend({ support, read, clock }: Desk, sold: SignedLicense): Promise<void> {
  const upgraded = await support.licenses.update(app, sold.id, { tierId: 'team' })
  assert.deepEqual(upgraded.features, ['sync'])
  const expiresAt = clock.seconds + 365 * day
  assert.equal((await support.licenses.update(app, sold.id, { expiresAt })).expiresAt, expiresAt)
  const again = await support.licenses.regenerate(app, sold.id)
  const copied = await support.licenses.token(app, sold.id)
  assert.equal(claimsOf(copied ?? '').jti, again.jti)
  const file = await read(`/apps/${app}/licenses/${sold.id}/file`)
  assert.equal((await support.diagnose({ text: file })).licenseId, sold.id)
  assert.equal((await support.licenses.revoke(app, sold.id, { reason: 'Wrong one' })).status, 'revoked')
  assert.equal((await support.licenses.reinstate(app, sold.id)).status, 'active')
}

/** All that a key of the preset may read beside. */
async function readTheRest({ support, licensing, customer }: Desk): Promise<void> {
  const terms = { customerId: customer.id, tierId: 'pro', forever: true } as const
  const { id, key } = await licensing.licenseKeys.create(app, terms)
  assert.equal((await support.licenseKeys.get(app, id, { include: 'key' })).key, key)
  assert.equal((await support.diagnose({ text: key })).kind, 'license_key')
  await licensing.apps.update(app, { webhookUrl: 'https://example.com/hook' })
  const delivery = await licensing.webhooks.test(app)
  assert.equal((await support.webhooks.deliveries(app)).total, 1)
  assert.equal((await support.webhooks.delivery(app, delivery.id)).id, delivery.id)
  assert.equal((await support.apps.keys(app)).length, 1)
  assert.equal((await support.stats(app)).step, 'day')
  assert.equal((await support.apiKeys.me()).name, 'Ana')
}

/** D, and everything else that is for the owner. */
async function ownersActs({ support, licensing, customer }: Desk, { id }: SignedLicense) {
  const [lkey] = (await licensing.licenseKeys.list(app)).data
  const [whd] = (await licensing.webhooks.deliveries(app)).data
  const owner = (await licensing.apiKeys.list()).data.find(({ name }) => name === 'Owner')!
  const terms = { customerId: customer.id, tierId: 'pro', forever: true } as const
  const { apps, tiers, features, customers, licenses, licenseKeys, webhooks, apiKeys, audit } = support
  return {
    'rotates the signing key': () => support.rotateKeys(app),
    'rotates it with grace': () => support.rotateKeys(app, { gracePeriodDays: 30 }),
    'deletes the app': () => apps.delete(app),
    'deletes a tier': () => tiers.delete(app, 'team'),
    'deletes a feature': () => features.delete(app, 'sync'),
    'deletes a customer': () => customers.delete(app, customer.id),
    'deletes a license': () => licenses.delete(app, id),
    'deletes a license key': () => licenseKeys.delete(app, lkey!.id),
    'reads the secret of webhooks': () => webhooks.secret(app),
    'rolls the secret of webhooks': () => webhooks.rollSecret(app),
    'sends a test event': () => webhooks.test(app),
    'sends an event again': () => webhooks.retry(app, whd!.id),
    'sends all failed events again': () => webhooks.retryAll(app, { state: 'failed', since: 0 }),
    'lists API keys': () => apiKeys.list(),
    'makes an API key': () => apiKeys.create({ preset: 'support' }),
    'rolls an API key': () => apiKeys.roll(owner.id),
    'revokes an API key': () => apiKeys.revoke(owner.id),
    'invites somebody': () => apiKeys.invite(owner.id),
    'makes an app': () => apps.create({ name: 'New', slug: 'new' }),
    'changes the app': () => apps.update(app, { name: 'New' }),
    'redirects events': () => apps.update(app, { webhookUrl: 'https://example.org/mine' }),
    'changes a tier': () => tiers.update(app, 'pro', { name: 'New' }),
    'adds a feature': () => tiers.addFeature(app, 'pro', { name: 'New', slug: 'new' }),
    'sells a license key': () => licenseKeys.create(app, terms),
    'changes a license key': () => licenseKeys.update(app, lkey!.id, { seats: 99 }),
    'rolls a license key': () => licenseKeys.roll(app, lkey!.id),
    'revokes a license key': () => licenseKeys.revoke(app, lkey!.id),
    'gives all seats back': () => licenseKeys.releaseAll(app, lkey!.id),
    'reads the audit log': () => audit.list(app),
    'reads the audit log of all apps': () => audit.list(null),
    'reads the state of the server': () => support.status(),
  }
}

describe('a person at support', () => {
  for (const [way, connect] of Object.entries(ways))
    test(`with ${way}: finds, explains and mends licenses, and does nothing that is for the owner`, () =>
      atDesk(connect, async (desk) => {
        const sold = await desk.issue({ expiresAt: desk.clock.seconds + 600 })
        await findAndMend(desk, sold)
        await upgradeAndExtend(desk, sold)
        await moveToNewComputer(desk, sold)
        await readTheRest(desk)
        const acts = await ownersActs(desk, sold)
        const before = await desk.stored()
        for (const [name, act] of Object.entries(acts)) {
          const { code, message } = await refusalOf(act() as Promise<unknown>)
          assert.equal(code, 'forbidden', name)
          assert.match(message, /^This API key (lacks the scopes? |may not )/, name)
          assert.equal(await desk.stored(), before, `${name}: something was written`)
        }
      }))
})
