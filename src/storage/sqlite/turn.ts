/** Lets the event loop run what waits: requests, timers, responses. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** The milliseconds after which a loop lets the event loop go on. */
const longest = 10

/** Returns a function that waits for a turn of the event loop if the last one began a while ago. */
export function regularTurns(): () => Promise<void> | undefined {
  let last = performance.now()
  return () => {
    if (performance.now() - last < longest) return undefined
    return turn().then(() => void (last = performance.now()))
  }
}
