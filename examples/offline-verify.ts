// The software you ship holds a public key and a token. It checks the license without a server.
import { calculateJwkThumbprint, exportJWK, importSPKI } from 'jose'
import { createLicensing, decide, LicensingError, verifyToken, type Decision } from 'heartwood'
import { memoryStorage } from 'heartwood/storage/memory'

/** Bundle the PEM with the software. A forger could send their own key along with a license. */
async function check(token: string, publicKeyPem: string, now: number): Promise<Decision> {
  const publicKey = await importSPKI(publicKeyPem, 'RS256', { extractable: true })
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey))
  const expected = { audience: 'desktop-app', issuer: 'license-server' }
  const claims = await verifyToken(token, [{ kid, publicKey }], expected)
  return decide({ token: claims, now })
}

const { publicKeyPem, token } = await soldYesterday()
const now = Math.floor(Date.now() / 1000)

console.log('Today:', (await check(token, publicKeyPem, now)).reason)
console.log('In two months:', (await check(token, publicKeyPem, now + 60 * 86_400)).reason)

const [header, claims, signature] = token.split('.')
const pirated = JSON.parse(atob(claims!.replaceAll('-', '+').replaceAll('_', '/')))
const forged = btoa(JSON.stringify({ ...pirated, tier: 'enterprise' })).replaceAll('=', '')
try {
  await check([header, forged, signature].join('.'), publicKeyPem, now)
} catch (error) {
  if (!(error instanceof LicensingError)) throw error
  console.log('With a forged tier:', error.message)
}

/** The vendor's side. In production it runs elsewhere. */
async function soldYesterday(): Promise<{ publicKeyPem: string; token: string }> {
  const masterKey = crypto.getRandomValues(new Uint8Array(32))
  const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
  const app = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
  await licensing.tiers.create(app.slug, { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await licensing.customers.create(app.slug, { email: 'ada@example.com' })
  const place = { installationId: crypto.randomUUID(), customerId, tierId: 'pro' }
  const { token } = await licensing.licenses.create(app.slug, { ...place, durationDays: 30 })
  return { publicKeyPem: app.publicKeyPem, token: token! }
}
