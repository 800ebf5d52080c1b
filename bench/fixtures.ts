import { createLicensing, generateRsaKeyPair, type App, type Licensing } from '../src/core/index.ts'
import type { LicensingOptions, LicenseRecord, Storage } from '../src/core/index.ts'
import { newTypeId } from '../src/core/ids.ts'
import { licenseRows } from '../src/storage/kysely/rows.ts'
import { postgresStorage } from '../src/storage/postgres.ts'
import { sqliteStorage } from '../src/storage/sqlite.ts'
import { openBare } from './direct-connection.ts'
import { isOnPostgres } from './databases.ts'

/** It protects nothing but the licenses of a benchmark. */
const masterKey = 'aGVhcnR3b29kIGJlbmNoIG1hc3RlciBrZXkgMDAwMDE='

/** How many licenses are written at once. */
const batch = 10_000

/** A database in which one app has many active licenses. */
export interface Shop {
  readonly licensing: Licensing
  readonly storage: Storage
  readonly app: App
  /** A file name, or a URL of PostgreSQL. */
  readonly location: string
  close(): Promise<void>
}

/** The installation of the license with this number. */
export function installationOf(number: number): string {
  return `a1b2c3d4-e5f6-4a7b-8c9d-${number.toString(16).padStart(12, '0')}`
}

/** Opens a database of either kind, and makes the app where there is none. */
export async function openShop(
  location: string,
  slug: string,
  options: Partial<LicensingOptions> = {},
): Promise<Shop> {
  const storage = await openStorage(location)
  const licensing = await createLicensing({ ...options, storage, masterKey })
  const app =
    (await storage.findApp(slug)) === null ? await furnish(licensing, slug) : await licensing.apps.get(slug)
  return { licensing, storage, app, location, close: () => storage.close() }
}

function openStorage(location: string): Promise<Storage> {
  if (isOnPostgres(location)) return postgresStorage({ connectionString: location })
  return sqliteStorage({ filename: location })
}

async function furnish({ apps, tiers, customers }: Licensing, slug: string): Promise<App> {
  const app = await apps.create({ name: 'Bench', slug }, { keyPair: await generateRsaKeyPair() })
  await tiers.create(slug, { name: 'Pro', slug: 'pro', features: ['api_access', 'webhooks', 'export'] })
  await customers.create(slug, { email: 'ada@example.com', externalId: 'ada' })
  return app
}

/** Gives the app so many active licenses, written straight into the database. */
export async function fill({ licensing, storage, app, location }: Shop, count: number): Promise<void> {
  const tier = (await storage.findTier(app.id, 'pro'))!
  const customer = (await storage.findCustomerByExternalId(app.id, 'ada'))!
  const first = await licensing.licenses.create(app.slug, {
    installationId: installationOf(0),
    customerId: customer.id,
    tierId: tier.id,
    durationDays: 365,
  })
  const pattern = (await storage.findLicense(app.id, first.id))!
  const bare = await openBare(location)
  const copy = copyStatement(pattern, location)
  for (let from = 1; from < count; from += batch) {
    const pairs = Array.from({ length: Math.min(batch, count - from) }, (_, index) => pairOf(from + index))
    await bare.run(copy, [JSON.stringify(pairs), pattern.id])
  }
  await bare.tidy()
  await bare.close()
}

/** What tells one license from another: its id and its installation. */
function pairOf(number: number): readonly [string, string] {
  return [newTypeId('lic'), installationOf(number)]
}

/** Copies one license once for each pair of a list in JSON. */
function copyStatement(pattern: LicenseRecord, location: string): string {
  const own: Readonly<Record<string, string>> = {
    id: 'pair.value ->> 0',
    installation_id: 'pair.value ->> 1',
  }
  const columns = Object.keys(licenseRows.toRow(pattern))
  const values = columns.map((column) => own[column] ?? `pattern.${column}`)
  const pairs = isOnPostgres(location)
    ? 'json_array_elements(cast(cast(? as text) as json))'
    : 'json_each(cast(? as text))'
  return `insert into heartwood_license (${columns.join(', ')})
    select ${values.join(', ')} from ${pairs} as pair, heartwood_license as pattern where pattern.id = ?`
}
