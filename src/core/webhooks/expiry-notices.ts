import { commit, isTold } from '../transaction.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { newsOf } from '../runtime/events.ts'
import type { AppRecord, EndingLicenses, LicenseNotice, LicenseRecord } from '../storage/index.ts'

const day = 86_400
const ahead = 7 * day
/** What ended longer ago was either told of or was nobody's concern then. */
const behind = 7 * day
/** Two sightings of the clock further apart than this are not one after the other. */
const tolerance = 900
/** For so long the clock must have run evenly before its word is acted upon. */
const settling = 3_600
const pageSize = 500

/** Tells of one end, once: the notice is written in the same transaction, and so is the license's next sequence. */
async function announce(
  context: Context,
  app: AppRecord,
  license: LicenseRecord,
  type: LicenseNotice['type'],
): Promise<boolean> {
  const { id: licenseId, version, expiresAt } = license
  if (expiresAt === null) return false
  const told = await commit(
    context,
    async (tx, tell) => {
      if (!(await tx.insertLicenseNotice({ licenseId, type, expiresAt }))) return null
      const next = await tx.updateLicense(licenseId, version, {})
      if (next !== null) await tell(app, newsOf(type, next, context.now()))
      return next
    },
    (next) => next ?? {},
  )
  return told !== null
}

/** A license may be deleted, and an app with it, while it is told of. */
function unlessGone(error: unknown): false {
  if (error instanceof LicensingError && error.code === 'not_found') return false
  throw error
}

async function announceAll(context: Context, app: AppRecord, ending: EndingLicenses): Promise<number> {
  if (!isTold(context, app, ending.untold)) return 0
  let total = 0
  for (;;) {
    const licenses = await context.storage.listEndingLicenses(ending)
    let told = 0
    for (const license of licenses)
      if (await announce(context, app, license, ending.untold).catch(unlessGone)) told++
    total += told
    // What was lost to another change waits for the next call.
    if (licenses.length < pageSize || told === 0) return total
  }
}

async function announceInApp(context: Context, app: AppRecord): Promise<number> {
  const now = context.now()
  const common = { appId: app.id, limit: pageSize }
  const expiring = { ...common, after: now, until: now + ahead, untold: 'license.expiring' } as const
  const expired = { ...common, after: now - behind, until: now, untold: 'license.expired' } as const
  return (await announceAll(context, app, expiring)) + (await announceAll(context, app, expired))
}

/** Tells of ends that come or came, unless the clock has not run evenly for long enough to be believed. */
export async function announceEnds(context: Context): Promise<number> {
  const { storage } = context
  const now = context.now()
  if (now - (await storage.sightClock(now, tolerance)) < settling) return 0
  let total = 0
  let last: AppRecord | undefined
  do {
    const page: readonly AppRecord[] = await storage.listApps(
      {},
      { limit: 100, ...(last !== undefined && { after: { id: last.id } }) },
    )
    for (const app of page) total += await announceInApp(context, app)
    last = page.length === 100 ? page.at(-1) : undefined
  } while (last !== undefined)
  return total
}
