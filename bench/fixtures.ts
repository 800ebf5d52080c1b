import { createLicensing, generateRsaKeyPair, type App, type Licensing } from '../src/core/index.ts'
import type { LicenseKeyWithText, LicensingOptions, LicenseRecord, Storage } from '../src/core/index.ts'
import { newTypeId } from '../src/core/ids.ts'
import { licenseRows } from '../src/storage/kysely/rows.ts'
import { postgresStorage } from '../src/storage/postgres.ts'
import { sqliteStorage } from '../src/storage/sqlite.ts'
import { isPostgresUrl } from './databases.ts'
import { openDirectConnection } from './direct-connection.ts'

/** It is public, because it protects only the licenses of a benchmark. */
export const masterKey = 'aGVhcnR3b29kIGJlbmNoIG1hc3RlciBrZXkgMDAwMDE='

/** The number of licenses that one statement inserts. */
const batchSize = 10_000

/** A database with one app, one tier and one customer, to which many licenses can be added. */
export interface Fixture {
  readonly licensing: Licensing
  readonly storage: Storage
  readonly app: App
  /** A file name or a PostgreSQL URL. */
  readonly location: string
  close(): Promise<void>
}

/** The installation id of the license with this number. */
export function installationOf(number: number): string {
  return `a1b2c3d4-e5f6-4a7b-8c9d-${number.toString(16).padStart(12, '0')}`
}

/** Opens a database, and creates the app, its tier and its customer unless the app exists. */
export async function openFixture(
  location: string,
  slug: string,
  options: Partial<LicensingOptions> = {},
): Promise<Fixture> {
  const storage = await openStorage(location)
  const licensing = await licensingOver(storage, options)
  const isNew = (await storage.findApp(slug)) === null
  const app = isNew ? await createApp(licensing, slug) : await licensing.apps.get(slug)
  return { licensing, storage, app, location, close: () => storage.close() }
}

/** Makes licensing with empty caches. */
export function licensingOver(storage: Storage, options: Partial<LicensingOptions> = {}): Promise<Licensing> {
  return createLicensing({ ...options, storage, masterKey })
}

function openStorage(location: string): Promise<Storage> {
  if (isPostgresUrl(location)) return postgresStorage({ connectionString: location })
  return sqliteStorage({ filename: location })
}

async function createApp({ apps, tiers, customers }: Licensing, slug: string): Promise<App> {
  const app = await apps.create({ name: 'Bench', slug }, { keyPair: await generateRsaKeyPair() })
  await tiers.create(slug, { name: 'Pro', slug: 'pro', features: ['api_access', 'webhooks', 'export'] })
  await customers.create(slug, { email: 'ada@example.com', externalId: 'ada' })
  return app
}

/** Adds active licenses to the app: one through Heartwood, and its copies by SQL, which is much faster. */
export async function addLicenses(fixture: Fixture, count: number): Promise<void> {
  await addCopies(fixture, await createFirstLicense(fixture), count)
}

/** Adds copies of a license, so that there are `count` with it. Their installations have the numbers from 1 on. */
export async function addCopies(fixture: Fixture, first: LicenseRecord, count: number): Promise<void> {
  const connection = await openDirectConnection(fixture.location)
  const copy = copyStatement(first, fixture.location)
  for (let from = 1; from < count; from += batchSize) {
    const pairs = Array.from({ length: Math.min(batchSize, count - from) }, (_, index) =>
      ownIdsOf(from + index),
    )
    await connection.run(copy, [JSON.stringify(pairs), first.id])
  }
  await connection.vacuum()
  await connection.close()
}

/** Sells license keys of the tier to the customer. */
export async function sellLicenseKeys(
  { licensing, storage, app }: Fixture,
  count: number,
  seats: number,
): Promise<readonly LicenseKeyWithText[]> {
  const customer = (await storage.findCustomerByExternalId(app.id, 'ada'))!
  const terms = { customerId: customer.id, tierId: 'pro', seats, durationDays: 365 }
  return Promise.all(Array.from({ length: count }, () => licensing.licenseKeys.create(app.slug, terms)))
}

async function createFirstLicense({ licensing, storage, app }: Fixture): Promise<LicenseRecord> {
  const tier = (await storage.findTier(app.id, 'pro'))!
  const customer = (await storage.findCustomerByExternalId(app.id, 'ada'))!
  const { id } = await licensing.licenses.create(app.slug, {
    installationId: installationOf(0),
    customerId: customer.id,
    tierId: tier.id,
    durationDays: 365,
  })
  return (await storage.findLicense(app.id, id))!
}

/** The values in which a copy differs from the first license: its id and its installation id. */
function ownIdsOf(number: number): readonly [id: string, installationId: string] {
  return [newTypeId('lic'), installationOf(number)]
}

/** A statement that copies one license, once for each pair of ids in a JSON array. */
function copyStatement(pattern: LicenseRecord, location: string): string {
  const own: Readonly<Record<string, string>> = {
    id: 'pair.value ->> 0',
    installation_id: 'pair.value ->> 1',
  }
  const columns = Object.keys(licenseRows.toRow(pattern))
  const values = columns.map((column) => own[column] ?? `pattern.${column}`)
  const pairs = isPostgresUrl(location)
    ? 'json_array_elements(cast(cast(? as text) as json))'
    : 'json_each(cast(? as text))'
  return `insert into heartwood_license (${columns.join(', ')})
    select ${values.join(', ')} from ${pairs} as pair, heartwood_license as pattern where pattern.id = ?`
}
