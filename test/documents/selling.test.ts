import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { licensingServer } from '../../src/adapters/elysia.ts'
import type { LicenseKey } from '../../src/core/index.ts'
import { createLicensingClient, type RemoteLicensing } from '../../src/sdk/index.ts'
import { day, newShop, start, type Shop } from '../support/fixtures.ts'
import { randomFrom } from '../storage/race-tasks.ts'
import {
  customerId,
  eventOf,
  expandedSubscriptionOf,
  subscriptionId,
  subscriptionOf,
  type Standing,
} from './stripe-objects.ts'
import { openBackend, type Backend } from './vendor-backend.ts'

const app = 'desktop-app'
const year = 365 * day
const grace = 14 * day

const paid: Standing = {
  status: 'active',
  price: 'price_pro_year',
  quantity: 1,
  from: start,
  to: start + year,
  cancelAt: null,
  endedAt: null,
  reason: null,
  email: 'ada@example.com',
}

/** A shop with a backend of the page, whose Stripe holds one subscription. */
interface Vendor extends Backend, Shop {
  /** The subscription as Stripe’s API shows it. */
  standing: Standing
  /** Delays Stripe’s next responses, which have the state of their begin. */
  delay: () => Promise<void>
  /** The ids that the mails carried. */
  readonly mails: string[]
  /** The parts that a test may break. */
  readonly failing: { mail: boolean; update: boolean }
}

async function openVendor(
  surface: (shop: Shop) => Promise<RemoteLicensing> | RemoteLicensing,
): Promise<Vendor> {
  const shop = await newShop()
  const licensing = await surface(shop)
  const state = {
    standing: paid,
    delay: async (): Promise<void> => {},
    mails: [] as string[],
    failing: { mail: false, update: false },
  }
  const failOnce = (part: keyof typeof state.failing): void => {
    if (!state.failing[part]) return
    state.failing[part] = false
    throw new Error(`The ${part} has failed`)
  }
  const backend = await openBackend({
    licensing: {
      ...licensing,
      licenseKeys: {
        ...licensing.licenseKeys,
        update: async (...args) => {
          failOnce('update')
          return licensing.licenseKeys.update(...args)
        },
      },
    },
    now: () => shop.clock.seconds * 1000,
    stripeApi: async (path) => {
      assert.equal(path, `/v1/subscriptions/${subscriptionId}`)
      const response = expandedSubscriptionOf(state.standing)
      await state.delay()
      return response
    },
    mailKey: async (_to, _key, id) => {
      failOnce('mail')
      state.mails.push(id)
    },
  })
  return Object.assign(state, backend, shop)
}

/** Keeps the log of failures that a test causes out of its output. */
async function quietly(work: () => Promise<void>): Promise<void> {
  const { error } = console
  console.error = () => {}
  try {
    await work()
  } finally {
    console.error = error
  }
}

const inProcess = ({ licensing }: Shop): RemoteLicensing => licensing

/** The same licensing by `heartwood/sdk`. Its requests reach the server without a port, which would keep a test running. */
async function overHttp({ licensing }: Shop): Promise<RemoteLicensing> {
  const server = licensingServer(licensing, { standalone: true })
  const { secret } = await licensing.apiKeys.create({})
  return createLicensingClient({
    baseUrl: 'http://localhost',
    apiKey: secret,
    fetch: async (url, init) => server.fetch(new Request(url, init)),
  })
}

const surfaces = {
  'in process': inProcess,
  'over HTTP': overHttp,
}

function event(standing: Standing, type = 'customer.subscription.updated', id = 'evt_1'): string {
  return eventOf(id, type, subscriptionOf(standing))
}

/** The only license key, without what differs from shop to shop. */
async function stateOf({ licensing }: Shop): Promise<object | null> {
  const { data } = await licensing.licenseKeys.list(app)
  assert.ok(data.length <= 1)
  const [sold] = data as readonly LicenseKey[]
  if (sold === undefined) return null
  const { tier, seats, status, expiresAt } = sold
  return { tier, seats, status, expiresAt }
}

const cases: readonly (readonly [name: string, change: Partial<Standing>, sold: object | null])[] = [
  ['a paid one', {}, { expiresAt: start + year + grace, ended: null, seats: 1, tierId: 'pro' }],
  ['a trial', { status: 'trialing' }, { expiresAt: start + year + grace, ended: null }],
  ['one with another quantity', { quantity: 5 }, { seats: 5 }],
  ['one that ends with its period', { cancelAt: start + year }, { expiresAt: start + year, ended: null }],
  ['a renewal that failed', { status: 'past_due' }, { expiresAt: start + grace, ended: null }],
  ['one that stayed unpaid', { status: 'unpaid' }, { expiresAt: start + grace, ended: null }],
  [
    'one that ended unpaid',
    { status: 'canceled', endedAt: start + 30 * day, reason: 'payment_failed' },
    { expiresAt: start + grace, ended: null },
  ],
  [
    'one that has ended with its period',
    { status: 'canceled', endedAt: start + year - 5, reason: 'cancellation_requested' },
    { expiresAt: start + year - 5, ended: null },
  ],
  [
    'one that was cancelled at once',
    { status: 'canceled', endedAt: start + day, reason: 'cancellation_requested' },
    { expiresAt: start + day, ended: 'refund' },
  ],
  [
    'one that was disputed',
    { status: 'canceled', endedAt: start + day, reason: 'payment_disputed' },
    { expiresAt: start + day, ended: 'dispute' },
  ],
  ['one that was never paid', { status: 'incomplete' }, null],
  ['one whose first payment failed', { status: 'incomplete_expired' }, null],
  ['one of another product', { price: 'price_of_a_mug' }, null],
  ['one of a deleted customer', { email: null }, null],
]

test('saleOf(): says how a subscription of Stripe stands', async () => {
  const vendor = await openVendor(inProcess)
  for (const [name, change, sold] of cases) {
    vendor.standing = { ...paid, ...change }
    const sale = await vendor.saleOf(subscriptionId)
    if (sold === null) assert.equal(sale, null, name)
    else assert.deepEqual({ ...sale, ...sold }, sale, name)
  }
  vendor.standing = paid
  const { externalId, customer, asOf } = (await vendor.saleOf(subscriptionId))!
  assert.deepEqual(
    { externalId, customer, asOf },
    {
      externalId: `stripe:${subscriptionId}`,
      customer: { email: 'ada@example.com', name: 'Ada', externalId: `stripe:${customerId}` },
      asOf: start,
    },
  )
})

test('onStripeEvent(): refuses a body that Stripe did not sign, or signed six minutes ago', async () => {
  const vendor = await openVendor(inProcess)
  const now = Math.floor(Date.now() / 1000)
  const payload = event(paid)
  const unsigned = new Request('http://localhost/stripe', { method: 'POST', body: payload })
  const headers = { 'stripe-signature': await vendor.sign(payload) }
  const changed = new Request('http://localhost/stripe', { method: 'POST', headers, body: `${payload} ` })
  assert.equal((await vendor.onStripeEvent(unsigned)).status, 400)
  assert.equal((await vendor.onStripeEvent(changed)).status, 400)
  assert.equal((await vendor.send(payload, now - 360)).status, 400)
  assert.equal(await stateOf(vendor), null)
  assert.equal((await vendor.send(payload)).status, 200)
  assert.notEqual(await stateOf(vendor), null)
})

test('onStripeEvent(): takes no notice of an event about something else', async () => {
  const vendor = await openVendor(inProcess)
  const payload = eventOf('evt_1', 'product.updated', { id: 'prod_1', object: 'product' })
  assert.equal((await vendor.send(payload)).status, 200)
  assert.equal(await stateOf(vendor), null)
})

for (const [name, surface] of Object.entries(surfaces)) {
  test(`onStripeEvent(), ${name}: a mail gets lost neither before nor after it was sent`, async () => {
    const vendor = await openVendor(surface)
    await quietly(async () => {
      vendor.failing.mail = true
      assert.equal((await vendor.send(event(paid))).status, 500)
      assert.deepEqual([vendor.mails.length, (await stateOf(vendor)) !== null], [0, true])
      vendor.failing.update = true
      assert.equal((await vendor.send(event(paid))).status, 500)
    })
    assert.equal((await vendor.send(event(paid))).status, 200)
    assert.equal((await vendor.send(event(paid))).status, 200)
    const [sold] = (await vendor.licensing.licenseKeys.list(app)).data
    assert.deepEqual(vendor.mails, [sold?.id, sold?.id], 'the mail service drops the second by its id')
  })

  test(`onStripeEvent(), ${name}: two events at once make one license key`, async () => {
    const vendor = await openVendor(surface)
    const sent = await Promise.all([vendor.send(event(paid)), vendor.send(event(paid))])
    assert.deepEqual(
      sent.map(({ status }) => status),
      [200, 200],
    )
    assert.equal(new Set(vendor.mails).size, 1)
    assert.equal((await vendor.licensing.licenseKeys.list(app)).total, 1)
  })
}

test('onStripeEvent(): a response of Stripe that comes late never undoes a newer one', async () => {
  const vendor = await openVendor(inProcess)
  await vendor.send(event(paid))
  const [asked, responds] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  vendor.delay = () => {
    asked.resolve()
    return responds.promise
  }
  const late = vendor.send(event(paid))
  await asked.promise
  vendor.delay = async () => {}
  vendor.clock.seconds += 1
  vendor.standing = { ...paid, status: 'canceled', endedAt: start + 1, reason: 'cancellation_requested' }
  assert.equal((await vendor.send(event(paid, 'customer.subscription.deleted'))).status, 200)
  responds.resolve()
  assert.equal((await late).status, 200)
  assert.deepEqual(await stateOf(vendor), { tier: 'pro', seats: 1, status: 'revoked', expiresAt: start + 1 })
})

/** The life of a subscription, a day between two changes. */
const life: readonly Partial<Standing>[] = [
  { status: 'incomplete' },
  {},
  { quantity: 3 },
  { quantity: 3, cancelAt: start + year },
  { status: 'trialing', quantity: 3 },
  { status: 'past_due', from: start + year, to: start + 2 * year, quantity: 3 },
  { from: start + year, to: start + 2 * year, quantity: 3 },
  { from: start + year, to: start + 2 * year, quantity: 2, price: 'price_of_a_mug' },
  { from: start + year, to: start + 2 * year, quantity: 2 },
  { status: 'past_due', from: start + 2 * year, to: start + 3 * year },
  { from: start + 2 * year, to: start + 3 * year, quantity: 4 },
  {
    status: 'canceled',
    from: start + 2 * year,
    to: start + 3 * year,
    quantity: 4,
    reason: 'cancellation_requested',
    endedAt: start + 2 * year + day,
  },
]

const standingAt = (at: number): Standing => ({ ...paid, ...life[at] })

/** Deliveries by their time in days: each event up to three times and up to a week late, some lost, but one after the end. */
function deliveriesOf(last: number, random: () => number): readonly (readonly [time: number, at: number])[] {
  const sent = Array.from({ length: 3 * (last + 1) }, (_, index) => index % (last + 1))
  const kept = sent.filter(() => random() < 0.4).map((at) => [at + random() * 7, at] as const)
  const final = [last + random(), Math.floor(random() * (last + 1))] as const
  return [...kept, final].toSorted(([a], [b]) => a - b)
}

/** Lives a subscription to the change `last`. Every event carries the state of its own time, which is old when it arrives. */
async function live(
  vendor: Vendor,
  last: number,
  deliveries: ReturnType<typeof deliveriesOf>,
): Promise<void> {
  for (const [time, at] of deliveries) {
    vendor.clock.seconds = start + Math.floor(time * day)
    vendor.standing = standingAt(Math.min(last, Math.floor(time)))
    const { status } = await vendor.send(event(standingAt(at), 'customer.subscription.updated', `evt_${at}`))
    assert.equal(status, 200)
  }
}

/** Forgets the last life. */
async function beginAnew({ licensing, mails }: Vendor): Promise<void> {
  for await (const { id } of licensing.licenseKeys.all(app)) await licensing.licenseKeys.delete(app, id)
  mails.length = 0
}

const rounds = 100

test(`onStripeEvent(): ${rounds} lives end as Stripe shows them, however events come`, async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
  context.diagnostic(`SEED=${seed}`)
  const random = randomFrom(seed)
  const vendor = await openVendor(inProcess)
  for (let round = 0; round < rounds; round += 1) {
    const last = 2 + Math.floor(random() * (life.length - 2))
    const deliveries = deliveriesOf(last, random)
    await beginAnew(vendor)
    await live(vendor, last, deliveries)
    const story = `SEED=${seed}, round ${round}: ${last} by ${JSON.stringify(deliveries)}`
    assert.equal(new Set(vendor.mails).size, vendor.mails.length, story)
    const sale = await vendor.saleOf(subscriptionId)
    if (sale === null) continue
    const expected = {
      tier: 'pro',
      seats: sale.seats,
      status: sale.ended === 'refund' ? 'revoked' : 'active',
      expiresAt: sale.expiresAt,
    }
    assert.deepEqual(await stateOf(vendor), expected, story)
  }
})
