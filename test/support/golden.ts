import assert from 'node:assert/strict'
import { memoryStorage } from '../../src/storage/memory.ts'
import { installation, newWorld, start, type World } from './fixtures.ts'
import { testKeyPairs } from './keys.ts'
import { readVectors } from './vectors.ts'
import type { SignedLicense } from '../../src/core/index.ts'

interface Golden {
  readonly masterKey: string
  readonly keyCheck: string
  readonly appId: string
  readonly tokenSecret: string
  readonly kid: string
  readonly privateKey: string
  readonly licenseUuid: string
  readonly licenseId: string
  readonly jtis: readonly { readonly revision: number; readonly jti: string }[]
  readonly header: string
  readonly claims: string
  readonly token: string
}

export const golden: Golden = readVectors('own/golden.json') as Golden

/** Licensing on the golden app, as an earlier version stored it. */
async function goldenWorld(): Promise<World> {
  const storage = memoryStorage()
  const { appId, kid, privateKey, tokenSecret } = golden
  await storage.claimKeyCheck(golden.keyCheck)
  await storage.insertApp({
    ...{ id: appId, slug: 'desktop-app', issuer: 'license-server', tokenSecret, mode: 'live' },
    ...{
      name: 'Golden',
      description: null,
      webhookUrl: null,
      keyPrefix: null,
      recovery: null,
      createdAt: start,
      updatedAt: start,
    },
  })
  const { publicKeyPem } = testKeyPairs[0]!
  const key = {
    kid,
    appId,
    publicKeyPem,
    privateKey,
    createdAt: start,
    acceptedUntil: null,
    retiredAt: null,
    retiredReason: null,
  }
  assert.equal(await storage.swapActiveKey(appId, null, key, null), true)
  return newWorld({ storage, masterKey: golden.masterKey })
}

/** The golden world, and the license of the golden token. */
export async function newGoldenShop(): Promise<World & { readonly license: SignedLicense }> {
  const world = await goldenWorld()
  const { tiers, customers, licenses } = world.licensing
  await tiers.create('desktop-app', { name: 'Pro', slug: 'pro', features: ['api_access'] })
  const { id: customerId } = await customers.create('desktop-app', { email: 'ada@example.com' })
  const license = await licenses.create('desktop-app', {
    installationId: installation(1),
    customerId,
    tierId: 'pro',
    customFeatures: ['custom_integration'],
    durationDays: 30,
  })
  return { ...world, license }
}
