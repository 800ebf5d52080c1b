import assert from 'node:assert/strict'
import { test } from 'node:test'
import { base64url } from 'jose'
import { createLicensing, type Listing, type Paging } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { keyPairSource } from '../support/keys.ts'
import { codeOf, isOverHttp, masterKey, newShop, refusalOf, type Shop } from '../support/fixtures.ts'

type List = (query: Paging) => Promise<Listing<{ readonly id: string }>>

interface Kind {
  readonly list: (shop: Shop) => List
  readonly add: (shop: Shop, number: number) => Promise<{ readonly id: string }>
  readonly remove: (shop: Shop, id: string) => Promise<unknown>
}

/** Every list, with functions that add and delete an item. */
const kinds: Readonly<Record<string, Kind>> = {
  apps: {
    list: ({ licensing }) => licensing.apps.list,
    add: ({ licensing }, number) => licensing.apps.create({ name: 'n', slug: `app-${number}` }),
    remove: ({ licensing }, id) => licensing.apps.delete(id),
  },
  tiers: {
    list:
      ({ licensing }) =>
      (query) =>
        licensing.tiers.list('desktop-app', query),
    add: ({ licensing }, number) =>
      // Many tiers share a position, so that both sort keys count.
      licensing.tiers.create('desktop-app', { name: 'n', slug: `t${number}`, position: number % 3 }),
    remove: ({ licensing }, id) => licensing.tiers.delete('desktop-app', id),
  },
  features: {
    list:
      ({ licensing }) =>
      (query) =>
        licensing.features.list('desktop-app', query),
    add: ({ licensing }, number) =>
      licensing.features.create('desktop-app', { name: 'n', slug: `f${number}` }),
    remove: ({ licensing }, id) => licensing.features.delete('desktop-app', id),
  },
  customers: {
    list:
      ({ licensing }) =>
      (query) =>
        licensing.customers.list('desktop-app', query),
    add: ({ licensing }, number) =>
      licensing.customers.create('desktop-app', { email: `c${number}@example.com` }),
    remove: ({ licensing }, id) => licensing.customers.delete('desktop-app', id),
  },
  licenses: {
    list:
      ({ licensing }) =>
      (query) =>
        licensing.licenses.list('desktop-app', query),
    add: ({ issue }) => issue(),
    remove: ({ licensing }, id) => licensing.licenses.delete('desktop-app', id),
  },
  'API keys': {
    list: ({ licensing }) => licensing.apiKeys.list,
    add: ({ licensing }) => licensing.apiKeys.create({}),
    // There is no call that deletes one key.
    remove: ({ licensing }, id) => licensing.apiKeys.revoke(id),
  },
}

const idsOf = ({ data }: Listing<{ readonly id: string }>): readonly string[] => data.map(({ id }) => id)

/** Walks by cursor from the first page to the last, and calls `between` after the first. */
async function walk(
  list: List,
  perPage: number,
  between = async (): Promise<void> => {},
): Promise<readonly string[]> {
  const first = await list({ perPage })
  await between()
  const seen = [...idsOf(first)]
  for (let cursor = first.nextCursor; cursor !== null;) {
    const page: Listing<{ readonly id: string }> = await list({ perPage, cursor })
    assert.ok(!('total' in page) && !('page' in page), 'a walk by cursor counts nothing')
    seen.push(...idsOf(page))
    cursor = page.nextCursor
  }
  return seen
}

for (const [what, kind] of Object.entries(kinds))
  test(`list(): pages and cursors of ${what} give every item once, in one order, for any page size`, async () => {
    const shop = await newShop()
    const list = kind.list(shop)
    for (let number = 0; number < 7; number++) await kind.add(shop, number)
    const all = await list({ perPage: 100 })
    const ids = idsOf(all)
    assert.deepEqual([all.total, all.page, all.perPage, all.nextCursor], [ids.length, 1, 100, null])
    for (const perPage of [1, 2, 3, ids.length - 1, ids.length, ids.length + 1]) {
      assert.deepEqual(await walk(list, perPage), ids, `by cursor, ${perPage} a page`)
      const pages: string[] = []
      for (let page = 1; page <= Math.ceil(ids.length / perPage); page++) {
        const listing = await list({ page, perPage })
        assert.deepEqual([listing.total, listing.page, listing.perPage], [ids.length, page, perPage])
        pages.push(...idsOf(listing))
      }
      assert.deepEqual(pages, ids, `by page, ${perPage} a page`)
    }
    const beyond = await list({ page: 1_000_000_000, perPage: 100 })
    assert.deepEqual([idsOf(beyond), beyond.total, beyond.nextCursor], [[], ids.length, null])
  })

for (const [what, kind] of Object.entries(kinds))
  test(`list(): a walk over ${what} loses and repeats nothing while others are added and deleted`, async () => {
    const shop = await newShop()
    const list = kind.list(shop)
    for (let number = 0; number < 8; number++) await kind.add(shop, number)
    const before = idsOf(await list({ perPage: 100 }))
    const [gone, last] = [before[3]!, before[1]!]
    const seen = await walk(list, 2, async () => {
      // Deletes the item of the cursor and one after it, and adds new ones.
      await kind.remove(shop, last)
      await kind.remove(shop, gone)
      for (let number = 20; number < 23; number++) await kind.add(shop, number)
    })
    assert.equal(new Set(seen).size, seen.length, 'nothing twice')
    const stayed = before.filter((id) => id !== gone)
    assert.deepEqual(
      before.filter((id) => seen.includes(id) && id !== gone),
      stayed,
      'nothing lost',
    )
  })

test('list(): a page has 1 to 100 items, 20 by default, and pages count from 1', async () => {
  const shop = await newShop()
  for (let number = 0; number < 25; number++) await kinds.customers!.add(shop, number)
  for (const { list } of Object.values(kinds)) {
    assert.equal((await list(shop)({})).perPage, 20)
    const odd: unknown[] = [0, -1, 101, 1e9, 1.5, null, true, Number.NaN, Infinity]
    // A query is text, so over HTTP this is a number.
    if (!isOverHttp) odd.push('5')
    for (const value of odd)
      for (const name of ['page', 'perPage']) {
        if (name === 'page' && (value === 101 || value === 1e9)) continue
        const error = await refusalOf(list(shop)({ [name]: value }))
        assert.deepEqual([error.code, Object.keys(error.details!)], ['validation_error', [name]])
      }
    assert.equal(await codeOf(list(shop)({ limit: 5 } as Paging)), 'validation_error')
  }
  assert.equal((await kinds.customers!.list(shop)({})).data.length, 20)
})

const cursorOf = (value: unknown): string => base64url.encode(JSON.stringify(value))

test('list(): refuses a malformed cursor, and a cursor together with a page', async () => {
  const shop = await newShop()
  const id = 'cus_01kfgt0000e008000000000001'
  const forged: readonly unknown[] = [
    ...[
      '',
      'x',
      '!!!!',
      '../..',
      'é',
      'A'.repeat(513),
      base64url.encode('not json'),
      base64url.encode(new Uint8Array([0xff])),
    ],
    ...[
      null,
      {},
      [],
      '',
      'cus_x',
      [1],
      [null],
      [[id]],
      { id },
      [id, 1, 2],
      [id, 'x'],
      [id, null],
      [id, 1.5],
      [`${id}'--`],
      [''],
    ].map(cursorOf),
    ...[5, null, [], {}, true],
  ]
  for (const [what, { list }] of Object.entries(kinds))
    for (const cursor of forged) {
      const error = await refusalOf(list(shop)({ cursor } as Paging))
      assert.deepEqual(
        [error.code, Object.keys(error.details!)],
        ['validation_error', ['cursor']],
        `${what} ${JSON.stringify(cursor)}`,
      )
    }
  const cursor = (await walkStart(shop))!
  const error = await refusalOf(shop.licensing.customers.list('desktop-app', { cursor, page: 1 }))
  assert.deepEqual([error.code, Object.keys(error.details!)], ['validation_error', ['cursor']])
})

async function walkStart(shop: Shop): Promise<string | null> {
  await kinds.customers!.add(shop, 1)
  return (await shop.licensing.customers.list('desktop-app', { perPage: 1 })).nextCursor
}

test('list(): refuses a cursor of another list', async () => {
  const shop = await newShop()
  const cursors = new Map<string, string>()
  for (const [what, { add, list }] of Object.entries(kinds)) {
    await add(shop, 40)
    await add(shop, 41)
    cursors.set(what, (await list(shop)({ perPage: 1 })).nextCursor!)
  }
  for (const [what, { list }] of Object.entries(kinds))
    for (const [origin, cursor] of cursors)
      assert.equal(
        await codeOf(list(shop)({ cursor })),
        origin === what ? 'ok' : 'validation_error',
        `${origin} for ${what}`,
      )
})

test('list(): a cursor shows only what the list shows', async () => {
  const shop = await newShop()
  const { licensing } = shop
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await licensing.customers.create('other-app', { email: 'secret@example.com' })
  const cursor = (await walkStart(shop))!
  const { data } = await licensing.customers.list('desktop-app', { cursor, perPage: 100 })
  assert.ok(data.every(({ email }) => email !== 'secret@example.com'))
  const filtered = await licensing.customers.list('desktop-app', { cursor, email: 'nobody' })
  assert.deepEqual(filtered.data, [])
})

test('list(): items of one millisecond are newest first too', async () => {
  const licensing = await createLicensing({
    storage: memoryStorage(),
    masterKey,
    newKeyPair: keyPairSource(),
  })
  await licensing.apps.create({ name: 'n', slug: 'quick' })
  const made: string[] = []
  for (let number = 0; number < 500; number++)
    made.unshift((await licensing.features.create('quick', { name: 'n', slug: `f${number}` })).id)
  assert.deepEqual(await walk((query) => licensing.features.list('quick', query), 100), made)
})
