import type { LicensingOptions, SignedLicense } from '../../src/core/index.ts'
import { newShop, type Shop } from '../support/fixtures.ts'
import { serve, type TestServer } from './test-server.ts'

/** A served shop with a license, a second app, and an app of the test mode. */
export interface Fixture extends Shop, TestServer {
  readonly license: SignedLicense
}

export async function newFixture(options: Partial<LicensingOptions> = {}): Promise<Fixture> {
  const shop = await newShop(options)
  await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await shop.licensing.apps.create({ name: 'Test', slug: 'test-app' }, { mode: 'test' })
  return { ...(await serve(shop, { dashboard: true })), license: await shop.issue() }
}
