import type { ErrorDetails } from '../core/errors.ts'
import { maxInstant } from '../core/time.ts'
import { hasOwnNames, isoTime, isTimeName, snakeCase } from '../core/wire.ts'
import { RemoteError } from './remote-error.ts'

type Fields = Readonly<Record<string, unknown>>

/** Core allows 32 levels. This is enough to stop at a circle, and the server refuses what lies between. */
const maxDepth = 64

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** True for an object of JSON. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The error that core has for the same input. */
function invalidInput(name: string, rule: string): RemoteError {
  const details = { [name]: [rule] }
  return new RemoteError('validation_error', `The request is not valid: ${name} ${rule}`, { details })
}

function isPlain(value: object): boolean {
  return (Object.getPrototypeOf(value) ?? Object.prototype) === Object.prototype
}

/** True for what JSON keeps as it is. `JSON.stringify` turns NaN into null, and leaves functions out. */
function isJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean'
  if (value === null) return true
  if (depth > maxDepth || !(Array.isArray(value) || isPlain(value))) return false
  // `Object.values` would skip the holes of a sparse list.
  const items = Array.isArray(value) ? Array.from(value) : Object.values(value)
  return items.every((item) => isJson(item, depth + 1))
}

/** A time as text. The server refuses the text of a time that is none, but it would take the `null` that JSON makes of NaN. */
function toWireTime(time: unknown): unknown {
  const seconds = time instanceof Date ? Math.floor(time.getTime() / 1000) : time
  if (typeof seconds !== 'number') return seconds
  return Number.isInteger(seconds) && Math.abs(seconds) <= maxInstant ? isoTime(seconds) : `${seconds}`
}

/** Inputs of core have objects of named fields, but those have no further ones. A circle must come to an end, too. */
function toWireValue(name: string, given: unknown, isNested: boolean): unknown {
  const isNamed = !isNested && isFields(given) && isPlain(given) && !hasOwnNames(name)
  if (isNamed) return toWire(given, true)
  const value = isTimeName(name) ? toWireTime(given) : given
  if (!isJson(value)) throw invalidInput(name, 'must be JSON')
  return value
}

/**
 * Turns an input of core into JSON: names in snake_case, times in ISO 8601. A field that is `undefined` is absent.
 *
 * @throws {RemoteError} `validation_error` for what JSON cannot hold.
 */
export function toWire(input: unknown, isNested = false): Fields {
  if (!isFields(input)) throw invalidInput('(body)', 'must be an object')
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    given.map(([name, value]) => [snakeCase(name), toWireValue(name, value, isNested)]),
  )
}

function secondsOf(time: string): number {
  const milliseconds = Date.parse(time)
  if (Number.isNaN(milliseconds)) throw new TypeError('No time')
  return Math.floor(milliseconds / 1000)
}

function fromWireValue(name: string, value: unknown): unknown {
  if (typeof value === 'string' && isTimeName(name)) return secondsOf(value)
  if (hasOwnNames(name)) return value
  if (Array.isArray(value)) return value.map((item: unknown) => fromWireValue('', item))
  return isFields(value) ? fromWire(value) : value
}

/** Turns JSON of the API into a result of core: names in camelCase, times as seconds since 1970, metadata unchanged. */
export function fromWire(value: Fields): Record<string, unknown> {
  const fields = Object.entries(value).map(([wired, field]) => {
    const name = camelCase(wired)
    return [name, fromWireValue(name, field)] as const
  })
  return Object.fromEntries(fields)
}

/** The broken rules by core's names. Whatever else a response has there is left out. */
export function detailsFromWire(details: unknown): ErrorDetails | undefined {
  if (!isFields(details)) return undefined
  const rules = Object.entries(details).filter(
    (field): field is [string, string[]] =>
      Array.isArray(field[1]) && field[1].every((rule) => typeof rule === 'string'),
  )
  return Object.fromEntries(rules.map(([name, texts]) => [camelCase(name), texts]))
}
