import type { TObject, TSchema } from '@sinclair/typebox'
import { maxBodyBytes } from '../http/body.ts'
import { wireSchema, type JsonSchema } from '../http/wire.ts'

/** Lengths of times in characters: a request may have a long fraction, a response is `2026-01-23T10:00:00Z`. */
const requestTimeLength = 64
const responseTimeLength = 20

/** States the limits that hold everywhere: every integer has a format, and every string a maximum length. */
function withLimits(node: JsonSchema, timeLength: number): JsonSchema {
  if (node.type === 'integer') return { format: Number(node.maximum) < 2 ** 31 ? 'int32' : 'int64', ...node }
  if (node.type !== 'string' || node.enum !== undefined) return node
  return { maxLength: node.format === 'date-time' ? timeLength : maxBodyBytes, ...node }
}

function withoutDescription({ description: _description, ...rest }: JsonSchema): JsonSchema {
  return rest
}

/** A field that may be `null` has its description once. */
function describedOnce({ anyOf, ...rest }: JsonSchema): JsonSchema {
  if (anyOf === undefined) return rest
  return { ...rest, anyOf: (anyOf as readonly JsonSchema[]).map(withoutDescription) }
}

/** A list of all values needs no pattern, which says the same again. */
function listedOnce(node: JsonSchema): JsonSchema {
  const { pattern: _pattern, ...rest } = node
  return node.enum === undefined ? node : rest
}

/** Leaves out the keywords that only checking needs. The builders of core set them for requests. */
function withoutChecks(node: JsonSchema): JsonSchema {
  const { minLength: _minLength, note: _note, properties, ...rest } = listedOnce(describedOnce(node))
  return { ...rest, ...(Object.keys(Object(properties)).length > 0 && { properties }) }
}

/** The JSON Schema of a body or query, from core's schema of its input. */
export function requestSchema(schema: TObject): JsonSchema {
  return wireSchema(schema, (node) => withLimits(listedOnce(describedOnce(node)), requestTimeLength))
}

/** The JSON Schema of a response, from a schema in core's names. */
export function responseSchema(schema: TSchema): JsonSchema {
  return wireSchema(schema, (node) => withLimits(withoutChecks(node), responseTimeLength))
}
