import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Licensing, NewApiKey } from '../../src/core/index.ts'
import { codeOf, newShop, type Shop } from '../support/fixtures.ts'

const app = 'desktop-app'

interface Item {
  readonly id: string
}

interface Kind {
  readonly add: (shop: Shop, number: number) => Promise<unknown>
  readonly all: (shop: Shop) => AsyncIterable<Item>
  readonly list: (shop: Shop, page: number) => Promise<{ readonly data: readonly Item[] }>
}

/** A host's transaction signs nothing and needs no port, so a hundred records take no time. */
function host({ licensing, storage }: Shop): Licensing {
  return licensing.with(storage)
}

/** Every list of which tests can make more than one page. */
const kinds: Readonly<Record<string, Kind>> = {
  'apps.all': {
    add: ({ licensing }, number) =>
      licensing.apps.create({ name: 'n', slug: `app-${number}` }, { mode: 'live' }),
    all: ({ licensing }) => licensing.apps.all(),
    list: ({ licensing }, page) => licensing.apps.list({ page, perPage: 100 }),
  },
  'tiers.all': {
    add: (shop, number) =>
      host(shop).tiers.create(app, { name: 'n', slug: `t${number}`, position: number % 3 }),
    all: ({ licensing }) => licensing.tiers.all(app),
    list: ({ licensing }, page) => licensing.tiers.list(app, { page, perPage: 100 }),
  },
  'features.all': {
    add: (shop, number) => host(shop).features.create(app, { name: 'n', slug: `f${number}` }),
    all: ({ licensing }) => licensing.features.all(app),
    list: ({ licensing }, page) => licensing.features.list(app, { page, perPage: 100 }),
  },
  'customers.all': {
    add: (shop, number) => host(shop).customers.create(app, { email: `c${number}@example.com` }),
    all: ({ licensing }) => licensing.customers.all(app),
    list: ({ licensing }, page) => licensing.customers.list(app, { page, perPage: 100 }),
  },
  'licenses.all': {
    add: (shop) =>
      host(shop).licenses.create(app, {
        installationId: crypto.randomUUID(),
        customerId: shop.customer.id,
        tierId: 'pro',
        forever: true,
      }),
    all: ({ licensing }) => licensing.licenses.all(app),
    list: ({ licensing }, page) => licensing.licenses.list(app, { page, perPage: 100 }),
  },
  'licenseKeys.all': {
    add: (shop) =>
      host(shop).licenseKeys.create(app, { customerId: shop.customer.id, tierId: 'pro', forever: true }),
    all: ({ licensing }) => licensing.licenseKeys.all(app),
    list: ({ licensing }, page) => licensing.licenseKeys.list(app, { page, perPage: 100 }),
  },
  'apiKeys.all': {
    add: (shop) => host(shop).apiKeys.create({}),
    all: ({ licensing }) => licensing.apiKeys.all(),
    list: ({ licensing }, page) => licensing.apiKeys.list({ page, perPage: 100 }),
  },
  'webhooks.allDeliveries': {
    add: async (shop, number) => {
      if (number === 0) await host(shop).apps.update(app, { webhookUrl: 'https://example.com/hook' })
      await host(shop).webhooks.test(app)
    },
    all: ({ licensing }) => licensing.webhooks.allDeliveries(app),
    list: ({ licensing }, page) => licensing.webhooks.deliveries(app, { page, perPage: 100 }),
  },
}

async function idsOf(items: AsyncIterable<Item>): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { id } of items) ids.push(id)
  return ids
}

for (const [name, { add, all, list }] of Object.entries(kinds))
  test(`${name}(): gives each item of two pages once, in the order of the list`, async () => {
    const shop = await newShop()
    for (let number = 0; number < 105; number++) await add(shop, number)
    const pages = [(await list(shop, 1)).data, (await list(shop, 2)).data]
    const ids = await idsOf(all(shop))
    assert.deepEqual(
      ids,
      pages.flat().map(({ id }) => id),
    )
    assert.ok(ids.length > 100)
  })

test('licenses.all(): takes a filter, and gives tokens in pages of twenty', async () => {
  const { licensing, customer, issue } = await newShop()
  const issued = []
  for (let number = 0; number < 22; number++) issued.push(await issue())
  await licensing.licenses.revoke(app, issued[0]!.id)
  const tokens: unknown[] = []
  const filter = { status: 'active', customerId: customer.id, include: 'token' } as const
  for await (const { token } of licensing.licenses.all(app, filter)) tokens.push(token)
  assert.deepEqual(
    tokens,
    issued
      .slice(1)
      .map(({ token }) => token)
      .toReversed(),
  )
})

test('all(): a wrong filter, and an app that is missing, reject the first step', async () => {
  const { licensing } = await newShop()
  const filter = { status: 'gone' } as never
  assert.equal(await codeOf(idsOf(licensing.licenses.all(app, filter))), 'validation_error')
  assert.equal(await codeOf(idsOf(licensing.tiers.all('no-app'))), 'not_found')
})

test('all(): reads the next page only when a loop asks for it', async () => {
  const shop = await newShop()
  const { licensing } = shop
  for (let number = 0; number < 101; number++)
    await host(shop).customers.create(app, { email: `c${number}@example.com` })
  const walk = licensing.customers.all(app)[Symbol.asyncIterator]()
  for (let count = 0; count < 100; count++) assert.equal((await walk.next()).done, false)
  await licensing.apps.delete(app)
  assert.equal(await codeOf(walk.next()), 'not_found')
})

test('all(): sees what the list sees: by the app, the mode and the type of a key', async () => {
  const { licensing, issue } = await newShop()
  const { id } = await issue()
  const walks = async (key: NewApiKey): Promise<readonly string[]> => {
    const { secret } = await licensing.apiKeys.create(key)
    const own = licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!)
    const { apps, tiers, features, customers, licenses, licenseKeys, webhooks, apiKeys } = own
    return Promise.all(
      [
        tiers.all(app),
        features.all(app),
        customers.all(app),
        licenses.all(app),
        licenses.all(app, { include: 'token' }),
        licenseKeys.all(app),
        licenseKeys.all(app, { include: 'key' }),
        webhooks.allDeliveries(app),
        apiKeys.all({ mode: 'live' }),
        apps.all(),
      ].map(async (items) => codeOf(idsOf(items))),
    )
  }
  const [ok, forbidden, missing] = ['ok', 'forbidden', 'not_found']
  assert.deepEqual(await walks({}), Array(10).fill(ok))
  assert.deepEqual(await walks({ app }), [...Array(8).fill(ok), forbidden, ok])
  const shown = [ok, ok, ok, ok, forbidden, ok, forbidden]
  assert.deepEqual(await walks({ type: 'pk' }), [...shown, forbidden, forbidden, ok])
  assert.deepEqual(await walks({ mode: 'test' }), [...Array(8).fill(missing), forbidden, ok])
  const { secret } = await licensing.apiKeys.create({ type: 'pk' })
  const own = licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!)
  for await (const license of own.licenses.all(app))
    assert.deepEqual([license.id, 'jti' in license], [id, false])
})
