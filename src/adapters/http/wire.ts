import type { TObject, TSchema } from '@sinclair/typebox'
import { LicensingError, type ErrorDetails } from '../../core/errors.ts'
import type { Input } from '../../core/input/parse.ts'

type Fields = Readonly<Record<string, unknown>>

/** A JSON Schema as OpenAPI shows it. */
export type JsonSchema = Readonly<Record<string, unknown>>

const shownName = /^[a-z0-9_]{1,63}$/
const camelWord = /\b[a-z]+(?:[A-Z][a-z0-9]*)+\b/g
const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

/** `installationId` to `installation_id`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Seconds as ISO 8601 in UTC: `2026-01-23T10:00:00Z`. */
export function isoTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** Whole seconds of an RFC 3339 time, fractions floored; `null` for any other text, a day or hour that is none included. */
export function readTime(text: string): number | null {
  const [, date, time, offset] = rfc3339.exec(text) ?? []
  if (date === undefined || time === undefined || offset === undefined) return null
  const local = Date.parse(`${date}T${time}Z`)
  if (Number.isNaN(local) || isoTime(local / 1000) !== `${date}T${time}Z`) return null
  const instant = Date.parse(`${date}T${time}${offset.toUpperCase()}`)
  return Number.isNaN(instant) ? null : instant / 1000
}

interface WireField {
  readonly name: string
  readonly isTime: boolean
}

/** Core's own fields, of which there are few. */
const wireFields = new Map<string, WireField>()

function wireField(name: string): WireField {
  const known = wireFields.get(name)
  if (known !== undefined) return known
  const made = { name: snakeCase(name), isTime: name.endsWith('At') }
  wireFields.set(name, made)
  return made
}

function toWireValue({ name, isTime }: WireField, value: unknown): unknown {
  if (typeof value === 'number') return isTime ? isoTime(value) : value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return name === 'metadata' ? value : toWire(value as Fields)
}

/** What core answers as it goes over the wire: names in snake_case, times in ISO 8601, metadata untouched. */
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

function isInstant(schema: TSchema): boolean {
  const parts = (schema.anyOf ?? [schema]) as readonly TSchema[]
  return parts.some((part) => part.instant === true)
}

/** A time as core wants it; anything that is none becomes what core refuses by the field's rule. */
function fromWireValue(schema: TSchema, value: unknown): unknown {
  if (!isInstant(schema) || value === null) return value
  return (typeof value === 'string' ? readTime(value) : null) ?? false
}

const coreNames = new WeakMap<TObject, ReadonlyMap<string, string>>()

/** Only names of the wire are known: `installationId` must not slip in beside `installation_id`. */
function coreName(schema: TObject, name: string): string | undefined {
  const known =
    coreNames.get(schema) ?? new Map(Object.keys(schema.properties).map((camel) => [snakeCase(camel), camel]))
  coreNames.set(schema, known)
  return known.get(name)
}

function shown(name: string): string {
  return shownName.test(name) ? name : '(unknown)'
}

/** A body as core takes it. What is unknown goes along under its name, for core to refuse. */
export function fromWire({ schema }: Input<unknown>, body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const fields = Object.entries(body).map(([name, value]) => {
    const known = coreName(schema, name)
    return known === undefined
      ? [shown(name), value]
      : [known, fromWireValue(schema.properties[known] as TSchema, value)]
  })
  return Object.fromEntries(fields)
}

function wireMessage(message: string): string {
  return message.replace(camelWord, snakeCase)
}

/** The fields at fault by their names on the wire. */
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
  return new LicensingError('validation_error', 'The request is not valid', { details })
}

/** Query parameters as core takes them. @throws {LicensingError} `validation_error` for one given twice. */
export function fromQuery({ schema }: Input<unknown>, parameters: URLSearchParams): unknown {
  const fields = new Map<string, unknown>()
  const repeated: string[] = []
  const names = new Set<string>()
  for (const [name, text] of parameters) {
    if (names.has(name)) repeated.push(name)
    names.add(name)
    const known = coreName(schema, name)
    if (known === undefined) fields.set(shown(name), text)
    else fields.set(known, readQueryValue(schema.properties[known] as TSchema, text))
  }
  if (repeated.length > 0) throw repeatedNames(repeated)
  return Object.fromEntries(fields)
}

function describe(schema: TSchema): JsonSchema {
  const { rule: _rule, instant, ...known } = schema
  if (instant === true) return { type: 'string', format: 'date-time', description: known.description }
  return Array.isArray(known.anyOf) ? { ...known, anyOf: known.anyOf.map(describe) } : known
}

/** A core input's schema in the wire's names. */
export function wireSchema(schema: TObject): JsonSchema {
  const properties = Object.entries(schema.properties).map(([name, field]) => [
    snakeCase(name),
    describe(field),
  ])
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    ...(schema.required !== undefined && { required: schema.required.map(snakeCase) }),
  }
}
