import type { Context } from './context.ts'
import type { StorageSession } from './storage.ts'

class GivenUp extends Error {}

/**
 * Runs the writes of a use case as one transaction, which is given up when `write` resolves to `null` or `false`: a
 * guarded verb was lost. `view` says what the use case will answer, short of a token; under an idempotency key that
 * answer is kept in the same transaction.
 */
export async function commit<Saved>(
  context: Context,
  write: (tx: StorageSession) => Promise<Saved>,
  view: (saved: Saved) => object | Promise<object>,
): Promise<Saved> {
  let saved: Saved | undefined
  const work = async (tx: StorageSession): Promise<void> => {
    saved = await write(tx)
    if (saved === null || saved === false) throw new GivenUp()
    if (context.keep !== null) await context.keep(tx, await view(saved))
  }
  await context.storage.transaction(work).catch((error: unknown) => {
    if (!(error instanceof GivenUp)) throw error
  })
  return saved as Saved
}
