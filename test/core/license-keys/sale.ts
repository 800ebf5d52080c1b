import type { LicenseKeyWithText, NewLicenseKey } from '../../../src/core/index.ts'
import { day, start, type Shop } from '../../support/fixtures.ts'

export const app = 'desktop-app'

type Terms = Partial<Omit<NewLicenseKey, 'durationDays' | 'expiresAt' | 'forever'>> & {
  readonly durationDays?: number
  readonly expiresAt?: number
  readonly forever?: true
}

/** The end of a license key of a year, sold at the start of the clock. */
export const end: number = start + 365 * day

/** Sells a license key of a year. `terms` override its fields. */
export function sell({ licensing, customer }: Shop, terms: Terms = {}): Promise<LicenseKeyWithText> {
  const hasEnd = ['durationDays', 'expiresAt', 'forever'].some((field) => field in terms)
  const year = hasEnd ? {} : { durationDays: 365 }
  const sale = { customerId: customer.id, tierId: 'pro', ...year, ...terms }
  return licensing.licenseKeys.create(app, sale as NewLicenseKey)
}
