import { createPublicKey, verify } from 'node:crypto'
import { chainFaults } from '../../src/cli/doctor/chain-faults.ts'
import type { AppRecord, LicenseRecord, Licensing, Storage } from '../../src/core/index.ts'

/** The violations of Heartwood's invariants in a database, one sentence each. */
export async function inconsistencies({ storage, licensing }: Server): Promise<string[]> {
  const found: string[] = []
  for (const app of await storage.listApps({}, { limit: 100 })) {
    const licenses = await storage.listLicenses({ appId: app.id, now: 0 }, { limit: 10_000 })
    found.push(...(await wrongKeys(storage, app)), ...wrongSlots(licenses))
    found.push(...(await wrongTokens(licensing, app, licenses)))
  }
  return found
}

/** One server: a storage, and licensing on it. */
export interface Server {
  readonly storage: Storage
  readonly licensing: Licensing
}

async function wrongKeys(storage: Storage, app: AppRecord): Promise<string[]> {
  const keys = await storage.listSigningKeys(app.id)
  const active = keys.filter((key) => key.acceptedUntil === null)
  const kept = keys.filter((key) => key.acceptedUntil !== null && key.privateKey !== null)
  const faults = await chainFaults(app, await storage.listKeyStatements(app.id), keys)
  return [
    ...faults.map(({ where, what }) => `${where} ${what}`),
    ...(active.length === 1 ? [] : [`${active.length} active keys in ${app.slug}`]),
    ...active.filter((key) => key.privateKey === null).map((key) => `${key.kid} cannot sign`),
    ...kept.map((key) => `${key.kid} is retired and can sign`),
  ]
}

function wrongSlots(licenses: readonly LicenseRecord[]): string[] {
  const holders = licenses.filter((license) => license.current).map((license) => license.installationId)
  const doubled = holders.filter((holder, at) => holders.indexOf(holder) < at)
  const outside = licenses.filter((license) => isActive(license) && !license.current)
  return [
    ...doubled.map((installation) => `two current licenses on ${installation}`),
    ...outside.map((license) => `${license.id} is active and has no installation slot`),
  ]
}

async function wrongTokens(
  licensing: Licensing,
  app: AppRecord,
  licenses: readonly LicenseRecord[],
): Promise<string[]> {
  const { publicKeyPem } = await licensing.apps.get(app.slug)
  const active = licenses.filter(isActive)
  const tokens = await Promise.all(active.map(({ id }) => licensing.licenses.token(app.slug, id)))
  const bad = active.filter((_, at) => !isSigned(tokens[at]!, publicKeyPem))
  return bad.map((license) => `the served key refuses the token of ${license.id}`)
}

function isActive({ revokedAt, expiresAt }: LicenseRecord): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt * 1000 > Date.now())
}

/** Verifies with the platform, not with the code under test. */
function isSigned(token: string | null, publicKeyPem: string): boolean {
  const [header, payload, signature] = (token ?? '').split('.')
  if (signature === undefined) return false
  const signed = new TextEncoder().encode(`${header}.${payload}`)
  return verify('sha256', signed, createPublicKey(publicKeyPem), Buffer.from(signature, 'base64url'))
}
