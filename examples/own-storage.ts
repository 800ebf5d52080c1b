// A storage of your own, checked by the same conformance cases as every Heartwood storage.
// This one wraps another storage and records each call that fails. Yours may use any database.
import type { Storage, StorageSession } from 'heartwood'
import { memoryStorage } from 'heartwood/storage/memory'
import { storageCases } from 'heartwood/testing'

type Note = (verb: string) => void

function noting<Session extends StorageSession>(session: Session, note: Note): Session {
  const verbs = Object.entries(session).map(
    ([name, verb]: [string, (...args: unknown[]) => Promise<unknown>]) => {
      const noted = async (...args: unknown[]): Promise<unknown> => {
        try {
          return await verb.apply(session, args)
        } catch (error) {
          note(name)
          throw error
        }
      }
      return [name, noted]
    },
  )
  return Object.fromEntries(verbs) as Session
}

export function notingStorage(inner: Storage, note: Note): Storage {
  return {
    ...noting(inner, note),
    // Work inside a transaction calls `tx`, so we wrap `tx` too.
    transaction: (work) => inner.transaction((tx) => work(noting(tx, note))),
  }
}

// With a test runner, write `test(name, () => run(open))`. Without one, loop over the cases.
const failed: string[] = []
for (const { run } of storageCases)
  await run(async () => notingStorage(memoryStorage(), (verb) => failed.push(verb)))
console.log(`${storageCases.length} cases passed. The cases made ${failed.length} calls fail on purpose.`)
