// A key rotation gives every active license a token under the new key at once. It makes the old tokens worthless.
// A routine rotation can keep the old public key valid for some days, so that programs renew without a gap.
import { createLicensing } from 'heartwood'
import { memoryStorage } from 'heartwood/storage/memory'

const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
const { slug } = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
await licensing.tiers.create(slug, { name: 'Pro', slug: 'pro', features: ['api_access'] })
const { id: customerId } = await licensing.customers.create(slug, { email: 'ada@example.com' })
const [license] = await Promise.all([issue(), issue(), issue()])

async function issue() {
  const installationId = crypto.randomUUID()
  return licensing.licenses.create(slug, { installationId, customerId, tierId: 'pro', forever: true })
}

async function verdict(token: string | null): Promise<string> {
  return (await licensing.verification.verifyToken(slug, token)).valid ? 'accepts' : 'refuses'
}

// After a suspected leak, rotate without grace: the old key stops working at once.
const { licensesResigned } = await licensing.rotateKeys(slug)
console.log(`Rotated: ${licensesResigned} active licenses use the new key`)
console.log(`The server ${await verdict(license.token)} the old token`)
const fresh = await licensing.licenses.token(slug, license.id)
console.log(`The server ${await verdict(fresh)} the token fetched again`)

// A routine yearly rotation: programs in the field have 30 days to renew by themselves.
await licensing.rotateKeys(slug, { gracePeriodDays: 30 })
console.log(`Rotated with grace: the server still ${await verdict(fresh)} the earlier token`)
const renewed = await licensing.licenses.renew(slug, license.id, fresh)
console.log(`Renewed with the earlier token: the server ${await verdict(renewed.token)} the new one`)
