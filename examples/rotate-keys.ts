// What a key rotation does: every active license has a token under the new key at once, and the old tokens are worthless.
// A routine rotation may leave the old public key accepted for some days, so that nobody notices.
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
  return (await licensing.verification.verifyToken(slug, token)).valid ? 'is accepted' : 'is refused'
}

// The key may have leaked: the old one must be worth nothing from now on.
const { licensesResigned } = await licensing.rotateKeys(slug)
console.log(`Rotated: ${licensesResigned} active licenses are under the new key`)
console.log(`The old token ${await verdict(license.token)}`)
const fresh = await licensing.licenses.token(slug, license.id)
console.log(`The token fetched again ${await verdict(fresh)}`)

// A yearly rotation, with no suspicion: programs in the field have 30 days to renew by themselves.
await licensing.rotateKeys(slug, { gracePeriodDays: 30 })
console.log(`Rotated with grace: the token from before still ${await verdict(fresh)}`)
const renewed = await licensing.licenses.renew(slug, license.id, fresh)
console.log(`and it renewed itself: the new one ${await verdict(renewed.token)}`)
