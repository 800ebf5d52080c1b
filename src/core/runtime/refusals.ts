import type { NumericDate } from '../storage/index.ts'

/** A request that a server refused. It holds no credential and no address. */
export interface Refusal {
  readonly time: NumericDate
  /** The method and the path of the route below `/api/v1`, with `:name` for each parameter. */
  readonly route: string
  /** The machine code of the error. */
  readonly code: string
  /** The slug of the app in the path; `null` if the path names no app that the reader sees. */
  readonly app: string | null
  /** The `kid` in the refused token; `null` without one. Anybody may have written it. */
  readonly kid: string | null
  /** The `X-Request-Id` of the response. */
  readonly requestId: string
}

/** The last refusals of this process. */
export interface Refusals {
  note(refusal: Refusal): void
  /** At most 100, the newest first. */
  latest(): readonly Refusal[]
}

/** Refusals of one code that are kept, so that a crowd with one mistake does not push out all others. */
const keptOfEach = 25
const shown = 100

/** A code has a few dozen values, so the memory is bounded. */
export function lastRefusals(): Refusals {
  const byCode = new Map<string, Numbered[]>()
  let noted = 0
  return {
    note(refusal) {
      const kept = byCode.get(refusal.code) ?? []
      byCode.set(refusal.code, kept)
      kept.push({ number: ++noted, refusal })
      if (kept.length > keptOfEach) kept.shift()
    },
    latest: () =>
      [...byCode.values()]
        .flat()
        .toSorted((a, b) => b.number - a.number)
        .slice(0, shown)
        .map(({ refusal }) => refusal),
  }
}

interface Numbered {
  /** Times are whole seconds, and clocks are set back, so a number tells which came later. */
  readonly number: number
  readonly refusal: Refusal
}
