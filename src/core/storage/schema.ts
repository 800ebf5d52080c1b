import { Type, type TInteger, type TSchema, type TString } from '@sinclair/typebox'
import type { IdPrefix } from '../ids.ts'
import { instant, integer } from '../input/fields.ts'
import type { Input } from '../input/parse.ts'
import { typeIdSuffix } from '../typeid.ts'

// Each record has one schema beside its interface. The columns of the databases, the checks of an import and the tables in
// docs/storage.md are made from it. The order of its properties is the order of the fields in an export.

/** The schema of a record, and the check that an import runs on it. */
export type RecordSchema<Entry> = Input<Entry>

/** The form in which a column holds its value. A column without this keyword is plain. */
export type Protection = 'sealed' | 'hashed'

const counterEnd = 2 ** 32 - 1

export function formed(description: string, pattern: string, rule: string): TString {
  return Type.String({ description, pattern, rule })
}

/** The name of a key: its thumbprint by RFC 7638. */
export function thumbprint(description: string): TString {
  return formed(description, '^[A-Za-z0-9_-]{43}$', 'must be a thumbprint of SHA-256 in base64url')
}

export function id(prefix: IdPrefix, description: string): TString {
  const pattern = `^${prefix}_${typeIdSuffix}$`
  return Type.String({
    description,
    pattern,
    maxLength: prefix.length + 27,
    rule: `must be an id of the form ${prefix}_…, a UUID by RFC 9562 in the base32 of TypeID`,
    note: `\`${prefix}_…\``,
  })
}

/** Text that only a master key opens. */
export function sealed(description: string): TString {
  const rule = 'must be sealed'
  return Type.String({ description, pattern: '^v1(\\.[A-Za-z0-9_-]+){3}$', rule, protection: 'sealed' })
}

/** Text that shows whether a secret is the right one, but not the secret. */
export function hashed(description: string, pattern: string, rule: string): TString {
  return Type.String({ description, pattern, rule, protection: 'hashed' })
}

/** A number that only rises, from `least`. */
export function counter(description: string, least: number): TInteger {
  return integer(description, least, counterEnd)
}

/** The number that a compare-and-set write compares. */
export function version(least: number): TInteger {
  return integer('Rises with every write', least, Number.MAX_SAFE_INTEGER)
}

export function timestamps(): { createdAt: TInteger; updatedAt: TInteger } {
  return { createdAt: instant('Time of creation'), updatedAt: instant('Time of the last change') }
}

/** The same schema with a remark that only docs/storage.md shows. */
export function noted<Schema extends TSchema>(note: string, schema: Schema): Schema {
  return { ...schema, note }
}

/** The same schema under another description. */
export function described<Schema extends TSchema>(description: string, schema: Schema): Schema {
  return { ...schema, description }
}

/** One field of a record, as its schema describes it. */
export interface Field {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'array' | 'object'
  readonly isNullable: boolean
  readonly description: string
  readonly protection: Protection | null
  /** All values that it may have; `null` if there is no list of them. */
  readonly values: readonly string[] | null
  readonly note: string | null
}

/** The fields of a record, in order. */
export function fieldsOf<Entry>({ schema }: RecordSchema<Entry>): readonly Field[] {
  return Object.entries(schema.properties).map(([name, property]) => fieldOf(name, property))
}

/** The keywords of a field in JSON Schema, and our own: `note` and `protection`. */
interface Keywords {
  readonly type?: Field['type']
  readonly description?: string
  readonly enum?: readonly string[]
  readonly note?: string
  readonly protection?: Protection
  readonly anyOf?: readonly Keywords[]
}

function fieldOf(name: string, keywords: Keywords): Field {
  // `nullable()` makes a union of a schema and `null`.
  const { type, protection = null, enum: values = null, note } = keywords.anyOf?.[0] ?? keywords
  const { description } = keywords
  if (type === undefined || description === undefined) throw new TypeError(`${name} has no type or no text`)
  const isNullable = keywords.anyOf !== undefined
  return { name, type, isNullable, description, protection, values, note: keywords.note ?? note ?? null }
}
