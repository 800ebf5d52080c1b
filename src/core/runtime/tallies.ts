import type { NumericDate, Storage, TallyRecord } from '../storage/index.ts'
import { day } from '../time.ts'
import { serializer } from './serializer.ts'

/** Counts of what happens in apps. They are kept in memory, so that no request waits for a write. */
export interface Tallies {
  /** Counts what has happened in an app at `now`. */
  count(appId: string, name: string, now: NumericDate, times?: number): void
  /**
   * Counts a verification that found no license. `app` is a slug or an id that anybody may have sent, so it counts only if the
   * app turns out to exist.
   */
  countMissing(app: string, now: NumericDate): void
  /** Adds all counts to those in storage. After a failure they are kept for the next call. */
  flush(): Promise<void>
}

export const hour = 3_600

/** Seconds after which a count also writes those before it. */
const interval = 60
/** Hours, apps and names with a count of their own, while storage does not take them. Each takes some 100 bytes. */
const maxCells = 100_000
/** Slugs without a known app. They are forgotten at every flush. */
const maxUnknown = 256
/** Counts of hours in one write, which also adds to their days. */
const pageSize = 200

/** Longer than any slug or id. */
const longestName = 63

/** The begin of the span of time that holds `time`. */
export function beginOf(span: number, time: NumericDate): NumericDate {
  return time - (time % span)
}

/** By app, then by name. */
type Hour = Map<string, Map<string, number>>

/** Verifications in an app that may exist, by hour. */
interface Missing {
  /** The time of the first of them. */
  readonly since: NumericDate
  readonly hours: Map<NumericDate, number>
}

class PendingTallies implements Tallies {
  readonly #storage: Storage
  readonly #oneAtATime = serializer()
  #hours = new Map<NumericDate, Hour>()
  #cells = 0
  #begin = 0
  #hour: Hour | undefined
  #missing = new Map<string, Missing>()
  #known: ReadonlySet<string> = new Set()
  #written: NumericDate | null = null

  constructor(storage: Storage) {
    this.#storage = storage
  }

  count(appId: string, name: string, now: NumericDate, times = 1): void {
    this.#add(appId, name, now, times)
    this.#flushIfDue(now)
  }

  countMissing(app: string, now: NumericDate): void {
    if (app.length > longestName) return
    let missing = this.#missing.get(app)
    if (missing === undefined) {
      // A crowd of unknown slugs must not push out those of apps.
      if (this.#missing.size >= maxUnknown && !this.#known.has(app)) return
      missing = { since: now, hours: new Map() }
      this.#missing.set(app, missing)
    }
    const begin = beginOf(hour, now)
    missing.hours.set(begin, (missing.hours.get(begin) ?? 0) + 1)
    this.#flushIfDue(now)
  }

  flush(): Promise<void> {
    return this.#oneAtATime(() => this.#write())
  }

  #add(appId: string, name: string, now: NumericDate, times: number): void {
    const counts = this.#countsOf(appId, now)
    const known = counts.get(name)
    if (known === undefined && this.#cells >= maxCells) return
    if (known === undefined) this.#cells++
    counts.set(name, (known ?? 0) + times)
  }

  #countsOf(appId: string, now: NumericDate): Map<string, number> {
    if (this.#hour === undefined || now < this.#begin || now >= this.#begin + hour) this.#open(now)
    const counts = this.#hour!.get(appId)
    if (counts !== undefined) return counts
    const made = new Map<string, number>()
    this.#hour!.set(appId, made)
    return made
  }

  /** The hour may be an earlier one, because clocks are set back. */
  #open(now: NumericDate): void {
    this.#begin = beginOf(hour, now)
    this.#hour = this.#hours.get(this.#begin) ?? new Map()
    this.#hours.set(this.#begin, this.#hour)
  }

  #flushIfDue(now: NumericDate): void {
    this.#written ??= now
    if (Math.abs(now - this.#written) < interval) return
    this.#written = now
    // The request only reads, so a storage that cannot write must not fail it.
    this.flush().catch(() => {})
  }

  async #write(): Promise<void> {
    await this.#resolveMissing()
    const cells = this.#takeAll()
    for (let at = 0; at < cells.length; at += pageSize) {
      const page = cells.slice(at, at + pageSize)
      try {
        await this.#storage.addTallies([...page, ...daysOf(page)])
      } catch (error) {
        for (const { appId, name, startsAt, count } of cells.slice(at))
          this.#add(appId, name, startsAt, count)
        throw error
      }
    }
  }

  /** Looks for the apps of the slugs. What was sent before an app was made may be meant for one that had its slug before. */
  async #resolveMissing(): Promise<void> {
    const known = new Set<string>()
    const names = [...this.#missing.keys()]
    for (const name of names) {
      const app = await this.#storage.findApp(name)
      // Forgotten only now, because a storage that fails must lose no count.
      const { since, hours } = this.#missing.get(name)!
      this.#missing.delete(name)
      if (app === null) continue
      known.add(name)
      if (app.createdAt >= since) continue
      for (const [begin, times] of hours) this.#add(app.id, 'verify.not_found', begin, times)
    }
    this.#known = known
  }

  #takeAll(): readonly TallyRecord[] {
    const cells = [...this.#hours].flatMap(([startsAt, apps]) =>
      [...apps].flatMap(([appId, counts]) =>
        [...counts].map(([name, count]) => ({ appId, span: 'hour', startsAt, name, count }) as const),
      ),
    )
    this.#hours = new Map()
    this.#hour = undefined
    this.#cells = 0
    return cells
  }
}

/** The counts of days that hours add to. */
function daysOf(hours: readonly TallyRecord[]): readonly TallyRecord[] {
  const days = new Map<string, TallyRecord>()
  for (const tally of hours) {
    const startsAt = beginOf(day, tally.startsAt)
    const key = `${tally.appId} ${startsAt} ${tally.name}`
    const count = tally.count + (days.get(key)?.count ?? 0)
    days.set(key, { ...tally, span: 'day', startsAt, count })
  }
  return [...days.values()]
}

export function pendingTallies(storage: Storage): Tallies {
  return new PendingTallies(storage)
}
