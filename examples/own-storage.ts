// A storage of your own, held to the promises that every storage of Heartwood keeps.
// This one stands on another and notes each call that failed; yours may stand on any database.
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
    // What runs inside a transaction is asked of `tx`, so that is noted as well.
    transaction: (work) => inner.transaction((tx) => work(noting(tx, note))),
  }
}

// With a test runner: `test(name, () => run(open))`. Without one, in a loop.
const failed: string[] = []
for (const { run } of storageCases)
  await run(async () => notingStorage(memoryStorage(), (verb) => failed.push(verb)))
console.log(`${storageCases.length} promises kept; ${failed.length} calls failed on purpose`)
