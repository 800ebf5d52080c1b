import { LicensingError } from '../errors.ts'

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
  /** How busy it is, and what it has done so far. */
  load(): QueueLoad
}

/** How busy a queue is at this moment, and what it has done since the process began. */
export interface QueueLoad {
  /** How many may hold a place. */
  readonly places: number
  /** How many hold one: they run, wait for their turn, or have something to do before. */
  readonly taken: number
  readonly running: number
  readonly waiting: number
  /** Pieces of work that ended well. */
  readonly done: number
  /** Callers who found no place. */
  readonly refused: number
}

interface Turns {
  readonly take: WorkQueue['run']
  readonly load: () => Pick<QueueLoad, 'running' | 'waiting' | 'done'>
}

/** Turns for `concurrency` pieces of work at a time, without any bound on how many wait. */
function turns(concurrency: number): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  let done = 0
  const take: WorkQueue['run'] = async (work) => {
    if (running < concurrency) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      const outcome = await work()
      done++
      return outcome
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
  return { take, load: () => ({ running, waiting: waiting.length, done }) }
}

/** A queue that runs `concurrency` pieces of work at a time and lets `maxWaiting` more hold a place. */
export function workQueue(concurrency: number, maxWaiting: number): WorkQueue {
  const turn = turns(concurrency)
  const places = concurrency + maxWaiting
  let taken = 0
  let refused = 0
  const isIdle = (): boolean => taken === 0
  const load = (): QueueLoad => ({ places, taken, refused, ...turn.load() })
  const reserved: WorkQueue = { run: turn.take, reserve: (work) => work(reserved), isIdle, load }
  const reserve: WorkQueue['reserve'] = async (work) => {
    if (taken === places) {
      refused++
      throw new LicensingError('unavailable', 'Too busy: try again in a moment')
    }
    taken++
    try {
      return await work(reserved)
    } finally {
      taken--
    }
  }
  return { run: (work) => reserve(() => turn.take(work)), reserve, isIdle, load }
}

/** One fewer than the machine has cores, but at least one. */
export function sparedCores(): number {
  return Math.max(1, navigator.hardwareConcurrency - 1)
}
