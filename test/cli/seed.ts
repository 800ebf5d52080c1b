import type {
  CustomerRecord,
  LicenseKeyRecord,
  LicenseRecord,
  Licensing,
  Storage,
} from '../../src/core/index.ts'
import { createLicensing } from '../../src/core/licensing.ts'
import { newTypeId } from '../../src/core/ids.ts'
import { keyPairSource } from '../support/keys.ts'
import { masterKey } from '../support/fixtures.ts'

/** The environment that opens a seeded database. */
export const seedEnvironment: Readonly<Record<string, string>> = {
  HEARTWOOD_MASTER_KEY: masterKey,
  HEARTWOOD_LOG: 'off',
  HEARTWOOD_RATE_LIMITS: 'off',
}

export const seededApp = 'desktop-app'

const now = Math.floor(Date.now() / 1000)
const day = 86_400

/** Seals the audit log, and signs checkpoints, as a server does that runs for an hour. */
export async function sealForAnHour(storage: Storage): Promise<void> {
  for (const ahead of [0, 3_600_000]) {
    const licensing = await createLicensing({ storage, masterKey, now: () => Date.now() + ahead })
    await licensing.audit.seal()
  }
}

/** Licensing with fixed key pairs. */
export function seedLicensing(storage: Storage): Promise<Licensing> {
  return createLicensing({ storage, masterKey, newKeyPair: keyPairSource() })
}

function customer(appId: string, at: number): CustomerRecord {
  const email = `Ada.${at}@Example.com`
  return {
    id: newTypeId('cus'),
    appId,
    email,
    foldedEmail: email.toLowerCase(),
    name: at % 3 === 0 ? null : `Ada “${at}” \u{1F600}\nLovelace`,
    externalId: at % 4 === 0 ? `crm-${at}` : null,
    metadata: at % 5 === 0 ? {} : { at, deep: [{ ü: null, more: [1.5, true, ''] }] },
    createdAt: now - at,
    updatedAt: now,
  }
}

/** Returns licenses in every possible state, one state after the other. */
function license(of: CustomerRecord, tierId: string, at: number): LicenseRecord {
  const hasEnded = at % 7 === 0
  const isRevoked = at % 13 === 0
  return {
    id: newTypeId('lic'),
    appId: of.appId,
    customerId: of.id,
    tierId: at % 11 === 0 ? null : tierId,
    tier: 'pro',
    tierFeatures: ['webhooks', 'api_access'],
    customFeatures: at % 6 === 0 ? ['beta', 'api_access'] : [],
    tierLimits: at % 3 === 0 ? { 10: 5, projects: 3 } : {},
    customLimits: at % 5 === 0 ? { projects: at } : {},
    installationId: crypto.randomUUID(),
    current: !hasEnded,
    expiresAt: hasEnded ? now - day : at % 2 === 0 ? null : now + (1 + (at % 900)) * day,
    updatesUntil: at % 4 === 0 ? now + at * day : null,
    revokedAt: isRevoked ? now - 60 : null,
    revokedReason: isRevoked ? 'refund' : null,
    revokedCause: isRevoked && at > 13 ? 'lapsed' : null,
    issuedAt: now - at,
    revision: 1 + (at % 9),
    minRevision: 1 + (at % 2 === 0 ? 0 : at % 9),
    version: 1 + (at % 40),
    seenAt: at % 4 === 0 ? now - at : null,
    seenKid: at % 4 === 0 ? 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' : null,
    seenClient: at % 8 === 0 ? `desktop-app/1.${at} (linux)` : null,
    licenseKeyId: null,
    name: null,
    metadata: at % 5 === 0 ? { seat: at } : {},
    createdAt: now - at,
    updatedAt: now,
  }
}

/** A license key with two seats, one of which is this license. */
function licenseKeyOf(seat: LicenseRecord): LicenseKeyRecord {
  const { appId, customerId, tierId, tier, customFeatures, customLimits, updatesUntil, expiresAt } = seat
  return {
    id: newTypeId('lkey'),
    ...{ appId, customerId, tierId, tier, customFeatures, customLimits, updatesUntil, expiresAt },
    name: 'Team “1”',
    handle: '7K3QM8Z',
    keyRevision: 2,
    previousUntil: now + day,
    aliasHash: 'x'.repeat(43),
    aliasLastFour: '9aB-',
    aliasUntil: null,
    seats: 2,
    whenFull: 'refuse',
    idleDays: 30,
    releasesPerYear: 12,
    releaseCount: 1,
    releaseYearStart: now - day,
    durationDays: null,
    starts: 'creation',
    activatedAt: now - day,
    externalId: 'stripe:sub_1',
    externalAsOf: now - day,
    externalEnded: 'cancelled',
    revokedAt: null,
    revokedReason: null,
    revokedCause: null,
    toldExpiring: null,
    toldExpired: null,
    toldFull: now - 60,
    version: 5,
    metadata: { order: 7 },
    createdAt: now - day,
    updatedAt: now,
  }
}

/** Fills a storage: apps of both modes, keys in grace, a tier with unsorted features, licenses in every state. */
export async function seed(storage: Storage, count: number): Promise<Licensing> {
  const licensing = await seedLicensing(storage)
  const app = await licensing.apps.create({ name: 'My Desktop App', slug: seededApp })
  await licensing.apps.create({ name: 'Trial', slug: 'trial' }, { mode: 'test' })
  for (const slug of ['webhooks', 'api_access', 'beta'])
    await licensing.features.create(app.slug, { name: slug, slug })
  const tier = await licensing.tiers.create(app.slug, { name: 'Pro', slug: 'pro', features: ['webhooks'] })
  await licensing.tiers.addFeature(app.slug, 'pro', { slug: 'api_access', name: 'API' })
  for (const gracePeriodDays of [30, 60]) await licensing.rotateKeys(app.slug, { gracePeriodDays })
  await licensing.webhooks.rollSecret(app.slug)
  await licensing.apps.update(app.slug, { webhookUrl: 'https://shop.example.com/events' })
  await licensing.webhooks.test(app.slug)
  await licensing.apiKeys.create({ name: 'All' })
  await licensing.apiKeys.create({ name: 'One', app: app.slug, type: 'pk' })
  await licensing.apiKeys.create({ name: 'Desk', preset: 'support' })
  await fill(storage, app.id, tier.id, count)
  return licensing
}

async function fill(storage: Storage, appId: string, tierId: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1000)
    await storage.transaction(async (tx) => {
      for (let next = at; next < Math.min(count, at + 1000); next++) {
        const buyer = customer(appId, next)
        await tx.insertCustomer(buyer)
        const sold = license(buyer, tierId, next)
        const key = next === 1 ? licenseKeyOf(sold) : null
        if (key !== null) await tx.insertLicenseKey(key)
        await tx.insertLicense({ ...sold, licenseKeyId: key?.id ?? null })
        if (next % 7 === 0)
          await tx.insertExpiryNotice({ licenseId: sold.id, type: 'license.expired', expiresAt: now - day })
      }
    })
}
