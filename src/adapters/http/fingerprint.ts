import { sha256Hex } from '../../core/ids.ts'

/**
 * A text that two JSON values share if they mean the same: the order of members does not count. It walks without recursion,
 * because a deep body must not exhaust the stack before core refuses it.
 */
function meaningOf(value: unknown): string {
  const parts: string[] = []
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const item = waiting.pop()
    if (typeof item !== 'object' || item === null) {
      parts.push(typeof item === 'string' ? JSON.stringify(item) : String(item))
      continue
    }
    const names = Object.keys(item).toSorted()
    parts.push(Array.isArray(item) ? `[${names.length}` : `{${JSON.stringify(names)}`)
    for (const name of names) waiting.push(Reflect.get(item, name))
  }
  return parts.join('\n')
}

/** Core refuses a deeper body, so version 0.1.0 stored no response to one. On Bun, its text would take seconds. */
const maxDepth = 40

function isDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; depth < maxDepth && level.length > 0; depth++)
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  return level.length > 0
}

/** The fingerprint of a request: equal for two requests that mean the same. */
export function fingerprintOf(request: readonly unknown[]): Promise<string> {
  return sha256Hex(meaningOf(request))
}

/** The fingerprint that version 0.1.0 made. `null` for a request that is too deep for a stored response. */
export async function earlierFingerprintOf(request: readonly unknown[]): Promise<string | null> {
  return isDeep(request) ? null : sha256Hex(JSON.stringify(request))
}
