import type { Customer, License, Licensing, RestrictedLicensing } from '../../core/index.ts'
import { signOfLife } from '../../core/licenses/seen.ts'
import type { Storage } from '../../core/storage/index.ts'
import type { Chance } from './chance.ts'
import type { DemoClock } from './clock.ts'
import type { Past } from './past.ts'

/** The parts of which the demo makes licenses. */
export interface LicensePlan {
  readonly storage: Storage
  /** Signs nothing, so that hundreds of licenses take no time. */
  readonly licensing: Licensing
  /** The same in the hands of the web shop, which sells, and of support. */
  readonly shop: RestrictedLicensing
  readonly support: RestrictedLicensing
  readonly chance: Chance
  readonly past: Past
  readonly clock: DemoClock
  readonly app: string
}

/** The life of a license. Days count back from today. */
interface Fate {
  readonly issued: number
  readonly days: number | null
  readonly tierId: string
  readonly seen: number | null
}

const programs = ['desktop-app/2.3.1 (macos)', 'desktop-app/2.3.1 (windows)', 'desktop-app/2.2.0 (linux)']
const machines = ['MacBook', 'Office PC', 'Studio', 'Home', 'Laptop', null, null]
const reasons = ['Refunded', 'Card reported stolen', 'Left the company', 'Bought twice']

function tierOf(chance: Chance): string {
  const roll = chance.next()
  if (roll < 0.45) return 'basic'
  if (roll < 0.85) return 'pro'
  return roll < 0.95 ? 'team' : 'student'
}

/** The tier of students was deleted after that day. */
export const studentsUntil = 40

function fateOf(chance: Chance): Fate {
  const chosen = tierOf(chance)
  const days = chance.happens(0.08) ? null : chance.happens(0.15) ? 30 : 365
  // Some have ended, and some end within days: the pages ask for both.
  const issued = chance.between(1, days === 30 ? 45 : 430) + chance.next()
  const ended = days !== null && issued > days ? issued - days : 0
  const idle = chance.happens(0.12) ? chance.between(31, 160) : chance.next() * 3
  const seen = Math.max(ended, idle)
  const isUnseen = chance.happens(0.06) || seen >= issued
  const tierId = chosen === 'student' && issued <= studentsUntil ? 'basic' : chosen
  return { issued, days, tierId, seen: isUnseen ? null : seen }
}

/** The program of a customer renews its license by itself. */
function planSeen({ storage, past, clock, chance, app }: LicensePlan, { id }: License, seen: number): void {
  const client = chance.pick(programs)
  past.plan(seen, async () => {
    const owner = await storage.findApp(app)
    const license = owner && (await storage.findLicense(owner.id, id))
    const key = owner && (await storage.findActiveKey(owner.id))
    if (!license || !key || license.revokedAt !== null) return
    const now = Math.floor(clock.now() / 1000)
    await storage.updateLicense(id, license.version, signOfLife(now, key.kid, client))
  })
}

function planRevocation(
  { support, past, chance, app }: LicensePlan,
  { id }: License,
  { issued, days }: Fate,
): void {
  const ended = days === null ? 0 : Math.max(0, issued - days)
  // A vendor revokes what is still good.
  const revoked = ended + chance.next() * Math.min(issued - ended, 120)
  const reason = chance.pick(reasons)
  past.plan(revoked, () => support.licenses.revoke(app, id, { reason }))
  if (revoked - ended > 20 && chance.happens(0.3))
    past.plan(revoked - 14, () => support.licenses.reinstate(app, id).catch(() => undefined))
}

/** Plans the whole life of one license. */
export function planLicense(plan: LicensePlan, customerOf: () => Customer): void {
  const { shop, chance, past, app } = plan
  const fate = fateOf(chance)
  const { issued, days, tierId, seen } = fate
  const end = days === null ? ({ forever: true } as const) : { durationDays: days }
  const installationId = chance.uuid()
  const name = chance.pick(machines)
  const isRevoked = chance.happens(0.09)
  past.plan(issued, async () => {
    const customerId = customerOf().id
    const license = await shop.licenses.create(app, { installationId, customerId, tierId, ...end })
    if (name !== null) await shop.licenses.update(app, license.id, { name })
    if (seen !== null) planSeen(plan, license, seen)
    if (isRevoked) planRevocation(plan, license, fate)
  })
}
