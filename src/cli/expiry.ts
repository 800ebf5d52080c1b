import { isoTime } from '../adapters/http/wire.ts'
import type { Expiry } from '../core/index.ts'
import { UsageError } from './errors.ts'

/** The three flags that say when something ends. */
export interface ExpiryOptions {
  readonly days?: number
  /** Seconds since 1970. */
  readonly expires?: number
  readonly forever: boolean
}

function given({ days, expires, forever }: ExpiryOptions): readonly Expiry[] {
  return [
    ...(days === undefined ? [] : [{ durationDays: days }]),
    ...(expires === undefined ? [] : [{ expiresAt: expires }]),
    ...(forever ? [{ forever } as const] : []),
  ]
}

/** @throws {UsageError} unless exactly one of the three flags is set. */
export function expiryOf(options: ExpiryOptions): Expiry {
  const [expiry, another] = given(options)
  if (expiry !== undefined && another === undefined) return expiry
  throw new UsageError('Say when the license ends by one of --days, --expires and --forever')
}

/** An empty object if none of the flags is set. @throws {UsageError} if several are. */
export function newExpiryOf(options: ExpiryOptions): Expiry | Record<never, never> {
  return given(options).length === 0 ? {} : expiryOf(options)
}

/** The end, for people. */
export function endOf(expiresAt: number | null): string {
  return expiresAt === null ? 'never' : isoTime(expiresAt)
}
