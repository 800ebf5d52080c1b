import { checkOptions, isInteger, type OptionRules } from '../../core/input/options.ts'
import { widerNetworks } from './client-address.ts'
import { HttpError } from './errors.ts'

/**
 * Requests per minute that each limit allows. A limit that is left out keeps its default.
 *
 * @example
 * ```ts
 * import type { RateLimits } from 'heartwood/elysia'
 *
 * const rateLimits: RateLimits = { verify: 300, failedKey: 10 }
 * ```
 */
export interface RateLimits {
  /** Verifying a license, per address. Default 100. */
  readonly verify?: number
  /** Verifying a batch, per address. Default 20. */
  readonly batch?: number
  /** Renewing or releasing by a license's own token, per address. Default 60. */
  readonly renewal?: number
  /** Renewing by a license's own token, per license: only a token that is good for a renewal counts. Default 10. */
  readonly renewalPerLicense?: number
  /** Fetching public keys, per address. Default 300. */
  readonly publicKey?: number
  /** Failed API keys, per address: a working key never counts and is never limited. Default 60. */
  readonly failedKey?: number
  /** Failed license keys, per address: a good license key never counts and is never limited. Default 20. */
  readonly failedLicenseKey?: number
  /** Activating installations, per license key. Default 600. */
  readonly activationPerKey?: number
  /** Listing seats and releasing them by a license key or a token, per license key. Default 30. */
  readonly seatsPerKey?: number
}

/** The name of a limit. */
export type Limit = keyof RateLimits

/** Counts the requests of one server. */
export interface RateLimiter {
  /** Counts one request. Returns the rate-limit headers. @throws {HttpError} `rate_limited`. */
  consume(limit: Limit, key: string): Readonly<Record<string, string>>
}

/** The documented limits. */
export const defaultRateLimits: Required<RateLimits> = {
  verify: 100,
  batch: 20,
  renewal: 60,
  renewalPerLicense: 10,
  publicKey: 300,
  failedKey: 60,
  failedLicenseKey: 20,
  activationPerKey: 600,
  seatsPerKey: 30,
}

const quota = isInteger(1)
const limitRules: OptionRules<RateLimits> = {
  verify: quota,
  batch: quota,
  renewal: quota,
  renewalPerLicense: quota,
  publicKey: quota,
  failedKey: quota,
  failedLicenseKey: quota,
  activationPerKey: quota,
  seatsPerKey: quota,
}

const windowSeconds = 60
const windowMs = windowSeconds * 1000
/** Keys of one width that a limit counts in a window, so that many addresses cannot fill the memory. */
const maxKeys = 100_000

/** The keys of one window, by their width. */
class KnownKeys {
  readonly #byWidth: Set<string>[] = []

  /** Adds the key at its width, if it is known or there is room. */
  add(key: string, width: number): boolean {
    const keys = (this.#byWidth[width] ??= new Set())
    if (keys.size < maxKeys) keys.add(key)
    return keys.has(key)
  }
}

/**
 * Chooses the key that counts a request. An address without room counts as its network, and that without room as a wider one.
 * So a crowd of addresses uses up the counts of its own networks only. A key of another kind, such as a license, then has no
 * count: each was proven by a good credential before.
 */
function widening(): (key: string, now: number) => string | undefined {
  let known = new KnownKeys()
  let ends = 0
  return (exact, now) => {
    if (now >= ends) {
      known = new KnownKeys()
      ends = now + windowMs
    }
    if (known.add(exact, 0)) return exact
    return widerNetworks(exact).find((network, width) => known.add(network, width + 1))
  }
}

/** The requests that one key has sent since its window began. */
interface Count {
  used: number
  readonly ends: number
}

/** The counts of one limit. Each key has a window of its own, which its first request begins. */
class Counts {
  #byKey = new Map<string, Count>()
  #nextSweep = 0

  /** The count of a key whose window is still open. */
  find(key: string, now: number): Count | undefined {
    const count = this.#byKey.get(key)
    return count === undefined || now >= count.ends ? undefined : count
  }

  /** The count of a key, in a new window unless the last one is still open. */
  open(key: string, now: number): Count {
    if (now >= this.#nextSweep) this.#sweep(now)
    const known = this.find(key, now)
    if (known !== undefined) return known
    const count = { used: 0, ends: now + windowMs }
    this.#byKey.set(key, count)
    return count
  }

  /** A timer for each key would take more memory than the counts. */
  #sweep(now: number): void {
    this.#nextSweep = now + windowMs
    for (const [key, { ends }] of this.#byKey) if (now >= ends) this.#byKey.delete(key)
  }
}

/** Counts with the two headers of draft-ietf-httpapi-ratelimit-headers. */
function counterOf(
  limit: Limit,
  quota: number,
  clock: () => number,
): (key: string) => Record<string, string> {
  const counts = new Counts()
  const keyOf = widening()
  const openCount = (exact: string, now: number): Count | undefined => {
    const key = keyOf(exact, now)
    return key === undefined ? undefined : counts.open(key, now)
  }
  const policy = `"${limit}";q=${quota};w=${windowSeconds}`
  return (exact) => {
    const now = clock()
    const count = counts.find(exact, now) ?? openCount(exact, now)
    if (count === undefined) return {}
    const used = ++count.used
    const seconds = Math.max(1, Math.ceil((count.ends - now) / 1000))
    const left = Math.max(0, quota - used)
    const headers = { ratelimit: `"${limit}";r=${left};t=${seconds}`, 'ratelimit-policy': policy }
    if (used <= quota) return headers
    throw new HttpError('rate_limited', 'Too many requests', { ...headers, 'retry-after': String(seconds) })
  }
}

/** Makes the limiter of one server. `clock` gives milliseconds that only rise. @throws {TypeError} that names an unknown or unusable limit. */
export function rateLimiter(limits: RateLimits, clock: () => number = () => performance.now()): RateLimiter {
  checkOptions(limits, limitRules, 'rateLimits')
  const names = Object.keys(defaultRateLimits) as Limit[]
  const entries = names.map((limit) => [limit, limits[limit] ?? defaultRateLimits[limit]] as const)
  const counters = new Map(entries.map(([limit, quota]) => [limit, counterOf(limit, quota, clock)]))
  return { consume: (limit, key) => counters.get(limit)?.(key) ?? {} }
}
