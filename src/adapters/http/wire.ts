import type { TObject, TSchema } from '@sinclair/typebox'
import type { LicensingError, ErrorDetails } from '../../core/errors.ts'
import { choiceOf } from '../../core/input/choice.ts'
import { instantRule, isInstant } from '../../core/input/fields.ts'
import { invalidInput, type Input } from '../../core/input/parse.ts'
import { hasOwnNames, isDayName, isoTime, isTimeName, snakeCase } from '../../core/wire.ts'

export { isoTime, snakeCase }

type Fields = Readonly<Record<string, unknown>>

/** A JSON Schema in the dialect of OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>

const shownName = /^[a-z0-9_]{1,63}$/
const camelWord = /\b[a-z]+(?:[A-Z][a-z0-9]*)+\b/g
const dateAlone = /^\d{4}-\d{2}-\d{2}$/
const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** Reads an RFC 3339 time as whole seconds since 1970, fractions floored. Any other text, such as February 30, is `null`. */
export function readTime(text: string): number | null {
  const [, date, time, offset] = rfc3339.exec(text) ?? []
  if (date === undefined || time === undefined || offset === undefined) return null
  const local = Date.parse(`${date}T${time}Z`)
  if (Number.isNaN(local) || isoTime(local / 1000) !== `${date}T${time}Z`) return null
  const instant = Date.parse(`${date}T${time}${offset.toUpperCase()}`)
  return Number.isNaN(instant) ? null : instant / 1000
}

/** A time, or the day of a time, as the wire writes it. */
type Instant = (seconds: number) => string

const isoDate: Instant = (seconds) => isoTime(seconds).slice(0, 'yyyy-mm-dd'.length)

interface WireField {
  readonly name: string
  /** `null` unless its numbers are times. */
  readonly instant: Instant | null
  /** True if its own names stay as they are. */
  readonly isGiven: boolean
}

function instantOf(name: string): Instant | null {
  if (isDayName(name)) return isoDate
  return isTimeName(name) ? isoTime : null
}

/** A cache without a limit, because core has few field names. */
const wireFields = new Map<string, WireField>()

function wireField(name: string): WireField {
  const known = wireFields.get(name)
  if (known !== undefined) return known
  const made = { name: snakeCase(name), instant: instantOf(name), isGiven: hasOwnNames(name) }
  wireFields.set(name, made)
  return made
}

function toWireValue({ instant, isGiven }: WireField, value: unknown): unknown {
  if (typeof value === 'number') return instant === null ? value : instant(value)
  if (typeof value !== 'object' || value === null || isGiven) return value
  return Array.isArray(value) ? toWireList(value) : toWire(value as Fields)
}

/** Most lists are slugs, which stay as they are. */
function toWireList(list: readonly unknown[]): readonly unknown[] {
  if (typeof list[0] !== 'object') return list
  return list.map((item) => (typeof item === 'object' && item !== null ? toWire(item) : item))
}

/** Turns a result of core into JSON for the wire: names in snake_case, times in ISO 8601, metadata and limits unchanged. */
export function toWire(value: object): Record<string, unknown> {
  const wired: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const field = (value as Fields)[name]
    if (field === undefined) continue
    const known = wireField(name)
    wired[known.name] = toWireValue(known, field)
  }
  return wired
}

/** Turns a time into seconds. A malformed one becomes `false`, so that core rejects it by the field's own rule. */
function fromWireValue(schema: TSchema, value: unknown): unknown {
  if (hasFields(schema)) return fromWireObject(schema, value)
  if (!isInstant(schema) || value === null) return value
  if (typeof value !== 'string') return false
  const isDate = schema.allowsDate === true && dateAlone.test(value)
  return readTime(isDate ? `${value}T00:00:00Z` : value) ?? false
}

/** True for an object of named fields. Metadata and limits have the vendor's own names. */
function hasFields(schema: TSchema): schema is TObject {
  return Object.keys(Object(schema.properties)).length > 0
}

const coreNames = new WeakMap<TObject, ReadonlyMap<string, string>>()

/** Core's name of a wire name. `installationId` is unknown, because the wire has `installation_id` alone. */
function coreName(schema: TObject, name: string): string | undefined {
  const known =
    coreNames.get(schema) ?? new Map(Object.keys(schema.properties).map((camel) => [snakeCase(camel), camel]))
  coreNames.set(schema, known)
  return known.get(name)
}

function shown(name: string): string {
  return shownName.test(name) ? name : '(unknown)'
}

/** Turns a body into core's input. Unknown fields keep their names, so that core rejects them. */
export function fromWire({ schema }: Input<unknown>, body: unknown): unknown {
  return fromWireObject(schema, body)
}

function fromWireObject(schema: TObject, body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const fields = Object.entries(body).map(([name, value]) => {
    const known = coreName(schema, name)
    return known === undefined
      ? [shown(name), value]
      : [known, fromWireValue(schema.properties[known] as TSchema, value)]
  })
  return Object.fromEntries(fields)
}

const wireTimeRule =
  'must be a time by RFC 3339 with its offset, such as 2026-01-23T10:00:00Z, between 1970 and 9999'

/** A message of core in the words of the wire: the names of fields, and the form of a time. */
export function wireMessage(message: string): string {
  return message.replace(instantRule, wireTimeRule).replace(camelWord, snakeCase)
}

/** The broken rules by the names of their fields on the wire. */
export function wireDetails(details: ErrorDetails): ErrorDetails {
  const fields = Object.entries(details)
  return Object.fromEntries(fields.map(([name, rules]) => [snakeCase(name), rules.map(wireMessage)]))
}

function readQueryValue(schema: TSchema, text: string): unknown {
  if (isInstant(schema)) return fromWireValue(schema, text)
  if (schema.type === 'integer') return /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

function repeatedNames(repeated: readonly string[]): LicensingError {
  const details = Object.fromEntries(repeated.map((name) => [shown(name), ['must be given once']]))
  return invalidInput(details)
}

/** One parameter without an encoded character. Nearly every query is one, and `URLSearchParams` costs as much as a look-up. */
const plainQuery = /^([a-z_]+)=([\w.~-]*)$/

function readParameter(schema: TObject, name: string, text: string): readonly [string, unknown] {
  const known = coreName(schema, name)
  return known === undefined
    ? [shown(name), text]
    : [known, readQueryValue(schema.properties[known] as TSchema, text)]
}

/** Turns a query into core's input. @throws {LicensingError} `validation_error` for a parameter that is given twice. */
export function fromQuery({ schema }: Input<unknown>, query: string): Readonly<Record<string, unknown>> {
  const plain = plainQuery.exec(query)
  if (plain !== null) {
    const [name, value] = readParameter(schema, plain[1]!, plain[2]!)
    return { [name]: value }
  }
  const fields = new Map<string, unknown>()
  const repeated: string[] = []
  const names = new Set<string>()
  for (const [name, text] of new URLSearchParams(query)) {
    if (names.has(name)) repeated.push(name)
    names.add(name)
    fields.set(...readParameter(schema, name, text))
  }
  if (repeated.length > 0) throw repeatedNames(repeated)
  return Object.fromEntries(fields)
}

/** A change to each node of a JSON Schema. */
export type SchemaChange = (node: JsonSchema) => JsonSchema

function wireObject(schema: JsonSchema, change: SchemaChange): JsonSchema {
  const { properties, required, additionalProperties = false, choice: _choice, ...known } = schema
  const choice = choiceOf(schema as TObject)
  const fields = Object.entries(properties as TObject['properties'])
  return {
    ...known,
    type: 'object',
    additionalProperties:
      typeof additionalProperties === 'object'
        ? wireSchema(additionalProperties as TSchema, change)
        : additionalProperties,
    properties: Object.fromEntries(
      fields.map(([name, field]) => [snakeCase(name), wireSchema(field, change)]),
    ),
    ...(required !== undefined && { required: (required as readonly string[]).map(snakeCase) }),
    ...(choice?.isRequired === true && {
      oneOf: choice.names.map((name) => ({ required: [snakeCase(name)] })),
    }),
  }
}

/** The schema of every object of limits in the OpenAPI document. */
const limitsRef = '#/components/schemas/Limits'

function wireNode(schema: TSchema, change: SchemaChange): JsonSchema {
  const { rule: _rule, instant, allowsDate, ...known } = schema
  if (instant === true) {
    const { description } = known
    return allowsDate === true
      ? { type: 'string', description, maxLength: 64 }
      : { type: 'string', format: 'date-time', description }
  }
  if (known.patternProperties !== undefined)
    return { $ref: limitsRef, description: known.description, maxProperties: known.maxProperties }
  if (Array.isArray(known.anyOf))
    return { ...known, anyOf: known.anyOf.map((member) => wireSchema(member, change)) }
  if (known.type === 'array') return { ...known, items: wireSchema(known.items as TSchema, change) }
  return known.properties === undefined ? known : wireObject(known, change)
}

/** Turns a schema of core into the JSON Schema of its wire form: names in snake_case, times as date-time strings. */
export function wireSchema(schema: TSchema, change: SchemaChange = (node) => node): JsonSchema {
  return change(wireNode(schema, change))
}
