import type {
  SnapshotClaim,
  SnapshotRecord,
  SnapshotStorage,
  StatusCounts,
  StatusFilter,
} from '../../core/storage/index.ts'
import { latestClaim } from '../../core/storage/snapshots.ts'
import { statusOf } from '../../core/token/decision.ts'
import type { Runner } from './runner.ts'
import type { LookUps, StoredSnapshot, Tables } from './tables.ts'

export function snapshotStorage({ read, write }: Runner): SnapshotStorage {
  return {
    findSnapshots: (appIds) =>
      read(({ snapshots }) =>
        appIds
          .map((id) => snapshots.get(id))
          .filter((snapshot) => snapshot !== null)
          .map(recordOf),
      ),
    claimSnapshot: (claim) => write((tables) => claimSnapshot(tables, claim)),
    storeSnapshot: (snapshot) => write((tables) => storeSnapshot(tables, snapshot)),
    countStatuses: (filter) => read((tables) => countStatuses(tables, filter)),
  }
}

function claimSnapshot({ apps, snapshots }: Tables, claim: SnapshotClaim): boolean {
  const { appId, takenAt, now, until } = claim
  if (apps.get(appId) === null) return false
  const last = snapshots.get(appId) ?? { id: appId, appId, takenAt: null, claimedUntil: 0, tiers: [] }
  const isFree = last.claimedUntil <= now || last.claimedUntil > latestClaim(claim)
  const isFirst = snapshots.get(appId) === null
  if (!isFirst && (!isFree || last.takenAt !== takenAt)) return false
  snapshots.replace({ ...last, claimedUntil: until })
  return true
}

function storeSnapshot({ snapshots }: Tables, snapshot: SnapshotRecord): boolean {
  if (snapshots.get(snapshot.appId)?.claimedUntil !== snapshot.claimedUntil) return false
  snapshots.replace({ ...snapshot, id: snapshot.appId, claimedUntil: 0 })
  return true
}

function countStatuses({ licenses }: LookUps, { appId, tierId, now }: StatusFilter): StatusCounts {
  const counts = { active: 0, expired: 0, revoked: 0 }
  for (const license of licenses.ascending(appId))
    if (license.tierId === tierId) counts[statusOf(license, now)]++
  return counts
}

function recordOf({ id: _id, ...snapshot }: StoredSnapshot): SnapshotRecord {
  return snapshot
}
