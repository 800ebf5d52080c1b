// Licensing inside your own backend, by function calls and without a Heartwood server.
// It issues a license for a buyer, verifies the token with the public key alone, and adds a feature later.
import { importSPKI, jwtVerify } from 'jose'
import { createLicensing } from 'heartwood'
import { sqliteStorage } from 'heartwood/storage/sqlite'

// In production: use a file name, and load the same 32 bytes from your secret store at every start.
const storage = await sqliteStorage({ filename: ':memory:' })
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage, masterKey })

// At every start: the app and the tiers that you sell. It creates what is missing.
const app = await licensing.ensure({
  app: { name: 'My Desktop App', slug: 'desktop-app' },
  tiers: [{ name: 'Pro', slug: 'pro', features: ['api_access'] }],
})

// For each sale: create a customer, and a license for the installation on the customer's machine.
const customer = await licensing.customers.create(app.slug, { email: 'ada@example.com', name: 'Ada' })
const license = await licensing.licenses.create(app.slug, {
  installationId: crypto.randomUUID(),
  customerId: customer.id,
  tierId: 'pro',
  customFeatures: ['custom_integration'],
  durationDays: 365,
})
console.log(`Issued ${license.id} with ${license.features.join(', ')}`)

// In the software you ship: the public key and the token are enough, in any language.
const publicKey = await importSPKI(app.publicKeyPem, 'RS256')
const expected = { algorithms: ['RS256'], audience: app.slug, issuer: app.issuer }
const { payload } = await jwtVerify(license.token!, publicKey, expected)
console.log(`Verified offline: tier ${payload.tier}, until ${new Date(payload.exp! * 1000).toDateString()}`)

// A tier gains a feature: each license receives it when you regenerate the license.
await licensing.tiers.addFeature(app.slug, 'pro', { name: 'Webhooks', slug: 'webhooks' })
const regenerated = await licensing.licenses.regenerate(app.slug, license.id)
console.log(`Regenerated with ${regenerated.features.join(', ')}`)

await storage.close()
