import type { KeptAnswerRecord } from '../../core/storage/index.ts'
import { keyOf, takePage } from './table.ts'
import type { SyncSession, Tables } from './tables.ts'

type KeptAnswerVerbs = Pick<
  SyncSession,
  'findKeptAnswer' | 'insertKeptAnswer' | 'listKeptAnswers' | 'countKeptAnswers'
>

/** So few that nobody waits for it, and more than were added. */
const forgottenAtOnce = 10

export function keptAnswerVerbs({ keptAnswers }: Tables): KeptAnswerVerbs {
  const findKeptAnswer: KeptAnswerVerbs['findKeptAnswer'] = (scope, key, now) => {
    const kept = keptAnswers.get(keyOf(scope, key))?.answer
    return kept !== undefined && now < kept.expiresAt ? kept : null
  }
  return {
    findKeptAnswer,
    insertKeptAnswer: (answer, now) => {
      if (findKeptAnswer(answer.scope, answer.key, now) !== null) return false
      keptAnswers.replace({ id: keyOf(answer.scope, answer.key), position: answer.expiresAt, answer })
      const oldest = takePage(keptAnswers.ascending(), { limit: forgottenAtOnce })
      for (const { id, position } of oldest) if (position <= now) keptAnswers.delete(id)
      return true
    },
    listKeptAnswers: ({ limit, after }) => {
      const all = [...keptAnswers.ascending()].map(({ answer }) => answer).toSorted(byScopeAndKey)
      return takePage(all, { limit }, (answer) => after === undefined || byScopeAndKey(answer, after) > 0)
    },
    countKeptAnswers: () => keptAnswers.size,
  }
}

type Name = Pick<KeptAnswerRecord, 'scope' | 'key'>

function byScopeAndKey(a: Name, b: Name): number {
  return compare(a.scope, b.scope) || compare(a.key, b.key)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
