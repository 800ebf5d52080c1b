// Licensing inside a backend of your own: no server of ours, just calls.
// Issues a license when somebody buys, gives it a new feature later, and verifies its token with the public key alone.
import { importSPKI, jwtVerify } from 'jose'
import { createLicensing } from 'heartwood'
import { sqliteStorage } from 'heartwood/storage/sqlite'

// In earnest: a file name, and the same 32 bytes at every start, from your secret store.
const storage = await sqliteStorage({ filename: ':memory:' })
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage, masterKey })

// Once: what you sell.
const app = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
await licensing.tiers.create(app.slug, { name: 'Pro', slug: 'pro', features: ['api_access'] })

// When somebody buys: a customer, and a license for the machine it is installed on.
const customer = await licensing.customers.create(app.slug, { email: 'ada@example.com', name: 'Ada' })
const license = await licensing.licenses.create(app.slug, {
  installationId: crypto.randomUUID(),
  customerId: customer.id,
  tierId: 'pro',
  customFeatures: ['custom_integration'],
  durationDays: 365,
})
console.log(`Issued ${license.id} with ${license.features.join(', ')}`)

// In the software you ship: the public key and a token are enough, whatever the language.
const publicKey = await importSPKI(app.publicKeyPem, 'RS256')
const expected = { algorithms: ['RS256'], audience: app.slug, issuer: app.issuer }
const { payload } = await jwtVerify(license.token!, publicKey, expected)
console.log(`Verified offline: tier ${payload.tier}, until ${new Date(payload.exp! * 1000).toDateString()}`)

// When the tier gains a feature: licenses receive it as they are regenerated.
await licensing.tiers.addFeature(app.slug, 'pro', { name: 'Webhooks', slug: 'webhooks' })
const regenerated = await licensing.licenses.regenerate(app.slug, license.id)
console.log(`Regenerated with ${regenerated.features.join(', ')}`)

await storage.close()
