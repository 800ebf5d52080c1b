import type { Context } from '../context.ts'
import type { AppRecord, NumericDate, SeenCount } from '../storage/index.ts'
import { day } from '../time.ts'

/** A number of active licenses that were seen within some days. */
export interface SeenWithin {
  readonly days: number
  readonly licenses: number
}

/** The active licenses that were last seen under one key. */
export interface SeenUnderKey {
  /** The `seenKid` of the licenses: the key that verified the token that was last shown. */
  readonly kid: string
  readonly licenses: number
  /** Some of them, by the time that has passed. */
  readonly seenWithin: readonly SeenWithin[]
}

/**
 * The last sign of life of the active licenses, which tells what a rotation would mean. A license is seen when its own token
 * renews it, and at its activation.
 */
export interface RotationImpact {
  /**
   * The time until which the server accepts tokens under the present key. A program that works offline, and has not heard of the
   * rotation, accepts a token until its own end.
   */
  readonly acceptedUntil: NumericDate
  /** For 1, 7, 30 and 90 days. Each number includes those before it. */
  readonly seenWithin: readonly SeenWithin[]
  readonly neverSeen: number
  /** The key that most licenses were seen under comes first. */
  readonly keys: readonly SeenUnderKey[]
}

const spans = [1, 7, 30, 90] as const

function sumOf(counts: readonly SeenCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0)
}

function within(counts: readonly SeenCount[], now: NumericDate): readonly SeenWithin[] {
  return spans.map((days) => ({
    days,
    licenses: sumOf(counts.filter(({ since }) => since !== null && since >= now - days * day)),
  }))
}

/** The number of active licenses, and what a rotation would mean for them. */
export interface Foresight {
  readonly licenses: number
  readonly impact: RotationImpact
}

/** Counts the active licenses of an app by their last sign of life. */
export async function impactOf(
  context: Context,
  { id: appId }: AppRecord,
  acceptedUntil: NumericDate,
): Promise<Foresight> {
  const now = context.runtime.now()
  const since = spans.map((days) => now - days * day)
  const counts = await context.storage.countSeen({ appId, now, since })
  const seen = counts.filter(({ kid }) => kid !== null)
  const keys = [...new Set(seen.map(({ kid }) => kid!))].map((kid) => {
    const own = seen.filter((count) => count.kid === kid)
    return { kid, licenses: sumOf(own), seenWithin: within(own, now) }
  })
  const licenses = sumOf(counts)
  const impact = {
    acceptedUntil,
    seenWithin: within(seen, now),
    neverSeen: licenses - sumOf(seen),
    keys: keys.toSorted((a, b) => b.licenses - a.licenses || (a.kid < b.kid ? -1 : 1)),
  }
  return { licenses, impact }
}
