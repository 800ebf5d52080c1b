import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { LicensingError, type ErrorDetails } from '../errors.ts'
import { choiceOf } from './choice.ts'
import { isInstant, type Metadata } from './fields.ts'

/** The input of a use case: its schema, and the check of unknown input. */
export interface Input<Shape> {
  /** JSON Schema with core's names. Each property has its rule in words under `rule`. */
  readonly schema: TObject
  /** @throws {LicensingError} `validation_error` with the broken rules by field, and never a submitted value. */
  parse(value: unknown): Shape
}

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type Broken = Record<string, string[]>

const maxDepth = 32
const shownName = /^[A-Za-z0-9_]{1,63}$/

function ruleOf(schema: TSchema): string {
  return (schema as { readonly rule?: string }).rule ?? 'is not of the right type'
}

/** True for text that every storage takes. PostgreSQL takes neither U+0000 nor unpaired surrogates. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\u0000') && value.isWellFormed()
}

function jsonRule(value: unknown): string | null {
  if (typeof value === 'string') {
    if (!isText(value)) return 'must not contain U+0000 or an unpaired surrogate'
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      return 'must hold only numbers that survive as IEEE doubles, integers up to 2^53 - 1'
  } else if (typeof value !== 'boolean' && typeof value !== 'object') {
    return 'must be JSON'
  }
  return null
}

function childrenOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  // `Array.from`, because `flatMap` would skip the holes of a sparse list.
  return Array.isArray(value) ? Array.from(value) : Object.entries(value).flat()
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The JSON rule that a value breaks. It walks level by level, because deep input must not exhaust the stack. */
function brokenJsonRule(value: unknown): string | null {
  if (typeof value !== 'object') return jsonRule(value)
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return `must not be nested deeper than ${maxDepth} levels`
    for (const item of level) {
      const rule = isPlain(item) ? jsonRule(item) : 'must be JSON'
      if (rule !== null) return rule
    }
    level = level.flatMap(childrenOf)
  }
  return null
}

/** True for JSON that every storage keeps exactly: well-formed text, numbers that survive, and not too deep. */
export function isJson(value: unknown): boolean {
  return brokenJsonRule(value) === null
}

function brokenRule(schema: TSchema, value: unknown, required: boolean): string | null {
  if (value === undefined) return required ? 'is required' : null
  // A time has one rule for every wrong value, because a `Date` is one and is no JSON.
  return (
    (isInstant(schema) ? null : brokenJsonRule(value)) ?? (Value.Check(schema, value) ? null : ruleOf(schema))
  )
}

function unknownFields(schema: TObject, value: object): Broken {
  const names = Object.keys(value).filter((name) => !Object.hasOwn(schema.properties, name))
  if (names.length === 0) return {}
  const shown = names.map((name) => (shownName.test(name) ? name : '(unknown)'))
  return Object.fromEntries(shown.map((name) => [name, ['is not a known field']]))
}

/** A `Date` where a time is wanted becomes whole seconds. An invalid one becomes NaN, which breaks the rule of times. */
function readField(schema: TSchema, value: unknown): unknown {
  return value instanceof Date && isInstant(schema) ? Math.floor(value.getTime() / 1000) : value
}

function readFields(schema: TObject, value: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const field = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
    if (field !== undefined) fields[name] = readField(property, field)
  }
  return fields
}

function inWords(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** The rule that a choice between fields breaks: see `choiceOf`. */
function brokenChoice(schema: TObject, fields: Record<string, unknown>): Broken {
  const choice = choiceOf(schema)
  if (choice === null) return {}
  const { names, isRequired } = choice
  const among = `${isRequired ? 'exactly' : 'at most'} one of ${inWords(names)} must be given`
  const [first, second] = names.filter((name) => fields[name] !== undefined)
  if (second !== undefined) return { [second]: [`must be given alone: ${among}`] }
  return first === undefined && isRequired ? { [names[0]!]: [`is required: ${among}`] } : {}
}

function parseObject(schema: TObject, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidInput({ '(body)': ['must be an object'] })
  const fields = readFields(schema, value)
  const broken: Broken = unknownFields(schema, value)
  for (const [name, property] of Object.entries(schema.properties)) {
    const rule = brokenRule(property, fields[name], schema.required?.includes(name) ?? false)
    if (rule !== null) broken[name] = [rule]
  }
  if (Object.keys(broken).length === 0) Object.assign(broken, brokenChoice(schema, fields))
  if (Object.keys(broken).length > 0) throw invalidInput(broken)
  // Only objects need a copy, and most fields are not objects.
  for (const name of Object.keys(fields))
    if (typeof fields[name] === 'object') fields[name] = structuredClone(fields[name])
  return fields
}

/** The error for input that breaks rules, by field. Its message names the first of them. */
export function invalidInput(details: ErrorDetails): LicensingError {
  const [[field, [rule]] = ['', []]] = Object.entries(details)
  const message = `The request is not valid: ${field} ${rule}`
  return new LicensingError('validation_error', message, { details })
}

/**
 * Declares the input of a use case by a hand-written interface and a schema. The type checker holds the two equal.
 *
 * `input<NewApp>()(Type.Object({ … }))`
 */
export function input<Shape>(): <Schema extends TObject>(
  schema: Schema & (Same<Shape, Static<Schema>> extends true ? unknown : never),
) => Input<Shape> {
  return (schema) => ({ schema, parse: (value) => parseObject(schema, value) as Shape })
}

const maxMetadataBytes = 16 * 1024

/** Checks the size of metadata that is known to be JSON. @throws {LicensingError} `validation_error`. */
export function checkMetadata(metadata: Metadata | null | undefined): void {
  if (metadata === null || metadata === undefined) return
  if (new TextEncoder().encode(JSON.stringify(metadata)).length > maxMetadataBytes)
    throw invalidInput({ metadata: ['must be a JSON object of at most 16 KiB'] })
}
