import assert from 'node:assert/strict'
import { test } from 'node:test'
import { treaty } from '@elysiajs/eden'
import { Elysia, t } from 'elysia'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { newShop } from '../support/fixtures.ts'

type IsSame<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false

/** Compiles only if both types are the same. `any` is the same as itself alone. */
function assertSame<One, Other>(same: IsSame<One, Other>): void {
  assert.equal(same, true)
}

function hostRoutes() {
  return new Elysia()
    .state('visits', 0)
    .get('/shop', () => ({ name: 'Shop' as const, visits: 1 }))
    .post('/orders/:id', ({ params, body }) => ({ id: params.id, total: body.count * 2 }), {
      body: t.Object({ count: t.Number() }),
    })
}

test('the routes of a host with the plugin: have the types that they have without it', async () => {
  const { licensing } = await newShop()
  const before = hostRoutes()
  const app = hostRoutes().use(licensingServer(licensing))
  const first = new Elysia().use(licensingServer(licensing)).use(hostRoutes())
  const grouped = hostRoutes().group('/licensing', (group) => group.use(licensingServer(licensing)))
  assertSame<(typeof app)['~Routes'], (typeof before)['~Routes']>(true)
  assertSame<(typeof grouped)['~Routes']['orders'], (typeof before)['~Routes']['orders']>(true)
  assertSame<(typeof app)['store'], (typeof before)['store']>(true)
  assertSame<(typeof first)['~Routes']['shop'], (typeof before)['~Routes']['shop']>(true)
})

test('Eden: calls the routes of a host with the plugin, and knows their types', async () => {
  const { licensing } = await newShop()
  const app = hostRoutes().use(licensingServer(licensing))
  const api = treaty(app)
  const { data: shop } = await api.shop.get()
  assertSame<typeof shop, { name: 'Shop'; visits: number } | null>(true)
  assert.deepEqual(shop, { name: 'Shop', visits: 1 })
  const { data: order } = await api.orders({ id: '7' }).post({ count: 21 })
  assertSame<NonNullable<typeof order>['total'], number>(true)
  assert.deepEqual(order, { id: '7', total: 42 })
  // @ts-expect-error The body needs a number.
  const wrong = await api.orders({ id: '7' }).post({ count: 'many' })
  assert.equal(wrong.status, 422)
  // @ts-expect-error The host has no such route.
  assert.equal((await api.nothing.get()).status, 404)
  const response = await app.handle(new Request('http://localhost/api/health'))
  assert.equal(response.status, 200)
})
