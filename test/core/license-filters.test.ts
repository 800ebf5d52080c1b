import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LicenseQuery, SignedLicense } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { codeOf, day, newShop, refusalOf, start, type Shop } from '../support/fixtures.ts'

const app = 'desktop-app'

/** Licenses that were created day by day. The later one is, the sooner it ends, and the last one never ends. */
async function stocked(): Promise<Shop & { readonly licenses: readonly SignedLicense[] }> {
  const shop = await newShop({ storage: await sqliteStorage({ filename: ':memory:' }) })
  const licenses: SignedLicense[] = []
  for (let at = 0; at < 5; at++) {
    shop.clock.seconds = start + at * day
    licenses.push(await shop.issue(at === 4 ? { forever: true } : { expiresAt: start + (20 - at) * day }))
  }
  return { ...shop, licenses }
}

async function order({ licensing, licenses }: Awaited<ReturnType<typeof stocked>>, query: LicenseQuery) {
  const { data } = await licensing.licenses.list(app, query)
  return data.map((license) => licenses.findIndex(({ id }) => id === license.id))
}

describe('licensing.licenses.list()', () => {
  test('filters by times: from one on, and before another', async () => {
    const shop = await stocked()
    const cases: readonly (readonly [query: LicenseQuery, expected: readonly number[]])[] = [
      [{}, [4, 3, 2, 1, 0]],
      [{ expiresBefore: start + 18 * day }, [3]],
      [{ expiresBefore: new Date((start + 18 * day + 1) * 1000) }, [3, 2]],
      [{ expiresAfter: start + 18 * day }, [2, 1, 0]],
      [{ expiresAfter: start + 18 * day + 1 }, [1, 0]],
      [{ expiresAfter: start + 18 * day, expiresBefore: start + 19 * day }, [2]],
      [{ expiresAfter: start + 19 * day, expiresBefore: start + 18 * day }, []],
      [{ createdAfter: start + 3 * day }, [4, 3]],
      [{ createdAfter: start + 3 * day + 1 }, [4]],
      [{ createdAfter: start + 2 * day, expiresAfter: 0 }, [3, 2]],
      [{ seenBefore: start + 99 * day }, []],
      [{ sort: 'created_at' }, [0, 1, 2, 3, 4]],
      [{ sort: '-created_at' }, [4, 3, 2, 1, 0]],
      [{ sort: 'expires_at' }, [3, 2, 1, 0, 4]],
      [{ sort: '-expires_at' }, [0, 1, 2, 3, 4]],
      [{ sort: '-created_at', expiresBefore: start + 19 * day }, [3, 2]],
    ]
    for (const [query, expected] of cases)
      assert.deepEqual(await order(shop, query), expected, JSON.stringify(query))
  })

  test('combines times with a status, whose order is by the end where the end decides', async () => {
    const shop = await stocked()
    shop.clock.seconds = start + 18 * day
    await shop.licensing.licenses.revoke(app, shop.licenses[1]!.id)
    const cases: readonly (readonly [query: LicenseQuery, expected: readonly number[]])[] = [
      [{ status: 'expired', createdAfter: start }, [2, 3]],
      [{ status: 'active', createdAfter: start }, [4, 0]],
      [{ status: 'active', expiresAfter: start }, [0]],
      [{ status: 'active', sort: 'expires_at' }, [0, 4]],
      [{ status: 'revoked', expiresAfter: start }, [1]],
      [{ status: 'revoked', createdAfter: start + 2 * day }, []],
    ]
    for (const [query, expected] of cases)
      assert.deepEqual(await order(shop, query), expected, JSON.stringify(query))
  })

  test('seenBefore finds who renewed before, the last one seen first, and never who was never seen', async () => {
    const shop = await stocked()
    const { licensing, clock, licenses } = shop
    for (const at of [2, 0]) {
      clock.seconds += day
      const { token, id } = licenses[at]!
      await licensing.licenses.renew(app, id, token)
    }
    assert.deepEqual(await order(shop, { seenBefore: clock.seconds + 1 }), [0, 2])
    assert.deepEqual(await order(shop, { seenBefore: clock.seconds }), [2])
    assert.deepEqual(await order(shop, { seenBefore: clock.seconds + 1, sort: 'expires_at' }), [2, 0])
  })

  test('a cursor leads on in each order, and only in the order that it came from', async () => {
    const shop = await stocked()
    const { licensing, licenses } = shop
    const queries: readonly LicenseQuery[] = [
      {},
      { sort: 'created_at' },
      { sort: '-created_at' },
      { sort: 'expires_at' },
      { sort: '-expires_at' },
      { createdAfter: start },
    ]
    for (const query of queries) {
      const seen: string[] = []
      for await (const { id } of licensing.licenses.all(app, query)) seen.push(id)
      assert.deepEqual(
        seen.map((id) => licenses.findIndex((license) => license.id === id)),
        await order(shop, query),
      )
      const { nextCursor } = await licensing.licenses.list(app, { ...query, perPage: 2 })
      const own = await licensing.licenses.list(app, { ...query, perPage: 2, cursor: nextCursor! })
      assert.deepEqual(
        own.data.map(({ id }) => id),
        seen.slice(2, 4),
      )
      assert.equal(own.total, undefined)
    }
    const { nextCursor: cursor } = await licensing.licenses.list(app, { perPage: 1, sort: 'expires_at' })
    const { nextCursor: plain } = await licensing.licenses.list(app, { perPage: 1 })
    for (const query of [{}, { sort: '-expires_at' }, { sort: 'created_at' }] as const)
      assert.equal(
        await codeOf(licensing.licenses.list(app, { ...query, cursor: cursor! })),
        'validation_error',
      )
    const other = licensing.licenses.list(app, { sort: 'expires_at', cursor: plain! })
    assert.equal(await codeOf(other), 'validation_error')
  })

  test('a cursor of an earlier version leads on', async () => {
    const shop = await stocked()
    const cursor = btoa(JSON.stringify([shop.licenses[3]!.id])).replaceAll('=', '')
    assert.deepEqual(await order(shop, { cursor }), [2, 1, 0])
  })

  test('an extended license moves in the order of ends, and no other one comes twice or goes missing', async () => {
    const shop = await stocked()
    const { licensing, licenses } = shop
    const first = await licensing.licenses.list(app, { sort: 'expires_at', perPage: 2 })
    await licensing.licenses.update(app, licenses[1]!.id, { expiresAt: start + 1 * day + 6 * day })
    await licensing.licenses.update(app, licenses[2]!.id, { forever: true })
    const rest = await licensing.licenses.list(app, { sort: 'expires_at', cursor: first.nextCursor! })
    const ids = [...first.data, ...rest.data].map(({ id }) =>
      licenses.findIndex((license) => license.id === id),
    )
    // The second was moved before the cursor, and the third behind it.
    assert.deepEqual(ids, [3, 2, 0, 2, 4])
  })

  test('a public key learns no times of renewals', async () => {
    const shop = await stocked()
    const { secret } = await shop.licensing.apiKeys.create({ type: 'pk' })
    const own = shop.licensing.restrictedTo((await shop.licensing.apiKeys.authenticate(secret))!)
    const refusal = await refusalOf(own.licenses.list(app, { seenBefore: start }))
    assert.equal(refusal.code, 'forbidden')
    assert.equal((await own.licenses.list(app, { expiresAfter: start })).data.length, 4)
  })

  test('the total counts what passes the filter', async () => {
    const { licensing } = await stocked()
    const { total } = await licensing.licenses.list(app, { expiresAfter: start + 18 * day, perPage: 1 })
    assert.equal(total, 3)
  })
})
