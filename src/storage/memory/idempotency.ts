import type { IdempotencyStorage, NumericDate, StoredResponseRecord } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { keyOf, takePage } from './table.ts'
import type { LookUps, Tables } from './tables.ts'

/** Few enough to cost no time, and more than one insert adds. */
const deletedWithEach = 10

export function idempotencyStorage({ read, write }: Runner): IdempotencyStorage {
  return {
    findStoredResponse: (scope, key, now) => read((tables) => findCurrent(tables, { scope, key }, now)),
    insertStoredResponse: (response, now) =>
      write((tables) => {
        if (findCurrent(tables, response, now) !== null) return false
        const id = keyOf(response.scope, response.key)
        tables.storedResponses.replace({ id, position: response.expiresAt, response })
        deleteSomeExpired(tables, now)
        return true
      }),
    listStoredResponses: ({ limit, after }) =>
      read(({ storedResponses }) => {
        const all = [...storedResponses.ascending()].map(({ response }) => response)
        const isAfter = (response: Name): boolean => after === undefined || byScopeAndKey(response, after) > 0
        return takePage(all.toSorted(byScopeAndKey), { limit }, isAfter)
      }),
    countStoredResponses: () => read(({ storedResponses }) => storedResponses.size),
  }
}

type Name = Pick<StoredResponseRecord, 'scope' | 'key'>

function findCurrent(
  { storedResponses }: LookUps,
  { scope, key }: Name,
  now: NumericDate,
): StoredResponseRecord | null {
  const response = storedResponses.get(keyOf(scope, key))?.response
  return response !== undefined && now < response.expiresAt ? response : null
}

function deleteSomeExpired({ storedResponses }: Tables, now: NumericDate): void {
  const oldest = takePage(storedResponses.ascending(), { limit: deletedWithEach })
  for (const { id, position } of oldest) if (position <= now) storedResponses.delete(id)
}

function byScopeAndKey(a: Name, b: Name): number {
  return compare(a.scope, b.scope) || compare(a.key, b.key)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
