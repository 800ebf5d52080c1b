import process from 'node:process'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { thisRuntime } from './child-process.ts'
import { spreadOf } from './measure.ts'
import { formatMedian, type Result } from './result.ts'

/** The turns of the event loop during some work. All figures are in milliseconds. */
export interface Turns {
  readonly longest: number
  /** The most CPU time that this process took in one turn. A busy machine makes a turn long without it. */
  readonly mostCpu: number
  readonly duration: number
}

/** Runs some work, and watches the event loop of this process meanwhile. */
export async function watchTurns(work: () => Promise<unknown>): Promise<Turns> {
  const begun = performance.now()
  const end = new AbortController()
  let [last, longest, lastCpu, mostCpu] = [begun, 0, cpuTime(), 0]
  const watching = (async () => {
    while (!end.signal.aborted) {
      await setImmediate()
      const [now, cpu] = [performance.now(), cpuTime()]
      longest = Math.max(longest, now - last)
      mostCpu = Math.max(mostCpu, cpu - lastCpu)
      ;[last, lastCpu] = [now, cpu]
    }
  })()
  await work().finally(() => end.abort())
  const duration = performance.now() - begun
  await watching
  return { longest, mostCpu, duration }
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** The longest turn while this process has nothing to do: that of the machine. */
export async function idleTurn(): Promise<number> {
  return (await watchTurns(() => setTimeout(1000))).longest
}

/** The row about the longest turns during some work, each round beside an idle one. */
export function turnRow(what: string, turns: readonly Turns[], idle: readonly number[]): Result {
  return {
    what: `Longest turn of the event loop: ${what}`,
    against: '',
    runtime: thisRuntime,
    database: 'SQLite',
    figure: spreadOf(turns.map(({ longest }) => longest)),
    unit: 'ms',
    goal: { atMost: 50 },
    detail: `CPU of a turn ${formatMedian(turns.map(({ mostCpu }) => mostCpu))} ms, idle turn ${formatMedian(idle)} ms`,
  }
}
