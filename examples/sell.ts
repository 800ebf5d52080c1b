// Sells a license key, and follows it: two computers, a third, no network, a renewal, a refund. One process plays the vendor's
// server, which listens on a port, and every computer of the customer. Run it: bun examples/sell.ts
// docs/selling.md is the same journey with Stripe, step by step.
import { createLicensing, LicensingError } from 'heartwood'
import { createLicenseClient, memoryStore, type LicenseClient } from 'heartwood/client'
import { licensingServer } from 'heartwood/elysia'
import { sqliteStorage } from 'heartwood/storage/sqlite'
import { serve } from 'srvx'

const day = 86_400
const app = 'desktop-app'

/** Time passes for the server and for every computer. A real program leaves `now` out. */
let daysLater = 0
const now = (): number => Date.now() + daysLater * day * 1000
const inDays = (days: number): number => Math.floor(now() / 1000) + days * day

const storage = await sqliteStorage({ filename: ':memory:' })
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage, masterKey, now })
const { publicKeyPem } = await licensing.ensure({
  app: { name: 'My Desktop App', slug: app, keyPrefix: 'DESK' },
  tiers: [{ name: 'Pro', slug: 'pro', features: ['pdf_export'] }],
})
const server = serve({
  fetch: licensingServer(licensing).fetch,
  port: 0,
  hostname: '127.0.0.1',
  silent: true,
})
await server.ready()

/** The handler of a shop's webhook says how the sale stands. It may say so twice, late and in any order. */
const sale = {
  externalId: 'order-1',
  customer: { email: 'ada@example.com' },
  tierId: 'pro',
  seats: 2,
}
const paidUntil = inDays(365)
const sold = await licensing.licenseKeys.sync(app, { ...sale, asOf: inDays(0), expiresAt: paidUntil })
const again = await licensing.licenseKeys.sync(app, { ...sale, asOf: inDays(0), expiresAt: paidUntil })
console.log(
  `Sold: 2 seats until ${dateOf(sold.expiresAt)}. The second event made ${again.created ? 'another' : 'no other'}.`,
)

const { key } = await licensing.licenseKeys.get(app, sold.id, { include: 'key' })
console.log(`Mail to ada@example.com: your license key is ${key}`)

/** A computer of the customer. Its program is closed and started again, and finds its license in the store. */
class Computer {
  isOnline = true
  readonly #name: string
  readonly #store = memoryStore()

  constructor(name: string) {
    this.#name = name
  }

  /** Starts the program, lets it work, shows its license, and closes it. A real program takes `fileStore` and no `fetch`. */
  async run(work: (client: LicenseClient) => Promise<unknown>): Promise<void> {
    const client = await createLicenseClient({
      baseUrl: server.url!,
      app,
      publicKeys: publicKeyPem,
      installationName: this.#name,
      store: this.#store,
      background: false,
      fetch: (url, init) =>
        this.isOnline ? fetch(url, init) : Promise.reject(new Error('There is no network')),
      now,
    })
    await work(client)
    const { state, reason, expiresAt } = client.license
    console.log(
      `  ${this.#name}: ${state}. ${reason}${expiresAt === null ? '' : `, until ${dateOf(expiresAt)}`}`,
    )
    client.close()
  }
}

const start = (client: LicenseClient): Promise<unknown> => client.refresh()
const activate = (client: LicenseClient): Promise<unknown> => client.activate(key)

console.log('Two computers take the two seats:')
const laptop = new Computer('laptop')
const desktop = new Computer('desktop')
await laptop.run(activate)
await desktop.run(activate)

console.log('A third is refused, and its user gives a seat back:')
const tablet = new Computer('tablet')
await tablet.run(async (client) => {
  try {
    await client.activate(key)
  } catch (error) {
    if (!(error instanceof LicensingError) || error.code !== 'seat_limit_reached') throw error
    console.log(`  ${error.message}`)
    const seats = await client.seats()
    console.log(`  ${seats.map(({ name, seenOn }) => `${name}, last used ${seenOn}`).join('; ')}`)
    await client.releaseSeat(seats.find(({ name }) => name === 'desktop')!.licenseId)
    await client.activate()
  }
})
await desktop.run(start)

console.log('The network is off, and the license needs none:')
laptop.isOnline = false
await laptop.run(start)

daysLater = 400
await licensing.licenseKeys.sync(app, { ...sale, asOf: inDays(0), expiresAt: inDays(330) })
console.log(
  '400 days later the first year is over, and the second is paid. The laptop was closed, and is still offline:',
)
await laptop.run(start)
console.log('With a network the license comes back, and nobody enters anything:')
laptop.isOnline = true
await laptop.run(start)

console.log('The customer moves to a new laptop:')
const newLaptop = new Computer('new laptop')
await laptop.run((client) => client.release())
await newLaptop.run(activate)

console.log('The shop refunds the customer:')
const refund = { asOf: inDays(0), expiresAt: inDays(0), ended: 'refund' } as const
await licensing.licenseKeys.sync(app, { ...sale, ...refund })
await newLaptop.run(start)
console.log('An older event of the shop comes late, and changes nothing:')
const { applied } = await licensing.licenseKeys.sync(app, {
  ...sale,
  asOf: inDays(-35),
  expiresAt: inDays(330),
})
console.log(`  applied: ${applied}`)

await server.close(true)
await storage.close()

function dateOf(time: number | null): string {
  return time === null ? 'for ever' : new Date(time * 1000).toISOString().slice(0, 10)
}
