import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { inputFor, pathOf } from './call-route.ts'
import { newFixture } from './fixture.ts'
import { newShopServer, serve, storages, type Json, type Send } from './test-server.ts'
import { newShop } from '../support/fixtures.ts'

interface Page {
  readonly data: readonly { readonly id: string; readonly email?: string }[]
  readonly meta: {
    readonly total?: number
    readonly page?: number
    readonly per_page: number
    readonly next_cursor: string | null
  }
}

const paged = routes.filter(({ query }) => query !== undefined && 'cursor' in query.schema.properties)

/** Query strings that every list refuses, each with the broken field. */
const malformed: Readonly<Record<string, string>> = {
  'per_page=101': 'per_page',
  'per_page=0': 'per_page',
  'per_page=-1': 'per_page',
  'per_page=1.0': 'per_page',
  'per_page=1e1': 'per_page',
  'per_page=%2B1': 'per_page',
  'per_page=01': 'per_page',
  'per_page=%2020': 'per_page',
  'per_page=ten': 'per_page',
  'per_page=': 'per_page',
  'per_page=999999999999999999999': 'per_page',
  'page=0': 'page',
  'page=x': 'page',
  'page=1&page=2': 'page',
  'per_page=20&per_page=20': 'per_page',
  'perPage=20': '(unknown)',
  'page[]=1': '(unknown)',
  'nonsense=1': 'nonsense',
  'cursor=': 'cursor',
  'cursor=x': 'cursor',
  'cursor=W10': 'cursor',
  [`cursor=${btoa('["lic_1",1,2]')}`]: 'cursor',
  [`cursor=${btoa('{"id":"lic_1"}')}`]: 'cursor',
  [`cursor=${btoa('["lic_1\' or 1=1 --"]')}`]: 'cursor',
  [`cursor=${'A'.repeat(600)}`]: 'cursor',
  'sort=name': 'sort',
  'id=1': 'id',
}

describe('lists', () => {
  for (const { method, path } of paged)
    test(`GET ${path}: refuses malformed and unknown query parameters`, async () => {
      const fixture = await newFixture()
      const where = pathOf(path, await inputFor(fixture, `${method} ${path}`))
      for (const [query, field] of Object.entries(malformed)) {
        const response = await fixture.send('GET', `${where}?${query}`, { key: fixture.keys.sk })
        assert.equal(response.status, 422, `${where}?${query}: ${response.text}`)
        assert.ok(Object.hasOwn(response.error().details ?? {}, field), `${query}: ${response.text}`)
      }
    })

  test('a route without query parameters: refuses any', async () => {
    const fixture = await newFixture()
    for (const row of [
      'GET /apps/:slug',
      'GET /apps/:slug/public-key',
      'GET /apps/:slug/tiers/:tier/features',
    ]) {
      const where = pathOf(row.slice(4), await inputFor(fixture, row))
      assert.equal((await fixture.send('GET', `${where}?a=1`, { key: fixture.keys.sk })).status, 422, row)
      assert.equal((await fixture.send('GET', `${where}?`, { key: fixture.keys.sk })).status, 200, row)
    }
  })

  test('GET /apps?per_page=100: allowed', async () => {
    const { send, keys } = await newShopServer()
    const { meta } = (await send('GET', '/apps?per_page=100', { key: keys.sk })).json<Page>()
    assert.deepEqual(meta, { total: 1, page: 1, per_page: 100, next_cursor: null })
  })
})

const customers = '/apps/desktop-app/customers'

async function add(send: Send, key: string, email: string): Promise<string> {
  const response = await send('POST', customers, { key, body: { email } })
  assert.equal(response.status, 201, email)
  return String(response.data<Json>().id)
}

describe('GET /apps/:slug/customers', () => {
  for (const [name, use] of storages)
    test(`cursor: skips and repeats nothing while customers come and go, on ${name}`, () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
        } = await serve(await newShop({ storage }))
        const standing: string[] = []
        for (let at = 0; at < 30; at++) standing.push(await add(send, key, `customer-${at}@example.com`))
        const met: string[] = []
        let next: string | null = ''
        for (let step = 0; next !== null; step++) {
          const from: string = next === '' ? '' : `&cursor=${encodeURIComponent(next)}`
          const page = (await send('GET', `${customers}?per_page=4${from}`, { key })).json<Page>()
          assert.equal('total' in page.meta, next === '')
          met.push(...page.data.map(({ id }) => id))
          next = page.meta.next_cursor
          await add(send, key, `late-${step}@example.com`)
          const last = page.data.at(-1)!.id
          // Deletes the row that the cursor was made from, and later one that is still to come.
          const gone = standing[standing.indexOf(last) - 2]
          await send('DELETE', `${customers}/${last}`, { key })
          if (gone !== undefined && step === 2) {
            assert.equal((await send('DELETE', `${customers}/${gone}`, { key })).status, 204)
            standing.splice(standing.indexOf(gone), 1)
          }
        }
        assert.equal(new Set(met).size, met.length)
        assert.deepEqual(met.slice(0, standing.length), standing.toReversed())
      }))

  test('page: newest first, with the total', async () => {
    const { send, keys } = await newShopServer()
    for (let at = 0; at < 5; at++) await add(send, keys.sk, `customer-${at}@example.com`)
    const page = (await send('GET', `${customers}?per_page=2&page=2`, { key: keys.pk })).json<Page>()
    assert.deepEqual(
      page.data.map(({ email }) => email),
      ['customer-2@example.com', 'customer-1@example.com'],
    )
    assert.equal(page.meta.total, 6)
    assert.equal(page.meta.page, 2)
    const beyond = (await send('GET', `${customers}?page=1000000`, { key: keys.pk })).json<Page>()
    assert.deepEqual([beyond.data, beyond.meta.total, beyond.meta.next_cursor], [[], 6, null])
  })

  test('cursor with page, or a cursor of another list: 422', async () => {
    const {
      send,
      keys: { sk: key },
      licensing,
    } = await newShopServer()
    for (let at = 0; at < 3; at++) await licensing.tiers.create('desktop-app', { name: 'T', slug: `t${at}` })
    for (let at = 0; at < 3; at++) await add(send, key, `customer-${at}@example.com`)
    const cursorOf = async (list: string): Promise<string> =>
      encodeURIComponent(
        (await send('GET', `${list}?per_page=1`, { key })).json<Page>().meta.next_cursor ?? '',
      )
    const cursor = await cursorOf(customers)
    assert.equal((await send('GET', `${customers}?cursor=${cursor}`, { key })).status, 200)
    assert.equal((await send('GET', `${customers}?cursor=${cursor}&page=1`, { key })).status, 422)
    const foreign = await cursorOf('/apps/desktop-app/tiers')
    assert.equal((await send('GET', `${customers}?cursor=${foreign}`, { key })).status, 422)
    assert.equal((await send('GET', `/apps/desktop-app/tiers?cursor=${cursor}`, { key })).status, 422)
  })
})

describe('a plus sign in a query', () => {
  test('by-email: a blank in an address is refused, and %2B finds it', async () => {
    const { send, keys } = await newShopServer()
    await add(send, keys.sk, 'a+b@x.org')
    const by = (query: string) => send('GET', `${customers}/by-${query}`, { key: keys.sk })
    const plain = await by('email?email=a+b@x.org')
    assert.equal(plain.status, 422)
    assert.match(plain.error().details?.email?.[0] ?? '', /write a plus sign as %2B/)
    assert.equal((await by('email?email=a%2Bb@x.org')).status, 200)
    assert.equal((await by('email?email=c%2Bd@x.org')).error().message, 'Customer not found')
  })

  test('by-external-id: the error says it, and an id with a blank is found', async () => {
    const { send, keys } = await newShopServer()
    const key = keys.sk
    for (const external_id of ['crm+1', 'crm 2'])
      await send('POST', customers, { key, body: { email: `${external_id.at(-1)}@x.org`, external_id } })
    const by = (id: string) => send('GET', `${customers}/by-external-id?external_id=${id}`, { key })
    const plain = await by('crm+1')
    assert.equal(plain.status, 404)
    assert.equal(plain.error().message, 'Customer not found: in a URL, write a plus sign as %2B')
    assert.equal((await by('crm%2B1')).status, 200)
    assert.equal((await by('crm+2')).status, 200)
    assert.equal((await by('crm3')).error().message, 'Customer not found')
  })
})

describe('filters', () => {
  for (const [name, use] of storages)
    test(`GET /apps/:slug/customers?email=: % and _ are ordinary characters, on ${name}`, () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
        } = await serve(await newShop({ storage }))
        for (const email of [
          '100%@example.com',
          'a_b@example.com',
          'axb@example.com',
          'back\\slash@example.com',
          'Étienne@example.com',
        ])
          await add(send, key, email)
        const found = async (part: string): Promise<readonly (string | undefined)[]> => {
          const response = await send('GET', `${customers}?email=${encodeURIComponent(part)}`, { key })
          return response.json<Page>().data.map(({ email }) => email)
        }
        assert.deepEqual(await found('%'), ['100%@example.com'])
        assert.deepEqual(await found('_'), ['a_b@example.com'])
        assert.deepEqual(await found('\\'), ['back\\slash@example.com'])
        assert.deepEqual(await found('ÉTIENNE'), ['Étienne@example.com'])
        assert.deepEqual(await found("' or 1=1 --"), [])
        assert.equal((await found('@EXAMPLE.com')).length, 6)
      }))

  test('GET /apps/:slug/licenses: each filter follows its rule', async () => {
    const {
      send,
      keys: { sk: key, pk },
      issue,
      customer,
    } = await newShopServer()
    const [first] = [await issue(), await issue(), await issue()]
    const licenses = '/apps/desktop-app/licenses'
    await send('POST', `${licenses}/${first.id}/revoke`, { key })
    const count = async (query: string): Promise<number | undefined> =>
      (await send('GET', `${licenses}?${query}`, { key })).json<Page>().meta.total
    assert.equal(await count('status=revoked'), 1)
    assert.equal(await count('status=active'), 2)
    assert.equal(await count(`customer_id=${customer.id}`), 3)
    assert.equal(await count('customer_id=cus_nobody'), 0)
    assert.equal(await count('tier_id=pro'), 3)
    assert.equal(await count('tier_id=nothing'), 0)
    assert.equal(await count(`installation_id=${first.installationId.toUpperCase()}`), 1)
    for (const query of [
      'status=Active',
      'status=',
      'installation_id=x',
      'include=tokens',
      'include=token&per_page=21',
    ])
      assert.equal((await send('GET', `${licenses}?${query}`, { key })).status, 422, query)
    const tokens = (await send('GET', `${licenses}?include=token`, { key })).json<{
      data: { token: unknown }[]
    }>()
    assert.deepEqual(
      tokens.data.map(({ token }) => typeof token),
      ['string', 'string', 'object'],
    )
    assert.equal((await send('GET', `${licenses}?include=token`, { key: pk })).status, 403)
    assert.doesNotMatch((await send('GET', licenses, { key })).text, /eyJ/)
  })
})
