/** Runs work one after another. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

const lines = new WeakMap<object, Promise<unknown>>()

/**
 * Turns on one transaction of a host's: its savepoints lie in one another, so what is given up would else take along what
 * another call wrote meanwhile.
 */
export function turnsOn(transaction: object): InTurn {
  return (work) => {
    const turn = (lines.get(transaction) ?? Promise.resolve()).then(work)
    lines.set(
      transaction,
      turn.catch(() => {}),
    )
    return turn
  }
}

/** At once. */
export const atOnce: InTurn = (work) => work()
