import type {
  ApiKeyWithSecret,
  Customer,
  Licensing,
  NewApiKey,
  RestrictedLicensing,
  Scope,
} from '../../core/index.ts'
import { createLicensing } from '../../core/licensing.ts'
import type { Storage } from '../../core/storage/index.ts'
import { memoryStorage } from '../../storage/memory.ts'
import type { CommandOptions, OpenDatabase } from '../database.ts'
import { Chance } from './chance.ts'
import { DemoClock } from './clock.ts'
import { planOutage, settleDue } from './deliveries.ts'
import { planLicense, studentsUntil, type LicensePlan } from './licenses.ts'
import { Past } from './past.ts'
import { demoPeople } from './people.ts'
import { planRefusals } from './refusals.ts'
import { tellTraffic } from './traffic.ts'

/** A demo in memory, and the key of its founder. */
export interface Demo {
  readonly database: OpenDatabase
  readonly founder: ApiKeyWithSecret
}

const app = 'desktop-app'
const begun = 440
const licenses = 174
const sales = 12
const customers = 140
const shopScopes: readonly Scope[] = [
  'catalogue:read',
  'customers:write',
  'licenses:write',
  'license_keys:write',
]

interface Scene extends LicensePlan {
  /** Signs, and makes key pairs. */
  readonly signing: Licensing
  readonly founder: RestrictedLicensing
}

/** The catalogue grows: one feature came to Pro after most licenses were issued, and one tier is gone. */
function planCatalogue({ signing, founder, past }: Scene): void {
  past.plan(begun, async () => {
    await founder.apps.create({ name: 'Desktop App', slug: app, webhookUrl: 'https://shop.invalid/licenses' })
    const tiers = [
      { name: 'Basic', slug: 'basic', features: ['export'], limits: { projects: 3 } },
      { name: 'Pro', slug: 'pro', features: ['export', 'sync', 'plugins'], limits: { projects: 50 } },
      {
        name: 'Team',
        slug: 'team',
        features: ['export', 'sync', 'plugins', 'sso'],
        limits: { projects: 500 },
      },
      { name: 'Student', slug: 'student', features: ['export', 'sync'] },
    ]
    for (const tier of tiers) await founder.tiers.create(app, tier)
    await founder.features.update(app, 'sso', { name: 'Single sign-on' })
  })
  past.plan(60, () => founder.tiers.addFeature(app, 'pro', { name: 'Webhooks', slug: 'webhooks' }))
  past.plan(studentsUntil, () => founder.tiers.delete(app, 'student'))
  past.plan(300, () => signing.as({ type: 'cli' }).rotateKeys(app, { gracePeriodDays: 30 }))
  past.plan(25, () => signing.as({ type: 'cli' }).rotateKeys(app, { gracePeriodDays: 90 }))
}

function planCustomers({ shop, chance, past }: Scene): () => Customer {
  const known: Customer[] = []
  demoPeople(customers, chance).forEach((person, at) => {
    const daysAgo = begun - 1 - (at / customers) * (begun - 2)
    past.plan(daysAgo, async () => {
      known.push(await shop.customers.create(app, { ...person, externalId: `order-${48_000 + at}` }))
    })
  })
  return () => chance.pick(known)
}

const seatNames = ['Front desk', 'Edit suite', 'Marta’s laptop', 'Render node', 'Meeting room']

/** License keys of a shop, each with a few seats that are taken. */
function planSales({ licensing, shop, founder, chance, past }: Scene, customerOf: () => Customer): void {
  for (let at = 0; at < sales; at++) {
    const seats = chance.between(1, 5)
    const daysAgo = chance.between(20, 300)
    const taken = Array.from({ length: chance.between(1, seats) }, () => chance.uuid())
    past.plan(daysAgo, async () => {
      const sale = {
        customerId: customerOf().id,
        tierId: 'team',
        seats,
        durationDays: 365,
        name: `Order ${9_100 + at}`,
      }
      const { id, key } = await shop.licenseKeys.create(app, sale)
      for (const [seat, installationId] of taken.entries())
        past.plan(daysAgo - 1 - seat, () =>
          licensing.licenseKeys.activate(app, key, {
            installationId,
            name: seatNames[seat % seatNames.length]!,
          }),
        )
      if (at === 0) past.plan(10, () => founder.licenseKeys.revoke(app, id, { reason: 'Chargeback' }))
    })
  }
}

function planKeys({ founder, past }: Scene): void {
  past.plan(150, () => founder.apiKeys.create({ name: 'Auditor', preset: 'auditor' }))
  past.plan(90, async () => {
    const { id } = await founder.apiKeys.create({ name: 'Old build server', app })
    past.plan(30, () => founder.apiKeys.revoke(id))
  })
}

/** Tells the past of a shop that has sold for more than a year. */
async function tell(scene: Scene): Promise<void> {
  const { storage, signing, past, clock } = scene
  const appId = async (): Promise<string> => (await storage.findApp(app))!.id
  planCatalogue(scene)
  const customerOf = planCustomers(scene)
  for (let at = 0; at < licenses; at++) planLicense(scene, customerOf)
  // Numbers of their own, so that the rest stays as it is if they change.
  planSales({ ...scene, chance: new Chance(11) }, customerOf)
  planKeys(scene)
  planOutage(scene.licensing, past, app)
  const receiver = new Chance(31)
  for (let daysAgo = 28; daysAgo > 0; daysAgo -= 1)
    past.plan(daysAgo, () => settleDue(signing, receiver, daysAgo))
  planRefusals(signing, past, new Chance(23), app, async () => {
    return (await storage.findActiveKey(await appId()))?.kid ?? null
  })
  await past.happen(clock)
  clock.goOn()
  await tellTraffic(storage, await appId(), new Chance(29))
}

/** The owner of a key, with the licensing that the key may use. */
interface Member {
  readonly key: ApiKeyWithSecret
  hold(licensing: Licensing): RestrictedLicensing
}

/** Makes a key, whose owner then stands in the audit log. It was used today. */
async function employ(signing: Licensing, past: Past, wanted: NewApiKey): Promise<Member> {
  const key = await signing.as({ type: 'system' }).apiKeys.create(wanted)
  const principal = await signing.apiKeys.authenticate(key.secret)
  if (principal === null) throw new Error('A new key of the demo is unknown')
  past.plan(0.02, () => signing.apiKeys.authenticate(key.secret))
  return { key, hold: (licensing) => licensing.restrictedTo(principal) }
}

async function closeAll(licensing: Licensing, storage: Storage): Promise<void> {
  await licensing.flush()
  await storage.close()
}

/**
 * Makes a demo in memory: an app with tiers, customers and 200 licenses in all states, license keys, API keys and deliveries.
 * Names, states and numbers are the same at every start; days count back from today, and keys and ids are new.
 */
export async function makeDemo({
  signing: options,
  keyPool,
  newKeyPair,
  webhooks,
}: CommandOptions): Promise<Demo> {
  const storage = memoryStorage()
  const clock = new DemoClock()
  const signing = await createLicensing({
    storage,
    masterKey: crypto.getRandomValues(new Uint8Array(32)),
    now: () => clock.now(),
    ...(options !== undefined && { signing: options }),
    ...(keyPool !== undefined && { keyPool }),
    ...(newKeyPair !== undefined && { newKeyPair }),
    ...(webhooks !== undefined && { webhooks }),
  })
  const licensing = signing.with(storage)
  const past = new Past()
  clock.goTo(begun)
  const founder = await employ(signing, past, { name: 'Founder' })
  const shop = await employ(signing, past, { name: 'Web shop', scopes: shopScopes })
  const support = await employ(signing, past, { name: 'Ana, support', preset: 'support' })
  const people = {
    founder: founder.hold(signing),
    shop: shop.hold(licensing),
    support: support.hold(licensing),
  }
  await tell({ storage, licensing, signing, ...people, chance: new Chance(7), past, clock, app })
  return {
    database: { licensing: signing, storage, close: () => closeAll(signing, storage) },
    founder: founder.key,
  }
}
