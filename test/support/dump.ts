import type { Storage } from '../../src/core/index.ts'

const page = { limit: 10_000 }

async function dumpApp(storage: Storage, appId: string): Promise<object> {
  const tiers = await storage.listTiers(appId, page)
  return {
    tiers,
    tierFeatures: await Promise.all(tiers.map(({ id }) => storage.listTierFeatures(id))),
    features: await storage.listFeatures(appId, page),
    customers: await storage.listCustomers({ appId }, page),
    licenses: await storage.listLicenses({ appId, now: 0 }, page),
    licenseKeys: await storage.listLicenseKeys({ appId, now: 0 }, page),
    signingKeys: await storage.listSigningKeys(appId),
    webhook: await storage.findWebhook(appId),
    deliveries: await storage.listDeliveries({ appId }, page),
  }
}

/** All records of a storage, as one text. */
export async function dump(storage: Storage): Promise<string> {
  const apps = await storage.listApps({}, page)
  const contents = await Promise.all(apps.map(({ id }) => dumpApp(storage, id)))
  return JSON.stringify([
    apps,
    contents,
    await storage.listApiKeys({}, page),
    await storage.claimKeyCheck(''),
  ])
}

/** All text of an error: its properties, message and stack, and those of its causes. */
export function spoken(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error)
  const own = JSON.stringify({ ...error, message: error.message, stack: error.stack, text: String(error) })
  return error.cause === undefined ? own : own + spoken(error.cause)
}
