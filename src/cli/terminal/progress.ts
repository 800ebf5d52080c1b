import process from 'node:process'

/** A bar that fills while work goes on. */
export interface ProgressBar {
  /** Shows that `done` of `total` are done. Redraws only now and then, so that any number of calls is cheap. */
  update(done: number, total: number): void
  /** Removes the bar. */
  end(): void
}

/** The terminal that shows a bar. */
export interface Screen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const width = 30
const pauseMs = 100
/** Reading the clock on every call would cost more than the rest of the call. */
const callsPerLook = 64

function draw(done: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.round(part * width)
  const bar = '#'.repeat(filled).padEnd(width, '.')
  return `\r[${bar}] ${Math.floor(part * 100)} % of ${total.toLocaleString('en-US')}`
}

/** Returns a bar on a terminal. It writes nothing if `screen` is not a terminal. */
export function progressBar(screen: Screen = process.stderr): ProgressBar {
  if (screen.isTTY !== true) return { update: () => {}, end: () => {} }
  let calls = 0
  let nextDraw = 0
  return {
    update: (done, total) => {
      if (++calls % callsPerLook !== 0 || Date.now() < nextDraw) return
      nextDraw = Date.now() + pauseMs
      screen.write(draw(done, total))
    },
    end: () => void (nextDraw > 0 && screen.write('\r\u001B[K')),
  }
}
