import type { StoredResponseRecord } from '../../core/storage/index.ts'
import { keyOf, takePage } from './table.ts'
import type { SyncSession, Tables } from './tables.ts'

type StoredResponseVerbs = Pick<
  SyncSession,
  'findStoredResponse' | 'insertStoredResponse' | 'listStoredResponses' | 'countStoredResponses'
>

/** So few that nobody waits for it, and more than were added. */
const forgottenAtOnce = 10

export function storedResponseVerbs({ storedResponses }: Tables): StoredResponseVerbs {
  const findStoredResponse: StoredResponseVerbs['findStoredResponse'] = (scope, key, now) => {
    const kept = storedResponses.get(keyOf(scope, key))?.answer
    return kept !== undefined && now < kept.expiresAt ? kept : null
  }
  return {
    findStoredResponse: findStoredResponse,
    insertStoredResponse: (answer, now) => {
      if (findStoredResponse(answer.scope, answer.key, now) !== null) return false
      storedResponses.replace({ id: keyOf(answer.scope, answer.key), position: answer.expiresAt, answer })
      const oldest = takePage(storedResponses.ascending(), { limit: forgottenAtOnce })
      for (const { id, position } of oldest) if (position <= now) storedResponses.delete(id)
      return true
    },
    listStoredResponses: ({ limit, after }) => {
      const all = [...storedResponses.ascending()].map(({ answer }) => answer).toSorted(byScopeAndKey)
      return takePage(all, { limit }, (answer) => after === undefined || byScopeAndKey(answer, after) > 0)
    },
    countStoredResponses: () => storedResponses.size,
  }
}

type Name = Pick<StoredResponseRecord, 'scope' | 'key'>

function byScopeAndKey(a: Name, b: Name): number {
  return compare(a.scope, b.scope) || compare(a.key, b.key)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
