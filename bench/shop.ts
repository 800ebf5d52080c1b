import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLicensing, generateRsaKeyPair, type App, type Licensing } from '../src/core/index.ts'
import type { LicensingOptions, LicenseRecord, Storage } from '../src/core/index.ts'
import { newTypeId } from '../src/core/ids.ts'
import { licenseRows } from '../src/storage/kysely/rows.ts'
import { sqliteStorage } from '../src/storage/sqlite.ts'
import { openConnection } from '../src/storage/sqlite/connection.ts'

/** It protects nothing but the licenses of a benchmark. */
const masterKey = 'aGVhcnR3b29kIGJlbmNoIG1hc3RlciBrZXkgMDAwMDE='

/** An SQLite file in which one app has many active licenses. */
export interface Shop {
  readonly licensing: Licensing
  readonly storage: Storage
  readonly app: App
  readonly filename: string
  close(): Promise<void>
}

/** Makes a folder that {@link removeFolder} takes away again. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'heartwood-bench-'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true })
}

/** The installation of the license with this number. */
export function installationOf(number: number): string {
  return `a1b2c3d4-e5f6-4a7b-8c9d-${number.toString(16).padStart(12, '0')}`
}

export async function openShop(
  filename: string,
  slug: string,
  options: Partial<LicensingOptions> = {},
): Promise<Shop> {
  const storage = await sqliteStorage({ filename })
  const licensing = await createLicensing({ ...options, storage, masterKey })
  const app =
    (await storage.findApp(slug)) === null ? await furnish(licensing, slug) : await licensing.apps.get(slug)
  return { licensing, storage, app, filename, close: () => storage.close() }
}

async function furnish({ apps, tiers, customers }: Licensing, slug: string): Promise<App> {
  const app = await apps.create({ name: 'Bench', slug }, { keyPair: await generateRsaKeyPair() })
  await tiers.create(slug, { name: 'Pro', slug: 'pro', features: ['api_access', 'webhooks', 'export'] })
  await customers.create(slug, { email: 'ada@example.com', externalId: 'ada' })
  return app
}

/** Gives the app so many active licenses, written straight into the file. */
export async function fill({ licensing, storage, app, filename }: Shop, count: number): Promise<void> {
  const tier = (await storage.findTier(app.id, 'pro'))!
  const customer = (await storage.findCustomerByExternalId(app.id, 'ada'))!
  const first = await licensing.licenses.create(app.slug, {
    installationId: installationOf(0),
    customerId: customer.id,
    tierId: tier.id,
    durationDays: 365,
  })
  const pattern = (await storage.findLicense(app.id, first.id))!
  const connection = await openConnection(filename, { readonly: false })
  const columns = Object.keys(licenseRows.toRow(pattern))
  const values = columns.map(() => '?').join(', ')
  const insert = connection.prepare(
    `insert into heartwood_license (${columns.join(', ')}) values (${values})`,
  )
  for (let from = 1; from < count; from += 10_000) {
    connection.exec('begin immediate')
    for (let number = from; number < Math.min(from + 10_000, count); number++)
      insert.run(Object.values(licenseRows.toRow(copyOf(pattern, number))))
    connection.exec('commit')
  }
  connection.close()
}

function copyOf(pattern: LicenseRecord, number: number): LicenseRecord {
  return { ...pattern, id: newTypeId('lic'), installationId: installationOf(number) }
}
