import { LicensingError } from '../errors.ts'

/** A place in a queue that its owner holds. */
export interface Slot {
  /** Runs `work` when its turn comes. It is never refused. */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** Runs heavy work a few pieces at a time, in the order in which it came, behind a bounded queue. */
export interface WorkQueue {
  /** Runs `work` when its turn comes. @throws {LicensingError} `unavailable`, at once, if the queue is full. */
  run<T>(work: () => Promise<T>): Promise<T>
  /**
   * Holds a slot while `work` goes on.
   * @throws {LicensingError} `unavailable`, at once and before `work`, if the queue is full.
   */
  reserve<T>(work: (slot: Slot) => Promise<T>): Promise<T>
  /** True if nothing runs and nobody holds a slot. */
  isIdle(): boolean
  load(): QueueLoad
}

/** The load of a queue now, and its counts since the process began. */
export interface QueueLoad {
  /** Number of slots. */
  readonly places: number
  /** Slots that are held. Their owners run, wait for their turn, or do something else first. */
  readonly taken: number
  readonly running: number
  readonly waiting: number
  /** Pieces of work that succeeded. */
  readonly done: number
  /** Callers who found no free slot. */
  readonly refused: number
}

interface Turns {
  readonly take: Slot['run']
  readonly load: () => Pick<QueueLoad, 'running' | 'waiting' | 'done'>
}

/** Runs `concurrency` pieces of work at the same time. Any number may wait. */
function turns(concurrency: number): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  let done = 0
  const take: Slot['run'] = async (work) => {
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

/** A queue that runs `concurrency` pieces of work at the same time and lets `maxWaiting` more hold a slot. */
export function workQueue(concurrency: number, maxWaiting: number): WorkQueue {
  const turn = turns(concurrency)
  const places = concurrency + maxWaiting
  let taken = 0
  let refused = 0
  const slot: Slot = { run: turn.take }
  const reserve: WorkQueue['reserve'] = async (work) => {
    if (taken === places) {
      refused++
      throw new LicensingError('unavailable', 'Too busy: try again in a moment')
    }
    taken++
    try {
      return await work(slot)
    } finally {
      taken--
    }
  }
  return {
    run: (work) => reserve(() => turn.take(work)),
    reserve,
    isIdle: () => taken === 0,
    load: () => ({ places, taken, refused, ...turn.load() }),
  }
}

/** One fewer than the machine has cores, but at least one. */
export function sparedCores(): number {
  return Math.max(1, navigator.hardwareConcurrency - 1)
}
