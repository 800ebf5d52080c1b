import type { ApiKeyWithSecret, Customer, Licensing } from '../../core/index.ts'
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

interface Scene extends LicensePlan {
  /** Signs, and makes key pairs. */
  readonly signing: Licensing
}

/** The catalogue grows: one feature came to Pro after most licenses were issued, and one tier is gone. */
function planCatalogue({ signing, licensing, past }: Scene): void {
  past.plan(begun, async () => {
    await signing.apps.create({ name: 'Desktop App', slug: app, webhookUrl: 'https://shop.invalid/licenses' })
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
    for (const tier of tiers) await licensing.tiers.create(app, tier)
    await licensing.features.update(app, 'sso', { name: 'Single sign-on' })
  })
  past.plan(60, () => licensing.tiers.addFeature(app, 'pro', { name: 'Webhooks', slug: 'webhooks' }))
  past.plan(studentsUntil, () => licensing.tiers.delete(app, 'student'))
  past.plan(300, () => signing.rotateKeys(app, { gracePeriodDays: 30 }))
  past.plan(25, () => signing.rotateKeys(app, { gracePeriodDays: 90 }))
}

function planCustomers({ licensing, chance, past }: Scene): () => Customer {
  const known: Customer[] = []
  demoPeople(customers, chance).forEach((person, at) => {
    const daysAgo = begun - 1 - (at / customers) * (begun - 2)
    past.plan(daysAgo, async () => {
      known.push(await licensing.customers.create(app, { ...person, externalId: `order-${48_000 + at}` }))
    })
  })
  return () => chance.pick(known)
}

/** License keys of a shop, each with a few seats that are taken. */
function planSales({ licensing, chance, past }: Scene, customerOf: () => Customer): void {
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
      const { id, key } = await licensing.licenseKeys.create(app, sale)
      for (const [seat, installationId] of taken.entries())
        past.plan(daysAgo - 1 - seat, () =>
          licensing.licenseKeys.activate(app, key, { installationId, name: `Seat ${seat + 1}` }),
        )
      if (at === 0) past.plan(10, () => licensing.licenseKeys.revoke(app, id, { reason: 'Chargeback' }))
    })
  }
}

function planKeys({ licensing, past }: Scene): void {
  past.plan(300, () => licensing.apiKeys.create({ name: 'Web shop', preset: 'payments' }))
  past.plan(200, () => licensing.apiKeys.create({ name: 'Ana, support', preset: 'support' }))
  past.plan(150, () => licensing.apiKeys.create({ name: 'Auditor', preset: 'auditor' }))
  past.plan(90, async () => {
    const { id } = await licensing.apiKeys.create({ name: 'Old build server', app })
    past.plan(30, () => licensing.apiKeys.revoke(id))
  })
}

/** Tells the past of a shop that has sold for more than a year. */
async function tell(scene: Scene): Promise<ApiKeyWithSecret> {
  const { signing, past, clock } = scene
  planCatalogue(scene)
  const customerOf = planCustomers(scene)
  for (let at = 0; at < licenses; at++) planLicense(scene, customerOf)
  // Numbers of its own, so that the seats stay as they are if the rest changes.
  planSales({ ...scene, chance: new Chance(11) }, customerOf)
  planKeys(scene)
  planOutage(scene.licensing, past, app)
  // Numbers of its own, as above.
  const receiver = new Chance(31)
  for (let daysAgo = 28; daysAgo > 0; daysAgo -= 1)
    past.plan(daysAgo, () => settleDue(signing, receiver, daysAgo))
  clock.goTo(begun)
  const founder = await signing.apiKeys.create({ name: 'Founder' })
  await past.happen(clock)
  clock.goOn()
  return founder
}

async function closeAll(licensing: Licensing, storage: Storage): Promise<void> {
  await licensing.flush()
  await storage.close()
}

/**
 * Makes a demo in memory: an app with tiers, customers and 200 licenses in all states, license keys, API keys and deliveries.
 * Names, states and numbers are the same at every start; days count back from today, and keys and ids are new.
 */
export async function makeDemo({ signing: options, keyPool, webhooks }: CommandOptions): Promise<Demo> {
  const storage = memoryStorage()
  const clock = new DemoClock()
  const signing = await createLicensing({
    storage,
    masterKey: crypto.getRandomValues(new Uint8Array(32)),
    now: () => clock.now(),
    ...(options !== undefined && { signing: options }),
    ...(keyPool !== undefined && { keyPool }),
    ...(webhooks !== undefined && { webhooks }),
  })
  const licensing = signing.with(storage)
  const founder = await tell({
    storage,
    licensing,
    signing,
    chance: new Chance(7),
    past: new Past(),
    clock,
    app,
  })
  return { database: { licensing: signing, storage, close: () => closeAll(signing, storage) }, founder }
}
