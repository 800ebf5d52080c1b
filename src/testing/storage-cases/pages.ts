import assert from 'node:assert/strict'
import type { Page, Position, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addShop,
  idsOf,
  newApiKey,
  newCustomer,
  newFeature,
  newLicense,
  newTier,
  several,
} from './records.ts'

interface Listed {
  readonly id: string
  readonly position?: number
}

/** One list of the contract. */
interface List {
  /** Adds one record and answers it. */
  add(): Promise<Listed>
  remove(id: string): Promise<unknown>
  list(page: Page): Promise<readonly Listed[]>
  count(): Promise<number>
}

type OpenList = (storage: Storage) => Promise<List>

/** Every list that comes newest first. */
const newestFirstLists: Readonly<Record<string, OpenList>> = {
  apps: async (storage) => ({
    add: () => addApp(storage),
    remove: (id) => storage.deleteApp(id),
    list: (page) => storage.listApps({}, page),
    count: () => storage.countApps({}),
  }),
  features: async (storage) => {
    const app = await addApp(storage)
    return {
      add: () => added(newFeature(app.id), (feature) => storage.insertFeature(feature)),
      remove: (id) => storage.deleteFeature(id),
      list: (page) => storage.listFeatures(app.id, page),
      count: () => storage.countFeatures(app.id),
    }
  },
  customers: async (storage) => {
    const app = await addApp(storage)
    return {
      add: () => added(newCustomer(app.id), (customer) => storage.insertCustomer(customer)),
      remove: (id) => storage.deleteCustomer(id),
      list: (page) => storage.listCustomers({ appId: app.id }, page),
      count: () => storage.countCustomers({ appId: app.id }),
    }
  },
  licenses: async (storage) => {
    const shop = await addShop(storage)
    const filter = { appId: shop.app.id, now: 0 }
    return {
      add: () => added(newLicense(shop), (license) => storage.insertLicense(license)),
      remove: (id) => storage.deleteLicense(id),
      list: (page) => storage.listLicenses(filter, page),
      count: () => storage.countLicenses(filter),
    }
  },
}

async function added<R extends Listed>(record: R, insert: (record: R) => Promise<unknown>): Promise<R> {
  await insert(record)
  return record
}

/** Walks a list by `after`, doing `between` before every page but the first. */
async function walk(
  list: List,
  limit: number,
  between: (seen: Listed[]) => Promise<unknown>,
): Promise<string[]> {
  const seen: Listed[] = []
  for (;;) {
    const last = seen.at(-1)
    const page = await list.list(last === undefined ? { limit } : { limit, after: placeOf(last) })
    seen.push(...page)
    if (page.length < limit) return idsOf(seen)
    await between(seen)
  }
}

function placeOf({ id, position }: Listed): Position {
  return position === undefined ? { id } : { id, position }
}

function casesOf(name: string, open: OpenList): ConformanceCase[] {
  const listCase = (promise: string, work: (list: List) => Promise<void>): ConformanceCase =>
    storageCase(`${name}: ${promise}`, async (storage) => work(await open(storage)))
  return [
    listCase('come newest first, and are counted', async (list) => {
      assert.deepEqual(await list.list({ limit: 5 }), [])
      const records = await several(7, list.add)
      assert.deepEqual(idsOf(await list.list({ limit: 100 })), idsOf(records).reverse())
      assert.equal(await list.count(), 7)
    }),
    listCase('pages by offset make up the whole list', async (list) => {
      const newest = idsOf(await several(7, list.add)).reverse()
      const pages = await several(4, (index) => list.list({ limit: 3, offset: index * 3 }))
      assert.deepEqual(
        pages.map((page) => page.length),
        [3, 3, 1, 0],
      )
      assert.deepEqual(idsOf(pages.flat()), newest)
    }),
    listCase('pages by `after` stay whole while records are added', async (list) => {
      const newest = idsOf(await several(7, list.add)).reverse()
      assert.deepEqual(await walk(list, 3, list.add), newest)
    }),
    listCase('pages by `after` stay whole while records are removed, even the one named', async (list) => {
      const newest = idsOf(await several(7, list.add)).reverse()
      const seen = await walk(list, 2, (soFar) => list.remove(soFar.at(-1)!.id))
      assert.deepEqual(seen, newest)
    }),
  ]
}

const tierCases: readonly ConformanceCase[] = [
  storageCase('tiers: come by position, then by id', async (storage) => {
    const app = await addApp(storage)
    const positions = [2, 0, 1, 0, -1, 2]
    const tiers = positions.map((position) => newTier(app.id, { position }))
    for (const tier of tiers) await storage.insertTier(tier)
    const expected = [4, 1, 3, 2, 0, 5].map((index) => tiers[index]!.id)
    assert.deepEqual(idsOf(await storage.listTiers(app.id, { limit: 100 })), expected)
    assert.deepEqual(idsOf(await storage.listTiers(app.id, { limit: 2, offset: 3 })), expected.slice(3, 5))
    assert.equal(await storage.countTiers(app.id), 6)
  }),
  storageCase('tiers: pages by `after` stay whole while tiers are added and removed', async (storage) => {
    const app = await addApp(storage)
    const add = (position: number) => added(newTier(app.id, { position }), (tier) => storage.insertTier(tier))
    const tiers = await several(7, (index) => add(Math.floor(index / 3)))
    const list: List = {
      add: () => add(-1),
      remove: (id) => storage.deleteTier(id),
      list: (page) => storage.listTiers(app.id, page),
      count: () => storage.countTiers(app.id),
    }
    const seen = await walk(list, 2, async (soFar) => {
      await list.remove(soFar.at(-1)!.id)
      await list.add()
    })
    assert.deepEqual(seen, idsOf(tiers))
  }),
  storageCase('tiers: a new position moves a tier', async (storage) => {
    const app = await addApp(storage)
    const tiers = await several(3, (position) =>
      added(newTier(app.id, { position }), (tier) => storage.insertTier(tier)),
    )
    await storage.updateTier(tiers[0]!.id, { position: 9 })
    const expected = [1, 2, 0].map((index) => tiers[index]!.id)
    assert.deepEqual(idsOf(await storage.listTiers(app.id, { limit: 9 })), expected)
  }),
]

const apiKeyCases: readonly ConformanceCase[] = [
  storageCase('API keys: come newest first, page by page', async (storage) => {
    const keys = await several(5, () => added(newApiKey(), (key) => storage.insertApiKey(key)))
    const newest = idsOf(keys).reverse()
    const after = { id: newest[1]! }
    assert.deepEqual(idsOf(await storage.listApiKeys({}, { limit: 9 })), newest)
    assert.deepEqual(idsOf(await storage.listApiKeys({}, { limit: 2, offset: 2 })), newest.slice(2, 4))
    assert.deepEqual(idsOf(await storage.listApiKeys({}, { limit: 2, after })), newest.slice(2, 4))
    assert.equal(await storage.countApiKeys({}), 5)
  }),
]

const orderCases: readonly ConformanceCase[] = [
  storageCase(
    'pages: ids are in the order of their characters’ numbers, in no language’s',
    async (storage) => {
      const falling = ['~', 'b', 'a', '_', 'B', 'A', '9', '-'].map((end) => `app_${end}`)
      for (const [at, id] of falling.toSorted().entries()) await addApp(storage, { id, slug: `slug-${at}` })
      assert.deepEqual(idsOf(await storage.listApps({}, { limit: 9 })), falling)
      const after = { id: 'app_a' }
      assert.deepEqual(idsOf(await storage.listApps({}, { limit: 9, after })), falling.slice(3))
    },
  ),
]

export const pageCases: readonly ConformanceCase[] = [
  ...Object.entries(newestFirstLists).flatMap(([name, open]) => casesOf(name, open)),
  ...tierCases,
  ...apiKeyCases,
  ...orderCases,
]
