import type { LicenseKeyWithText, NewLicense, NewLicenseKey, SignedLicense } from '../../../src/core/index.ts'
import { day, installation, tokenOf, type World } from '../../support/fixtures.ts'

export const app = 'desktop-app'

/** A shop with licenses and license keys in every state, as people at support meet them. */
export interface Desk {
  readonly world: World
  readonly tokens: Readonly<Record<string, string>>
  readonly licenses: Readonly<Record<string, SignedLicense>>
  readonly keys: Readonly<Record<string, LicenseKeyWithText>>
  /** Ids of customers by name. */
  readonly customers: Readonly<Record<string, string>>
  /** Thumbprints of the signing keys of the app by name. */
  readonly kids: Readonly<Record<string, string>>
  readonly file: string
}

type Terms = Partial<NewLicense>

/** Makes things and keeps them by their names. */
class Maker {
  readonly licenses: Record<string, SignedLicense> = {}
  readonly tokens: Record<string, string> = {}
  readonly keys: Record<string, LicenseKeyWithText> = {}
  readonly customers: Record<string, string> = {}
  readonly kids: Record<string, string> = {}
  readonly world: World
  #made = 0

  constructor(world: World) {
    this.world = world
  }

  async customer(name: string, externalId: string | null = null): Promise<void> {
    const { customers } = this.world.licensing
    const given = { email: `${name}@example.com`, name, externalId }
    this.customers[name] = (await customers.create(app, given)).id
  }

  async license(name: string, terms: Terms = {}, in_ = app, holder = 'ada'): Promise<SignedLicense> {
    const customerId = this.customers[holder]!
    const ends = 'durationDays' in terms ? {} : { durationDays: 300 }
    const given = { installationId: installation(++this.#made), customerId, tierId: 'pro', ...ends, ...terms }
    const license = await this.world.licensing.licenses.create(in_, given as NewLicense)
    this.licenses[name] = license
    this.tokens[name] = tokenOf(license)
    return license
  }

  async key(name: string, terms: Partial<NewLicenseKey> = {}, holder = 'ada'): Promise<LicenseKeyWithText> {
    const ends = 'durationDays' in terms ? {} : { forever: true }
    const given = { customerId: this.customers[holder]!, tierId: 'pro', ...ends, ...terms }
    return (this.keys[name] = await this.world.licensing.licenseKeys.create(app, given as NewLicenseKey))
  }

  async seat(name: string, key: string): Promise<string> {
    const { licenseKeys } = this.world.licensing
    const given = { installationId: installation(++this.#made), name: `${name} laptop` }
    const { license } = await licenseKeys.activate(app, this.keys[key]!.key, given)
    this.tokens[name] = tokenOf(license)
    return license.id
  }

  async kid(name: string): Promise<void> {
    this.kids[name] = (await this.world.licensing.apps.keys(app))[0]!.kid
  }
}

async function catalogue({ licensing }: World): Promise<void> {
  const { apps, tiers } = licensing
  await apps.create({ name: 'My Desktop App', slug: app, keyPrefix: 'ACME' })
  await apps.create({ name: 'Other App', slug: 'other-app' })
  await apps.create({ name: 'Test App', slug: 'test-app' }, { mode: 'test' })
  for (const slug of ['pro', 'team', 'gone'])
    await tiers.create(app, { name: slug, slug, features: ['export'] })
  for (const other of ['other-app', 'test-app']) await tiers.create(other, { name: 'Pro', slug: 'pro' })
}

async function people(maker: Maker): Promise<void> {
  for (const name of ['ada', 'bob', 'carol', 'erin']) await maker.customer(name)
  await maker.customer('dave', 'user-42')
  const { customers } = maker.world.licensing
  for (const other of ['other-app', 'test-app']) {
    const { id } = await customers.create(other, { email: 'otto@example.com' })
    maker.customers[other] = id
  }
}

/** Three rotations: the first key is retired, the second compromised, and the third in its grace period. */
async function rotations(maker: Maker, end: number): Promise<void> {
  const { world } = maker
  await maker.kid('retired')
  await maker.license('retired')
  await world.licensing.rotateKeys(app)
  await maker.kid('compromised')
  await maker.license('compromised')
  await world.licensing.rotateKeys(app, { compromised: true })
  world.clock.seconds = end - 10 * day
  await maker.kid('grace')
  await maker.license('grace')
  await world.licensing.rotateKeys(app, { gracePeriodDays: 30 })
  await maker.kid('active')
}

async function tokens(maker: Maker, end: number): Promise<void> {
  const { licenses, tiers } = maker.world.licensing
  await maker.license('good', {}, app, 'bob')
  await maker.license('dave', {}, app, 'dave')
  await maker.license('other', {}, 'other-app', 'other-app')
  await maker.license('test', {}, 'test-app', 'test-app')
  await licenses.revoke(app, (await maker.license('revoked')).id, { reason: 'Refunded' })
  await licenses.regenerate(app, (await maker.license('older')).id)
  await licenses.regenerate(app, (await maker.license('invalidated')).id, { invalidatePrevious: true })
  await licenses.delete(app, (await maker.license('deleted')).id)
  await maker.license('expired', { durationDays: 5 } as Terms)
  const { id: extended } = await maker.license('extended', { durationDays: 5 } as Terms)
  await licenses.update(app, extended, { expiresAt: end + 90 * day })
  const { id: shortened } = await maker.license('shortened')
  await licenses.update(app, shortened, { expiresAt: end - day })
  await maker.license('tierless', { tierId: 'gone' })
  await maker.license('stale', { tierId: 'team' })
  await tiers.addFeature(app, 'team', { name: 'Webhooks', slug: 'webhooks' })
  await maker.license('superseded', { durationDays: 2 } as Terms)
}

/** Keys of another shop that look like license keys: the second has right check symbols, the third is in hexadecimal. */
export const shopKeys = {
  groups: 'ABCDE-FGH1J-K2MNP-QRST3-VWXY4',
  right: '00000-ooooo-00000-ooooo-00000',
  hex: '9f86d081884c7d659a2feaa0c55ad015',
} as const

async function licenseKeys(maker: Maker): Promise<void> {
  const { licenseKeys: keys, tiers } = maker.world.licensing
  await maker.key('good', { seats: 2, externalId: 'order-1001' }, 'erin')
  await maker.key('lost', { seats: 2 })
  await keys.release(app, await maker.seat('released', 'lost'))
  await maker.key('full')
  await maker.seat('seated', 'full')
  await maker.key('revoked')
  await maker.seat('of revoked key', 'revoked')
  await keys.revoke(app, maker.keys['revoked']!.id, { reason: 'Chargeback' })
  await maker.key('expired', { durationDays: 5 } as Partial<NewLicenseKey>)
  await keys.roll(app, (await maker.key('rolled')).id)
  await keys.roll(app, (await maker.key('overlapping')).id, { overlapDays: 30 })
  await keys.delete(app, (await maker.key('deleted')).id)
  await maker.key('tierless', { tierId: 'gone' })
  await maker.key('shop', { key: 'SHOP_1234_5678_abcd' })
  for (const [name, key] of Object.entries(shopKeys)) await maker.key(name, { key })
  await tiers.delete(app, 'gone')
}

/** Fills a world whose clock then shows `end`. */
export async function newDesk(world: World, end: number): Promise<Desk> {
  const maker = new Maker(world)
  world.clock.seconds = end - 100 * day
  await catalogue(world)
  await people(maker)
  await rotations(maker, end)
  await tokens(maker, end)
  await licenseKeys(maker)
  world.clock.seconds = end - 5 * day
  const { installationId } = maker.licenses['superseded']!
  await maker.license('successor', { installationId })
  world.clock.seconds = end
  const file = await world.licensing.licenses.file(app, maker.licenses['good']!.id)
  return { ...maker, world, file }
}
