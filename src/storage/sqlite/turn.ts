// These stay the functions of the runtime while the tests of a host have a false clock in their place. Otherwise writes would wait
// for ever.
const soon = setImmediate
const later = setTimeout
const cancel = clearTimeout
const readClock = performance.now.bind(performance)

/** The milliseconds of a clock that no test of a host stops or sets. */
export function clock(): number {
  return readClock()
}

/** Lets the event loop run what waits: requests, timers, responses. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void soon(resolve))
}

/** Waits for so many milliseconds, or until `end` resolves. */
export async function pause(milliseconds: number, end: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<void>((resolve) => (timer = later(resolve, Math.floor(milliseconds))))
  await Promise.race([end, timeout])
  cancel(timer)
}

/** The milliseconds after which a loop lets the event loop go on. */
const longest = 10

/**
 * Returns a function that waits for a turn of the event loop if the last one began a while ago. All who wait go on in the same
 * turn. So requests that arrived together write together, and share a commit.
 */
export function sharedTurns(): () => Promise<void> | undefined {
  let last = clock()
  let next: Promise<void> | undefined
  const begin = (): void => {
    last = clock()
    next = undefined
  }
  return () => {
    if (next === undefined && clock() - last < longest) return undefined
    return (next ??= turn().then(begin))
  }
}

/**
 * Returns a function that waits for a turn of the event loop if the last one began a while ago. Each turn goes to one of those
 * who wait, in their order. Otherwise the statements of all of them would follow each other in one turn.
 */
export function regularTurns(): () => Promise<void> | undefined {
  let last = clock()
  const waiting: (() => void)[] = []
  const giveNext = (): void => {
    last = clock()
    waiting.shift()!()
    if (waiting.length > 0) soon(giveNext)
  }
  return () => {
    if (waiting.length === 0 && clock() - last < longest) return undefined
    return new Promise((resolve) => {
      if (waiting.push(resolve) === 1) soon(giveNext)
    })
  }
}
