import { Type } from '@sinclair/typebox'
import { instant, integer, nullable } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { formed, id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** Numbers of licenses by their status. */
export interface StatusCounts {
  readonly active: number
  readonly expired: number
  readonly revoked: number
}

/** The licenses of one tier by their status. */
export interface TierCounts extends StatusCounts {
  /** The tier's slug; `null` for the licenses whose tier was deleted. */
  readonly tier: string | null
}

/** The licenses of one app as they were last counted. */
export interface SnapshotRecord {
  readonly appId: string
  /** The time as of which they were counted; `null` before the first count. */
  readonly takenAt: NumericDate | null
  /** A server counts them until then; 0 if nobody does. */
  readonly claimedUntil: NumericDate
  readonly tiers: readonly TierCounts[]
}

const licenses = (description: string) => integer(description, 0, Number.MAX_SAFE_INTEGER)

const tierCounts = Type.Object({
  tier: nullable(formed('Slug of the tier', '^[a-z0-9_]{1,63}$', 'must be a slug')),
  active: licenses('Active licenses'),
  expired: licenses('Expired licenses'),
  revoked: licenses('Revoked licenses'),
})

export const snapshotRecord: RecordSchema<SnapshotRecord> = input<SnapshotRecord>()(
  Type.Object({
    appId: id('app', 'App of the licenses'),
    takenAt: nullable(instant('Time as of which they were counted; null before the first count')),
    claimedUntil: instant('Time until which a server counts them; 0 if nobody does'),
    tiers: Type.Unsafe<readonly TierCounts[]>(
      Type.Array(tierCounts, { description: 'Numbers of active, expired and revoked licenses by tier' }),
    ),
  }),
)

/** The latest end of a claim that counts: see {@link SnapshotStorage.claimSnapshot}. */
export function latestClaim({ now, until }: Pick<SnapshotClaim, 'now' | 'until'>): NumericDate {
  return until + (until - now)
}

/** A request to count the licenses of an app. */
export interface SnapshotClaim {
  readonly appId: string
  /** The `takenAt` of the last snapshot as it was read; `null` if there is none. */
  readonly takenAt: NumericDate | null
  readonly now: NumericDate
  /** The end of the claim. */
  readonly until: NumericDate
}

/** The licenses of an app to count: those of one tier. */
export interface StatusFilter {
  readonly appId: string
  /** `null` for the licenses whose tier was deleted. */
  readonly tierId: string | null
  /** Licenses are active or expired as of this time. */
  readonly now: NumericDate
}

export interface SnapshotStorage {
  /** The snapshots of these apps, in any order. An app without one has none in the list. */
  findSnapshots(appIds: readonly string[]): Promise<readonly SnapshotRecord[]>
  /**
   * Claims the next snapshot of an app. One of several concurrent callers wins. Resolves to `false` if somebody has taken one
   * since `takenAt`, if another claim has not ended, or if the app does not exist. A claim that ends later than `until` by more
   * than the length of a claim was written by a clock that ran far ahead, so it does not count. Clocks of servers differ by less.
   */
  claimSnapshot(claim: SnapshotClaim): Promise<boolean>
  /**
   * Replaces the snapshot of an app and ends its claim. Resolves to `false`, and writes nothing, unless the claim is still the
   * one that ends at `claimedUntil`.
   */
  storeSnapshot(snapshot: SnapshotRecord): Promise<boolean>
  /** Counts the licenses of a tier by their status. No license counts twice. One that is written meanwhile counts as it was before or after. */
  countStatuses(filter: StatusFilter): Promise<StatusCounts>
}
