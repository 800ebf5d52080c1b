import { LicensingError } from './errors.ts'

/** Heavy work, run a few pieces at a time in the order in which it came, behind a bounded queue. */
export interface WorkQueue {
  /** Runs `work` when its turn comes. @throws {LicensingError} `unavailable`, at once, when the queue is full. */
  run<T>(work: () => Promise<T>): Promise<T>
  /**
   * Holds a place while `work` goes on: what it runs on the queue that it is handed is never refused.
   * @throws {LicensingError} `unavailable`, at once and before `work`, when the queue is full.
   */
  reserve<T>(work: (reserved: WorkQueue) => Promise<T>): Promise<T>
  /** Whether nothing runs and nobody holds a place. */
  isIdle(): boolean
}

/** Turns for `concurrency` pieces of work at a time, without any bound on how many wait. */
function turns(concurrency: number): WorkQueue['run'] {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < concurrency) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

/** A queue that runs `concurrency` pieces of work at a time and lets `maxWaiting` more hold a place. */
export function workQueue(concurrency: number, maxWaiting: number): WorkQueue {
  const takeTurn = turns(concurrency)
  let places = concurrency + maxWaiting
  const isIdle = (): boolean => places === concurrency + maxWaiting
  const reserved: WorkQueue = { run: takeTurn, reserve: (work) => work(reserved), isIdle }
  const reserve: WorkQueue['reserve'] = async (work) => {
    if (places === 0) throw new LicensingError('unavailable', 'Too busy: try again in a moment')
    places--
    try {
      return await work(reserved)
    } finally {
      places++
    }
  }
  return { run: (work) => reserve(() => takeTurn(work)), reserve, isIdle }
}

/** One fewer than the machine has cores, but at least one. */
export function sparedCores(): number {
  return Math.max(1, navigator.hardwareConcurrency - 1)
}
