import { isoTime } from '../adapters/http/wire.ts'
import type { Limits } from '../core/index.ts'

/** The rows of a table that show the terms of a license. A license without terms has none. */
export function termsOf(limits: Limits, updatesUntil: number | null): readonly (readonly string[])[] {
  const amounts = Object.entries(limits).map(([name, limit]) => `${name} ${limit}`)
  return [
    ...(amounts.length > 0 ? [['limits', amounts.join(', ')]] : []),
    ...(updatesUntil === null ? [] : [['updates until', isoTime(updatesUntil)]]),
  ]
}
