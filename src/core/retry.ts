import type { LicensingError } from './errors.ts'

/** The end of a loop's patience. */
export interface RetryLimit {
  /** Attempts in all; default 64. With the pauses, thousands of rivals are needed to lose that many in a row. */
  readonly tries?: number
  /** The error after the last attempt. */
  readonly lost: () => LicensingError
}

/** Rivals that come back at once would keep meeting: after a few losses each waits for a random time. */
async function pauseAfter(losses: number): Promise<void> {
  if (losses < 4) return
  const milliseconds = Math.random() * Math.min(100, 4 * losses)
  await new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
}

/**
 * Repeats a compare-and-set until it wins. `attempt` reads the present state and writes over it, and resolves to `null` if
 * another request was faster. Without a limit it is repeated for as long as it loses: each time somebody else gets through.
 *
 * @throws {LicensingError} the error of `limit`; whatever `attempt` throws.
 */
export async function retryUntilWon<Outcome>(
  attempt: () => Promise<Outcome | null>,
  limit?: RetryLimit,
): Promise<Outcome> {
  for (let losses = 1; ; losses++) {
    const outcome = await attempt()
    if (outcome !== null) return outcome
    if (limit !== undefined && losses >= (limit.tries ?? 64)) throw limit.lost()
    await pauseAfter(losses)
  }
}
