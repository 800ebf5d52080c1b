import assert from 'node:assert/strict'
import { after, type TestContext } from 'node:test'
import type {
  IdempotencyKey,
  Licensing,
  LicensingOptions,
  SignedLicense,
  Storage,
} from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { installation, newShop, newWorld, risingIds, type Shop } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

export const slug = 'desktop-app'
export const order: IdempotencyKey = {
  key: 'order-1',
  scope: 'shop',
  fingerprint: 'f',
  license: { app: slug },
}
export const email = 'eve@example.com'

/** Gets or creates a customer, then issues. `between` runs between the writes. */
export const sell =
  (number: number, between: () => unknown = () => {}) =>
  async (licensing: Licensing): Promise<SignedLicense> => {
    const { customer } = await licensing.customers.getOrCreate(slug, { email })
    await between()
    return licensing.licenses.create(slug, {
      installationId: installation(number),
      customerId: customer.id,
      tierId: 'pro',
      durationDays: 30,
    })
  }

export const countsOf = async ({ licensing }: Shop): Promise<readonly unknown[]> => [
  (await licensing.customers.list(slug, { email })).total,
  (await licensing.licenses.list(slug)).total,
]

export const never = (): never => assert.fail('the work runs again')

/** Licensing over a storage whose transactions have other verbs. */
export async function withVerbs(
  storage: Storage,
  verbs: (tx: Storage) => Partial<Storage>,
  options: Partial<LicensingOptions> = {},
): Promise<Licensing> {
  const changed: Storage = Object.create(storage)
  changed.transaction = (work) =>
    storage.transaction((tx) => {
      const session = tx as Storage
      return work(Object.assign(Object.create(session), verbs(session)))
    })
  return (await newWorld({ storage: changed, newId: risingIds(5_000), ...options })).licensing
}

export const over: RegExp = /The work under this idempotency key is over/

export const failing = (message: string) => (): Promise<never> => Promise.reject(new Error(message))

/** Time for the microtasks in which handlers run. */
export const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

/** Tests of work under an idempotency key, by title. */
export type WorkCases = Readonly<Record<string, (shop: Shop, t: TestContext) => Promise<void>>>

async function run(storage: Storage, t: TestContext, work: WorkCases[string]): Promise<void> {
  try {
    await work(await newShop({ storage }), t)
  } finally {
    await storage.close()
  }
}

interface WorkTest {
  /** The storage. */
  readonly name: string
  /** The reason why it cannot run. */
  readonly skip: string | false
  readonly run: (t: TestContext) => Promise<void>
}

/** A test of each case on every storage, and of `withOneWriter` on storages with one writer at a time. A file declares them itself. */
export async function workTests(
  cases: WorkCases,
  withOneWriter: WorkCases = {},
): Promise<readonly (readonly [title: string, tests: readonly WorkTest[]])[]> {
  const database = await openTestDatabase()
  after(() => database?.drop())
  return Object.entries({ ...cases, ...withOneWriter }).map(([name, work]) => {
    const oneWriter: readonly WorkTest[] = [
      { name: 'in memory', skip: false, run: (t) => run(memoryStorage(), t, work) },
      {
        name: 'on SQLite',
        skip: false,
        run: (t) => withFiles(async (nextFile) => run(await openTarget(nextFile()), t, work)),
      },
    ]
    const onPostgres: WorkTest = {
      name: 'on PostgreSQL',
      skip: database === undefined && noPostgres,
      run: async (t) => run(await openTarget(await database!.emptied()), t, work),
    }
    return [`idempotent(): ${name}`, name in withOneWriter ? oneWriter : [...oneWriter, onPostgres]]
  })
}
