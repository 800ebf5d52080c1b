import {
  Type,
  type TArray,
  type TBoolean,
  type TInteger,
  type TNull,
  type TObject,
  type TSchema,
  type TString,
  type TUnion,
  type TUnsafe,
} from '@sinclair/typebox'
import { appSlugPattern, uuidPattern } from '../ids.ts'
import type { Limits } from '../limits.ts'
import { maxInstant } from '../time.ts'
import { base32Character } from '../typeid.ts'

/** A JSON object, given back exactly as it came. */
export type Metadata = Readonly<Record<string, unknown>>

/** Wider than the form of an id: a slug must not even look like one. */
const typeIdShape = `[a-z]+_[0-7]${base32Character}{25}`

/** Text of `min` to `max` UTF-16 code units. */
export function text(meaning: string, min: number, max: number): TString {
  const rule = `must be a string of ${min} to ${max} characters`
  return Type.String({ description: meaning, minLength: min, maxLength: max, rule })
}

export function integer(meaning: string, minimum: number, maximum: number): TInteger {
  return Type.Integer({
    description: meaning,
    minimum,
    maximum,
    rule: `must be an integer from ${minimum} to ${maximum}`,
  })
}

export function flag(meaning: string): TBoolean {
  return Type.Boolean({ description: meaning, rule: 'must be true or false' })
}

/** The rule of a time in core. On the wire it is another: see `wireMessage` of the HTTP adapter. */
export const instantRule = 'must be whole seconds since 1970, or a valid Date, up to the year 9999'

/** Whole seconds since 1970; on the wire an RFC 3339 time. `parse` takes a `Date` as well. */
export function instant(meaning: string, hint = ''): TInteger {
  const rule = instantRule + hint
  return Type.Integer({ description: meaning, minimum: 0, maximum: maxInstant, instant: true, rule })
}

/** A time as {@link instant}. On the wire a date alone is one too: the midnight in UTC with which it begins. */
export function dateOrInstant(meaning: string): TInteger {
  return { ...instant(meaning, '; a date alone is its midnight in UTC'), allowsDate: true }
}

/** True for the schema of a time, also of one that may be `null`. */
export function isInstant(schema: TSchema): boolean {
  const parts = (schema.anyOf ?? [schema]) as readonly TSchema[]
  return parts.some((part) => part.instant === true)
}

/** A field that `null` clears. */
export function nullable<Schema extends TSchema>(schema: Schema): TUnion<[Schema, TNull]> {
  const { description: meaning = '', rule } = schema as { description?: string; rule?: string }
  return Type.Union([schema, Type.Null()], { description: meaning, rule: `${rule} or null` })
}

/** A dot stands for itself, and not for every character. */
function patternOf(values: readonly string[]): string {
  return `^(${values.join('|').replaceAll('.', '\\.')})$`
}

export function oneOf<const Values extends readonly string[]>(
  meaning: string,
  values: Values,
): TUnsafe<Values[number]> {
  const rule = `must be one of ${values.join(', ')}`
  return Type.Unsafe<Values[number]>(
    Type.String({ description: meaning, enum: values, pattern: patternOf(values), rule }),
  )
}

export const name = (): TString => text('Display name', 1, 255)
export const description = (): TUnion<[TString, TNull]> => nullable(text('Description for people', 0, 2048))

/** The name of an app in URLs and in the audience of its tokens. */
export function appSlug(): TString {
  return Type.String({
    description: 'URL-safe identifier, the audience of the app’s tokens; never changes',
    pattern: appSlugPattern,
    maxLength: 63,
    rule: 'must be 1 to 63 lowercase letters, digits or hyphens',
  })
}

/** The name of a tier or feature in tokens and in shipped code. It must not look like a TypeID, which names by id. */
export function slug(): TString {
  return Type.String({
    description: 'Identifier in tokens and in shipped code; never changes',
    pattern: `^(?!${typeIdShape}$)[a-z0-9_]{1,63}$`,
    maxLength: 63,
    rule: 'must be 1 to 63 lowercase letters, digits or underscores, and not shaped like an id',
  })
}

export function slugs(meaning: string, maxItems: number): TUnsafe<readonly string[]> {
  const list: TArray<TString> = Type.Array(slug(), {
    description: meaning,
    maxItems,
    uniqueItems: true,
    rule: `must be a list of at most ${maxItems} different slugs of lowercase letters, digits or underscores`,
  })
  return Type.Unsafe<readonly string[]>(list)
}

/** Limits by slug. */
export function limits(meaning: string, maxProperties: number): TUnsafe<Limits> {
  const amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
  const names = Type.String({ pattern: slug().pattern! })
  const rule = `must be an object of at most ${maxProperties} slugs, each with an integer from 0 to 2^53 - 1`
  return Type.Unsafe<Limits>(
    Type.Record(names, amount, { description: meaning, maxProperties, additionalProperties: false, rule }),
  )
}

/** An id or a slug. */
export function reference(meaning: string): TString {
  return Type.String({ description: meaning, minLength: 1, maxLength: 255, rule: 'must be an id or a slug' })
}

export function identifier(meaning: string): TString {
  return Type.String({ description: meaning, minLength: 1, maxLength: 255, rule: 'must be an id' })
}

export function uuid(meaning: string): TString {
  return Type.String({
    description: meaning,
    pattern: uuidPattern,
    maxLength: 36,
    rule: 'must be a UUID',
  })
}

/** Any JSON object. `checkMetadata` checks its size. */
export function metadata(): TUnsafe<Metadata> {
  const any: TObject = Type.Object(
    {},
    {
      description: 'Any JSON object, at most 16 KiB, given back as it came',
      additionalProperties: true,
      rule: 'must be a JSON object of at most 16 KiB',
    },
  )
  return Type.Unsafe<Metadata>(any)
}
