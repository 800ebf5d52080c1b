import type { RestrictedLicensing } from '../../../src/core/index.ts'
import { installation } from '../../support/fixtures.ts'
import { app } from './sale.ts'

type Call = () => Promise<unknown>

/** A sale, and the key that its shop has mailed. */
export const sale = 'sale-1'
export const shopKey = 'key-of-another-shop'

/** Every use case of license keys that reads in an app. */
export function readsOfLicenseKeys({ licenseKeys }: RestrictedLicensing): Call[] {
  return [
    () => licenseKeys.list(app),
    () => licenseKeys.getByExternalId(app, sale),
    async () => licenseKeys.get(app, (await licenseKeys.getByExternalId(app, sale)).id),
    () => licenseKeys.verify(app, shopKey),
    () => licenseKeys.seats(app, shopKey),
    () => licenseKeys.authenticate(app, shopKey),
  ]
}

/** Every use case of license keys that only a secret key may call. */
export function writesOfLicenseKeys({ licenseKeys }: RestrictedLicensing, customerId: string): Call[] {
  const idOf = async () => (await licenseKeys.getByExternalId(app, sale)).id
  const sold = { customerId, tierId: 'pro', forever: true } as const
  const state = { tierId: 'pro', seats: 2, expiresAt: null, asOf: 1_800_000_000 }
  const activation = { installationId: installation(77) }
  return [
    () => licenseKeys.list(app, { include: 'key' }),
    () => licenseKeys.getByExternalId(app, sale, { include: 'key' }),
    async () => licenseKeys.get(app, await idOf(), { include: 'key' }),
    () => licenseKeys.create(app, sold),
    async () => licenseKeys.update(app, await idOf(), { name: 'Team' }),
    () => licenseKeys.sync(app, { ...state, externalId: sale, customer: { email: 'ada@example.com' } }),
    () => licenseKeys.activate(app, shopKey, activation),
    async () => licenseKeys.release(app, (await licenseKeys.activate(app, shopKey, activation)).license.id),
    async () => licenseKeys.releaseAll(app, await idOf()),
    async () => licenseKeys.roll(app, await idOf()),
    async () => licenseKeys.revoke(app, await idOf()),
    async () => licenseKeys.reinstate(app, await idOf()),
    async () => licenseKeys.delete(app, await idOf()),
  ]
}
