/** The median and the range of a figure over several rounds. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN }
}

/** A quantile of values in ascending order, with linear interpolation. `share` is between 0 and 1. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const [low = NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return low + (high - low) * (at - Math.floor(at))
}

/** Runs one round of one contender. Resolves to its figure. */
export type Contender = () => Promise<number>

/**
 * Measures contenders in turn, round after round. A machine whose speed drifts then treats them alike. The first round
 * warms up and does not count.
 */
export async function measureInTurn<Name extends string>(
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

/** Divides the figures of two contenders, round by round. */
export function ratios(above: readonly number[], below: readonly number[]): readonly number[] {
  return above.map((figure, round) => figure / (below[round] ?? NaN))
}

/** Measures the duration of some work, in milliseconds. */
export async function durationOf(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Repeats some work for a time, `inFlight` times at once. Resolves to the repetitions a second. */
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
