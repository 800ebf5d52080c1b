import type { Context } from '../context.ts'
import { eachPage } from '../paging.ts'
import { beginOf, hour } from '../runtime/tallies.ts'
import type {
  AppRecord,
  NumericDate,
  SnapshotRecord,
  StatusCounts,
  TallyRecord,
  TierCounts,
  TierRecord,
} from '../storage/index.ts'
import { day } from '../time.ts'

/** Seconds for which a server may count. After that another one begins anew, because the first may have died. */
const patience = 600

/** An app with no more licenses is counted every hour, because that takes some milliseconds. */
const fewLicenses = 10_000

/** Seconds for which counts are kept. */
const keptFor: Readonly<Record<TallyRecord['span'], number>> = { hour: 400 * day, day: 3_660 * day }
const prunedAtOnce = 500

const pageSize = 100

function totalOf({ tiers }: SnapshotRecord): number {
  return tiers.reduce((sum, { active, expired, revoked }) => sum + active + expired + revoked, 0)
}

/** A snapshot from the future was taken by a clock that ran ahead. */
function isDue(last: SnapshotRecord | undefined, now: NumericDate): boolean {
  const takenAt = last?.takenAt ?? null
  if (last === undefined || takenAt === null || takenAt > now + hour) return true
  return takenAt < beginOf(totalOf(last) <= fewLicenses ? hour : day, now)
}

async function countTier(
  { storage }: Context,
  { id: appId }: AppRecord,
  tier: TierRecord | null,
  now: NumericDate,
): Promise<TierCounts> {
  const counts: StatusCounts = await storage.countStatuses({ appId, tierId: tier?.id ?? null, now })
  return { tier: tier?.slug ?? null, ...counts }
}

/** The licenses whose tier was deleted come last, if there are any. */
async function countTiers(
  context: Context,
  app: AppRecord,
  now: NumericDate,
): Promise<readonly TierCounts[]> {
  const tiers: TierCounts[] = []
  const pages = eachPage<TierRecord>(pageSize, (page) => context.storage.listTiers(app.id, page))
  for await (const page of pages)
    for (const tier of page) tiers.push(await countTier(context, app, tier, now))
  const others = await countTier(context, app, null, now)
  return others.active + others.expired + others.revoked > 0 ? [...tiers, others] : tiers
}

/** Deletes the counts of an app that are too old, in pages. */
async function prune({ storage }: Context, { id: appId }: AppRecord, now: NumericDate): Promise<void> {
  for (const span of ['hour', 'day'] as const) {
    const old = { appId, span, from: 0, before: Math.max(0, now - keptFor[span]) }
    while ((await storage.pruneTallies(old, prunedAtOnce)) === prunedAtOnce);
  }
}

/** Counts the licenses of an app, if no other server does or has done so. */
async function takeSnapshot(
  context: Context,
  app: AppRecord,
  last: SnapshotRecord | undefined,
): Promise<boolean> {
  const { storage, runtime } = context
  const now = runtime.now()
  const claimedUntil = now + patience
  const claim = { appId: app.id, takenAt: last?.takenAt ?? null, now, until: claimedUntil }
  if (!(await storage.claimSnapshot(claim))) return false
  const tiers = await countTiers(context, app, now)
  await prune(context, app, now)
  return storage.storeSnapshot({ appId: app.id, takenAt: now, claimedUntil, tiers })
}

/** Takes the snapshots that are due: see `Licensing.keepStats`. Resolves to their number. */
export async function takeSnapshots(context: Context): Promise<number> {
  const { storage, runtime } = context
  let taken = 0
  for await (const apps of eachPage<AppRecord>(pageSize, (page) => storage.listApps({}, page))) {
    const found = await storage.findSnapshots(apps.map(({ id }) => id))
    const last = new Map(found.map((snapshot) => [snapshot.appId, snapshot]))
    for (const app of apps.filter(({ id }) => isDue(last.get(id), runtime.now())))
      if (await takeSnapshot(context, app, last.get(app.id))) taken++
  }
  return taken
}
