import {
  Type,
  type Static,
  type TInteger,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TString,
  type TUnsafe,
} from '@sinclair/typebox'
import { slugPattern } from '../../core/ids.ts'
import { integer, text } from '../../core/input/fields.ts'
import type { RecordSchema } from '../../core/storage/schema.ts'

/** An object with exactly these fields. */
export function object<Fields extends TProperties>(description: string, fields: Fields): TObject<Fields> {
  return Type.Object(fields, { description })
}

/** Text that a response may also leave empty. */
export function line(description: string, maxLength: number): TString {
  return text(description, 0, maxLength)
}

/** Text of one form. */
export function matching(description: string, pattern: string, maxLength: number): TString {
  return Type.String({ description, pattern, maxLength })
}

export function slug(description: string): TString {
  return matching(description, slugPattern, 63)
}

export function slugs(description: string, maxItems: number): TUnsafe<readonly string[]> {
  return Type.Unsafe(Type.Array(slug('Slug of a feature'), { description, maxItems }))
}

export function count(description: string, minimum = 0, maximum: number = Number.MAX_SAFE_INTEGER): TInteger {
  return integer(description, minimum, maximum)
}

export function list<Item extends TSchema>(
  item: Item,
  description: string,
  maxItems: number,
): TUnsafe<readonly Static<Item>[]> {
  return Type.Unsafe(Type.Array(item, { description, maxItems }))
}

export function pemText(description: string): TString {
  return matching(description, '^-----BEGIN PUBLIC KEY-----\\n', 1024)
}

/**
 * The schemas of a record's fields, but for the hidden ones. A new field of a record so appears in responses by itself, and the
 * type checker asks for it in core's view.
 */
export function recordFields<Entry, Hidden extends keyof Entry>(
  { schema }: RecordSchema<Entry>,
  hidden: readonly Hidden[],
): { [Name in Exclude<keyof Entry, Hidden>]: TUnsafe<Entry[Name]> } {
  const names = Object.keys(schema.properties).filter((name) => !hidden.includes(name as Hidden & string))
  return Object.fromEntries(names.map((name) => [name, schema.properties[name]])) as never
}

/** The schemas of fields of a record that not every caller gets. */
export function optionalFields<Entry, Name extends keyof Entry & string>(
  { schema }: RecordSchema<Entry>,
  names: readonly Name[],
): { [Key in Name]: TOptional<TUnsafe<Entry[Key]>> } {
  return Object.fromEntries(
    names.map((name) => [name, Type.Optional(schema.properties[name] as TSchema)]),
  ) as never
}
