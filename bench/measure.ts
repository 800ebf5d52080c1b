/** A figure over several rounds. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN }
}

/** A quantile of values in ascending order. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const [low = NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return low + (high - low) * (at - Math.floor(at))
}

/** One way of doing something; answers its figure for one round. */
export type Contender = () => Promise<number>

/**
 * Measures contenders in turn, round after round, so that a machine whose speed drifts treats them alike. The first
 * round warms up and does not count.
 */
export async function inTurn<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, Contender>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const entries = Object.entries<Contender>(contenders) as [Name, Contender][]
  const figures = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<Name, number[]>
  for (let round = 0; round <= rounds; round++)
    for (const [name, contender] of entries) {
      const figure = await contender()
      if (round > 0) figures[name].push(figure)
    }
  return figures
}

/** Round by round, one figure over the other. */
export function ratios(above: readonly number[], below: readonly number[]): readonly number[] {
  return above.map((figure, round) => figure / (below[round] ?? NaN))
}

/** How long work takes, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** How often a second work gets done for so long, with `inFlight` pieces of it at once. */
export async function rateOf(milliseconds: number, inFlight: number, work: () => unknown): Promise<number> {
  const began = performance.now()
  let done = 0
  const worker = async (): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      await work()
      done++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (done * 1000) / (performance.now() - began)
}
