import type { Limits } from '../../core/index.ts'
import { readTime } from '../../adapters/http/wire.ts'

/** A required flag that takes a value. */
export interface ValueFlag<Value> {
  readonly kind: 'parsed'
  readonly parse: (text: string) => Value
  readonly brief: string
  readonly placeholder: string
}

/** An optional flag that takes a value. */
export interface OptionalFlag<Value> extends ValueFlag<Value> {
  readonly optional: true
}

/** An optional flag without a value. */
export interface Switch {
  readonly kind: 'boolean'
  readonly brief: string
  readonly default: false
  readonly withNegated: false
}

/** One positional argument. */
export interface Positional {
  readonly kind: 'tuple'
  readonly parameters: readonly [ValueParameter]
}

interface ValueParameter {
  readonly brief: string
  readonly parse: (text: string) => string
  readonly placeholder: string
}

export interface DatabaseFlags {
  readonly database?: string
}

export interface JsonFlags extends DatabaseFlags {
  readonly json: boolean
}

/** Takes white space and byte order marks off both ends, as of a variable. */
function trim(given: string): string {
  return given.trim()
}

export function required(brief: string, placeholder: string): ValueFlag<string> {
  return { kind: 'parsed', parse: trim, brief, placeholder }
}

export function optional<Value>(
  brief: string,
  placeholder: string,
  parse: (text: string) => Value,
): OptionalFlag<Value> {
  return { kind: 'parsed', parse: (given) => parse(trim(given)), brief, placeholder, optional: true }
}

export function text(brief: string, placeholder: string): OptionalFlag<string> {
  return optional(brief, placeholder, String)
}

/** A flag that may be repeated. It comes at least once. */
export interface SeveralFlag extends ValueFlag<string> {
  readonly variadic: true
}

/** A flag that may be repeated, or left out. */
export interface SeveralOptionalFlag extends SeveralFlag {
  readonly optional: true
}

export function several(brief: string, placeholder: string): SeveralFlag {
  return { ...required(brief, placeholder), variadic: true }
}

export function severalOptional(brief: string, placeholder: string): SeveralOptionalFlag {
  return { ...several(brief, placeholder), optional: true }
}

export function toggle(brief: string): Switch {
  return { kind: 'boolean', brief, default: false, withNegated: false }
}

export function argument(brief: string, placeholder: string): Positional {
  return { kind: 'tuple', parameters: [{ brief, parse: trim, placeholder }] }
}

export const database: OptionalFlag<string> = text(
  'An SQLite file or a postgres:// address; default heartwood.db',
  'database',
)

export const json: Switch = toggle('Print the result as JSON')

/** Parses an RFC 3339 time to seconds since 1970. @throws {Error} */
export function parseTime(given: string): number {
  const time = readTime(given)
  if (time === null) throw new Error('a time has the form 2027-01-31T00:00:00Z')
  return time
}

/** Parses a date, which is its midnight in UTC, or an RFC 3339 time to seconds since 1970. @throws {Error} */
export function parseDate(given: string): number {
  const time = readTime(/^\d{4}-\d{2}-\d{2}$/.test(given) ? `${given}T00:00:00Z` : given)
  if (time === null) throw new Error('a date has the form 2027-01-31')
  return time
}

/** Parses a number of at most nine digits. @throws {Error} */
export function parseCount(given: string): number {
  if (!/^\d{1,9}$/.test(given)) throw new Error('a number consists of digits')
  return Number(given)
}

/** Parses a number of at least 1. @throws {Error} */
export function parseLimit(given: string): number {
  const limit = parseCount(given)
  if (limit === 0) throw new Error('a limit is at least 1')
  return limit
}

export function parseSlugs(given: string): readonly string[] {
  return given
    .split(',')
    .map((slug) => slug.trim())
    .filter(Boolean)
}

/** Parses `projects=5,users=10`. Core judges the names and the numbers. @throws {Error} */
export function parseLimits(given: string): Limits {
  const limits = parseSlugs(given).map((limit) => limit.split('='))
  if (limits.some(({ length }) => length !== 2)) throw new Error('limits have the form projects=5,users=10')
  return Object.fromEntries(limits.map(([name = '', count = '']) => [name.trim(), parseCount(count.trim())]))
}
