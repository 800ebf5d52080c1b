import assert from 'node:assert/strict'
import process from 'node:process'
import { TypeID } from 'typeid-js'
import {
  createLicensing,
  LicensingError,
  type App,
  type Customer,
  type Expiry,
  type IdPrefix,
  type Licensing,
  type LicensingOptions,
  type NewLicense,
  type SignedLicense,
  type Storage,
  type Tier,
} from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { keyPairSource } from './keys.ts'
import { overHttp } from './over-http.ts'

/** 32 fixed bytes. They are public and protect nothing. */
export const masterKey = 'aGVhcnR3b29kIHRlc3QgbWFzdGVyIGtleSAwMDAwMDE='
export const otherMasterKey = 'aGVhcnR3b29kIHRlc3QgbWFzdGVyIGtleSAwMDAwMDI='

/** 2026-01-23T10:00:00Z, the start of every test's clock. */
export const start = 1_769_162_400
export const day = 86_400

/** A clock that a test moves; `seconds` since 1970. */
export interface Clock {
  seconds: number
}

export interface World {
  readonly licensing: Licensing
  readonly storage: Storage
  readonly clock: Clock
}

/** Entries of the audit log in this process. Two servers on one storage must not make the same id. */
let entries = 0

/** Ids that rise by one from `first`, so that lists follow the order of creation. Those of audit entries count for themselves. */
export function risingIds(first = 1): (prefix: IdPrefix) => string {
  let made = first - 1
  return (prefix) => {
    const count = (prefix === 'aud' ? ++entries : ++made).toString(16).padStart(12, '0')
    return TypeID.fromUUID(prefix, `019be1a0-0000-7000-8000-${count}`).toString()
  }
}

/** Set to `http`, this variable makes the tests call licensing over a port: see `test/sdk/flows.test.ts`. */
export const surfaceVariable = 'HEARTWOOD_TEST_LICENSING'
export const isOverHttp: boolean = process.env[surfaceVariable] === 'http'

/** Options of a test that licensing in its own process alone can pass. */
export function inProcessAlone(reason: string): { readonly skip: string | false } {
  return { skip: isOverHttp ? reason : false }
}

/** Licensing on a fresh memory storage, with a fixed clock, rising ids and fixed keys. */
export async function newWorld(options: Partial<LicensingOptions> = {}): Promise<World> {
  const clock = { seconds: start }
  const storage = options.storage ?? memoryStorage()
  const inProcess = await createLicensing({
    masterKey,
    // A fraction of a second must never show.
    now: () => clock.seconds * 1000 + 999,
    newId: risingIds(),
    newKeyPair: keyPairSource(),
    ...options,
    storage,
  })
  const licensing = isOverHttp ? await overHttp(inProcess) : inProcess
  return { licensing, storage, clock }
}

/** Licensing with an app, a tier with one feature, and a customer. */
export interface Shop extends World {
  readonly app: App
  readonly tier: Tier
  readonly customer: Customer
  /** Issues a license of 30 days for a fresh installation. `license` overrides its fields. */
  issue(license?: Partial<NewLicense>): Promise<SignedLicense>
}

/** A fixed installation id. It has letters, so that case shows. */
export function installation(number: number): string {
  return `a1b2c3d4-e5f6-4a7b-8c9d-${number.toString(16).padStart(12, '0')}`
}

function withEnd(license: Partial<NewLicense>): Expiry {
  const hasEnd = 'durationDays' in license || 'expiresAt' in license || 'forever' in license
  return (hasEnd ? license : { durationDays: 30, ...license }) as Expiry
}

export async function newShop(options: Partial<LicensingOptions> = {}, slug = 'desktop-app'): Promise<Shop> {
  const world = await newWorld(options)
  const { apps, tiers, customers, licenses } = world.licensing
  const app = await apps.create({ name: 'My Desktop App', slug })
  const tier = await tiers.create(app.slug, { name: 'Pro', slug: 'pro', features: ['api_access'] })
  const customer = await customers.create(app.slug, { email: 'ada@example.com' })
  let issued = 0
  const issue: Shop['issue'] = (license = {}) =>
    licenses.create(app.slug, {
      installationId: installation(++issued),
      customerId: customer.id,
      tierId: 'pro',
      ...withEnd(license),
    })
  return { ...world, app, tier, customer, issue }
}

/** The token of a license that has one. */
export function tokenOf({ token }: { readonly token?: string | null }): string {
  assert.equal(typeof token, 'string', 'the license has a token')
  return token as string
}

/** The outcome of a call: `ok` or an error code. Any other error fails the test. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof LicensingError) return error.code
      throw error
    },
  )
}

/** The error of a call that must fail. */
export async function refusalOf(call: Promise<unknown>): Promise<LicensingError> {
  const error: unknown = await call.then(
    () => assert.fail('the call was not refused'),
    (refused: unknown) => refused,
  )
  if (error instanceof LicensingError) return error
  throw error
}

/** Numbers of calls by outcome. */
export async function tallyOf(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const codes = await Promise.all(calls.map(codeOf))
  return Object.fromEntries(
    [...new Set(codes)].toSorted().map((code) => [code, codes.filter((other) => other === code).length]),
  )
}
