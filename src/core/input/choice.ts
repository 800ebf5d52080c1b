import type { ObjectOptions, TObject } from '@sinclair/typebox'

/** Fields of an input of which one alone may be given. */
export interface Choice {
  /** In core's names. */
  readonly names: readonly string[]
  /** True if one of them must be given. */
  readonly isRequired: boolean
}

/** Declares that exactly one of these fields must be given. `parse` checks it, and the OpenAPI document says it. */
export function exactlyOneOf(...names: readonly string[]): ObjectOptions {
  return { choice: { names, isRequired: true } }
}

/** Declares that these fields exclude each other. */
export function atMostOneOf(...names: readonly string[]): ObjectOptions {
  return { choice: { names, isRequired: false } }
}

/** The choice that the schema of an input declares; `null` if it declares none. */
export function choiceOf(schema: TObject): Choice | null {
  return (schema as { readonly choice?: Choice }).choice ?? null
}
