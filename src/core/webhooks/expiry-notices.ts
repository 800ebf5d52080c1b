import type { Context } from '../context.ts'
import { eachPage } from '../paging.ts'
import { licenseEvent, licenseKeyEvent } from '../runtime/events.ts'
import type {
  AppRecord,
  EndingLicenseKeys,
  EndingLicenses,
  ExpiryNotice,
  LicenseKeyRecord,
  LicenseRecord,
} from '../storage/index.ts'
import { day } from '../time.ts'
import { hasReceivers, inTransaction, lostIfGone } from '../transaction.ts'

const ahead = 7 * day
/** Do not announce licenses that ended more than 7 days ago. */
const behind = 7 * day
/** Seconds between two readings of the clock, beyond which it has leapt or nobody has read it. */
const tolerance = 900
/** Seconds for which the clock must be stable before we announce anything. */
const settling = 3_600
const pageSize = 500

/** Announces one end once: the same transaction writes the notice, and raises the license's `sequence`. */
async function announce(
  context: Context,
  app: AppRecord,
  license: LicenseRecord,
  type: ExpiryNotice['type'],
): Promise<boolean> {
  const { id: licenseId, version, expiresAt } = license
  if (expiresAt === null) return false
  const written = inTransaction(context, async (tx, emit) => {
    if (!(await tx.insertExpiryNotice({ licenseId, type, expiresAt }))) return null
    const next = await tx.updateLicense(licenseId, version, {})
    if (next !== null) await emit(app, licenseEvent(type, next, context.runtime.now()))
    return next
  })
  return (await lostIfGone(context, written)) !== null
}

async function announceAll(context: Context, app: AppRecord, ending: EndingLicenses): Promise<number> {
  if (!hasReceivers(context, app, ending.withoutNotice)) return 0
  let total = 0
  for (;;) {
    const licenses = await context.storage.listEndingLicenses(ending)
    let announced = 0
    for (const license of licenses)
      if (await announce(context, app, license, ending.withoutNotice)) announced++
    total += announced
    // A license that lost its race waits for the next call.
    if (licenses.length < pageSize || announced === 0) return total
  }
}

const keyEvents = { toldExpiring: 'license_key.expiring', toldExpired: 'license_key.expired' } as const

/** Announces the end of a license key once: the write that notes it raises its `sequence`. */
async function announceKey(
  context: Context,
  app: AppRecord,
  { id, version, expiresAt }: LicenseKeyRecord,
  mark: EndingLicenseKeys['unlessTold'],
): Promise<boolean> {
  const written = inTransaction(context, async (tx, emit) => {
    const told = await tx.updateLicenseKey(id, version, { [mark]: expiresAt })
    if (told === null) return null
    await emit(app, licenseKeyEvent(keyEvents[mark], told, await tx.countSeats(id), context.runtime.now()))
    return told
  })
  return (await lostIfGone(context, written)) !== null
}

async function announceKeys(context: Context, app: AppRecord, ending: EndingLicenseKeys): Promise<number> {
  if (!hasReceivers(context, app, keyEvents[ending.unlessTold])) return 0
  let total = 0
  for (;;) {
    const keys = await context.storage.listEndingLicenseKeys(ending)
    let announced = 0
    for (const key of keys) if (await announceKey(context, app, key, ending.unlessTold)) announced++
    total += announced
    // A license key that lost its race waits for the next call.
    if (keys.length < pageSize || announced === 0) return total
  }
}

async function announceInApp(context: Context, app: AppRecord): Promise<number> {
  const now = context.runtime.now()
  const coming = { appId: app.id, limit: pageSize, after: now, until: now + ahead }
  const past = { appId: app.id, limit: pageSize, after: now - behind, until: now }
  return (
    (await announceAll(context, app, { ...coming, withoutNotice: 'license.expiring' })) +
    (await announceAll(context, app, { ...past, withoutNotice: 'license.expired' })) +
    (await announceKeys(context, app, { ...coming, unlessTold: 'toldExpiring' })) +
    (await announceKeys(context, app, { ...past, unlessTold: 'toldExpired' }))
  )
}

/** Announces licenses and license keys that end or have ended: see `Outbox.announceEnds`. A clock that is not stable yet announces nothing. */
export async function announceEnds(context: Context): Promise<number> {
  const { storage } = context
  const now = context.runtime.now()
  if (now - (await storage.recordClockReading(now, tolerance)) < settling) return 0
  let total = 0
  for await (const page of eachPage<AppRecord>(100, (wanted) => storage.listApps({}, wanted)))
    for (const app of page) total += await announceInApp(context, app)
  return total
}
