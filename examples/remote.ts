// Licensing on another server, over its HTTP API: the same calls as in examples/embed.ts.
// It issues a license for a buyer, lists the active ones, and refunds.
import process from 'node:process'
import { LicensingError } from 'heartwood'
import { createLicensingClient, type RemoteLicensing } from 'heartwood/sdk'

// In process this line would be `await createLicensing({ storage, masterKey })`. Nothing below it would change.
const licensing: RemoteLicensing = createLicensingClient({
  baseUrl: process.env['HEARTWOOD_URL'] ?? 'http://localhost:4000',
  apiKey: process.env['HEARTWOOD_API_KEY'] ?? '',
})

// Once: the app and the tier that you sell. A second run finds them.
const isTaken = (error: unknown): boolean => error instanceof LicensingError && error.code === 'conflict'
async function once(creation: Promise<unknown>): Promise<void> {
  await creation.catch((error: unknown) => {
    if (!isTaken(error)) throw error
  })
}
await once(licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' }))
await once(licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro', features: ['api_access'] }))

// For each sale: a customer, and a license for the installation on the customer's machine. If the connection breaks, the
// client asks again under the same Idempotency-Key, so there is one license.
const { customer } = await licensing.customers.getOrCreate('desktop-app', { email: 'ada@example.com' })
const license = await licensing.licenses.create('desktop-app', {
  installationId: crypto.randomUUID(),
  customerId: customer.id,
  tierId: 'pro',
  durationDays: 365,
})
console.log(`Issued ${license.id} until ${new Date(license.expiresAt! * 1000).toDateString()}`)

// Every active license, page after page.
for await (const { id, tier } of licensing.licenses.all('desktop-app', { status: 'active' }))
  console.log(`${id} has the tier ${tier}`)

const { status } = await licensing.licenses.revoke('desktop-app', license.id, { reason: 'Refunded' })
console.log(`Refunded: the license is ${status}`)
