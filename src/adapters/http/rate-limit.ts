import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { HttpError } from './errors.ts'

/** What is limited, each by the number of requests a minute. */
export interface RateLimits {
  /** Verifying a license, per address. Default 100. */
  readonly verify?: number
  /** Verifying a batch, per address. Default 20. */
  readonly batch?: number
  /** Renewing by a license's own token, per address. Default 60. */
  readonly renewal?: number
  /** The same per license, counted once the token's signature held. Default 10. */
  readonly renewalPerLicense?: number
  /** Fetching public keys, per address. Default 300. */
  readonly publicKey?: number
  /** Failed API keys, per address: a working key is never counted or refused. Default 60. */
  readonly failedKey?: number
}

export type Limit = keyof RateLimits

/** Counts requests, on this server alone. */
export interface RateLimiter {
  /** Counts one. Resolves to the headers that tell what is left. @throws {HttpError} `rate_limited`. */
  consume(limit: Limit, caller: string): Promise<Readonly<Record<string, string>>>
}

/** The documented limits. */
export const defaultRateLimits: Required<RateLimits> = {
  verify: 100,
  batch: 20,
  renewal: 60,
  renewalPerLicense: 10,
  publicKey: 300,
  failedKey: 60,
}

const windowSeconds = 60
/** So many callers are counted apart; those beyond share one count, so that no crowd of addresses fills the memory. */
const maxCallers = 100_000
const overflow = 'others'

/** The two headers of draft-ietf-httpapi-ratelimit-headers. */
function headersOf(limit: Limit, quota: number, result: RateLimiterRes): Record<string, string> {
  const seconds = Math.max(1, Math.ceil(result.msBeforeNext / 1000))
  return {
    ratelimit: `"${limit}";r=${result.remainingPoints};t=${seconds}`,
    'ratelimit-policy': `"${limit}";q=${quota};w=${windowSeconds}`,
  }
}

function refusal(limit: Limit, quota: number, result: RateLimiterRes): HttpError {
  const seconds = Math.max(1, Math.ceil(result.msBeforeNext / 1000))
  return new HttpError('rate_limited', 'Too many requests', {
    ...headersOf(limit, quota, result),
    'retry-after': String(seconds),
  })
}

/** Remembers who was counted apart in this window, to hold their number. */
function callerCap(): (caller: string) => string {
  let known = new Set<string>()
  let ends = 0
  return (caller) => {
    const now = performance.now()
    if (now >= ends) {
      known = new Set()
      ends = now + windowSeconds * 1000
    }
    if (known.size < maxCallers) known.add(caller)
    return known.has(caller) ? caller : overflow
  }
}

function countOne(limit: Limit, quota: number): (caller: string) => Promise<Record<string, string>> {
  const limiter = new RateLimiterMemory({ points: quota, duration: windowSeconds })
  const cap = callerCap()
  return async (caller) => {
    try {
      return headersOf(limit, quota, await limiter.consume(cap(caller)))
    } catch (error) {
      throw error instanceof RateLimiterRes ? refusal(limit, quota, error) : error
    }
  }
}

/** Makes the limiter of one server. @throws {TypeError} for a limit that is no positive integer. */
export function rateLimiter(limits: RateLimits): RateLimiter {
  const entries = Object.entries({ ...defaultRateLimits, ...limits }) as [Limit, number][]
  for (const [limit, quota] of entries)
    if (!Object.hasOwn(defaultRateLimits, limit) || !Number.isSafeInteger(quota) || quota < 1)
      throw new TypeError('Rate limits must be positive integers under their documented names')
  const counters = new Map(entries.map(([limit, quota]) => [limit, countOne(limit, quota)]))
  return { consume: (limit, caller) => counters.get(limit)?.(caller) ?? Promise.resolve({}) }
}
