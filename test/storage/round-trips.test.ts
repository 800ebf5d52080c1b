import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import {
  createLicensing,
  type HeldLicense,
  type Licensing,
  type SignedLicense,
  type Storage,
} from '../../src/core/index.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { installation, masterKey } from '../support/fixtures.ts'
import { keyPairSource } from '../support/keys.ts'
import { openTestDatabase } from './postgres-database.ts'

const database = await openTestDatabase()

/** Counts how often a client asks and waits. */
interface Line {
  readonly url: string
  readonly trips: () => number
  readonly close: () => void
}

async function countingLine(url: string): Promise<Line> {
  const target = new URL(url)
  let trips = 0
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isAsking = false
    client.on('data', (bytes) => {
      if (!isAsking) trips++
      isAsking = true
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      isAsking = false
      client.write(bytes)
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('close', () => other.destroy())
      one.on('error', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const own = new URL(url)
  own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: own.href, trips: () => trips, close: () => void server.close() }
}

interface Shop {
  readonly licensing: Licensing
  readonly storage: Storage
  readonly customerId: string
  readonly licenses: readonly SignedLicense[]
  /** The texts of two license keys. */
  readonly sold: { readonly roomy: string; readonly full: string }
  readonly seat: HeldLicense
  readonly line: Line
}

const machine = (number: number) => ({ installationId: installation(100 + number) })

async function openShop(): Promise<Shop> {
  const line = await countingLine(database!.url)
  const storage = await postgresStorage({ connectionString: line.url, connections: 1 })
  const licensing = await createLicensing({ storage, masterKey, newKeyPair: keyPairSource() })
  await licensing.apps.create({ name: 'App', slug: 'app' })
  await licensing.tiers.create('app', { name: 'Pro', slug: 'pro', features: ['api'] })
  const { id: customerId } = await licensing.customers.create('app', { email: 'ada@example.com' })
  const licenses: SignedLicense[] = []
  for (const number of [10, 11, 12])
    licenses.push(await licensing.licenses.create('app', newLicense(customerId, number)))
  const sell = async (seats: number): Promise<string> => {
    const terms = { customerId, tierId: 'pro', durationDays: 30, seats }
    return (await licensing.licenseKeys.create('app', terms)).key
  }
  const sold = { roomy: await sell(10), full: await sell(1) }
  const { license: seat } = await licensing.licenseKeys.activate('app', sold.roomy, machine(0))
  await licensing.licenseKeys.activate('app', sold.full, machine(9))
  return { licensing, storage, customerId, licenses, sold, seat, line }
}

const newLicense = (customerId: string, number: number) => ({
  installationId: installation(number),
  customerId,
  tierId: 'pro',
  durationDays: 30,
})

/** The most round trips that a call may take, after it has run before. An app without a webhook. */
const calls: readonly {
  readonly name: string
  readonly most: number
  readonly run: (shop: Shop, count: number) => Promise<unknown>
}[] = [
  {
    name: 'verification.verify()',
    most: 1,
    run: ({ licensing, licenses }) =>
      licensing.verification.verify('app', { installationId: licenses[0]!.installationId }),
  },
  {
    name: 'verification.verifyToken()',
    most: 3,
    run: ({ licensing, licenses }) => licensing.verification.verifyToken('app', licenses[0]!.token),
  },
  {
    name: 'customers.create()',
    most: 2,
    run: ({ licensing }, count) => licensing.customers.create('app', { email: `ada${count}@example.com` }),
  },
  {
    name: 'customers.update()',
    most: 3,
    run: ({ licensing, customerId }, count) =>
      licensing.customers.update('app', customerId, { name: `Ada ${count}` }),
  },
  {
    name: 'tiers.update()',
    most: 3,
    run: ({ licensing }, count) => licensing.tiers.update('app', 'pro', { name: `Pro ${count}` }),
  },
  {
    name: 'features.create()',
    most: 2,
    run: ({ licensing }, count) =>
      licensing.features.create('app', { name: `Sync ${count}`, slug: `sync${count}` }),
  },
  {
    name: 'features.update()',
    most: 3,
    run: ({ licensing }, count) => licensing.features.update('app', 'api', { name: `API ${count}` }),
  },
  {
    name: 'apps.update()',
    most: 3,
    run: ({ licensing }, count) => licensing.apps.update('app', { name: `App ${count}` }),
  },
  {
    name: 'licenses.create()',
    most: 5,
    run: ({ licensing, customerId }, count) =>
      licensing.licenses.create('app', newLicense(customerId, count)),
  },
  {
    name: 'licenses.regenerate()',
    most: 5,
    run: ({ licensing, licenses }) => licensing.licenses.regenerate('app', licenses[0]!.id),
  },
  {
    name: 'licenses.revoke()',
    most: 3,
    run: ({ licensing, licenses }, count) => licensing.licenses.revoke('app', licenses[count]!.id),
  },
  {
    name: 'licenses.renew() of a seat',
    most: 6,
    run: ({ licensing, seat }) => licensing.licenses.renew('app', seat.id, seat.token),
  },
  {
    name: 'licenseKeys.activate() of a new installation',
    most: 10,
    run: ({ licensing, sold }, count) => licensing.licenseKeys.activate('app', sold.roomy, machine(count)),
  },
  {
    name: 'licenseKeys.activate() of an installation that has its seat',
    most: 10,
    run: ({ licensing, sold }) => licensing.licenseKeys.activate('app', sold.roomy, machine(0)),
  },
  {
    name: 'licenseKeys.activate() with a license key that is full',
    most: 3,
    run: async ({ licensing, sold }, count) => {
      const refused = licensing.licenseKeys.activate('app', sold.full, machine(count))
      await assert.rejects(refused, { code: 'seat_limit_reached' })
    },
  },
]

describe('PostgreSQL storage: round trips', { skip: database === undefined }, () => {
  let shop: Shop
  before(async () => {
    shop = await openShop()
  })
  after(async () => {
    await shop.storage.close()
    shop.line.close()
    await database!.drop()
  })

  for (const { name, most, run } of calls)
    it(`${name} takes at most ${most}`, async () => {
      await run(shop, 1)
      const before = shop.line.trips()
      await run(shop, 2)
      const taken = shop.line.trips() - before
      assert.ok(taken > 0 && taken <= most, `${taken} round trips`)
    })
})
