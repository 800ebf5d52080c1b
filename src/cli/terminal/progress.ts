import process from 'node:process'

/** A bar that fills while work goes on. */
export interface Progress {
  /** One more is done. */
  step(): void
  /** Takes the bar away. */
  end(): void
}

/** Where a bar is drawn. */
export interface Screen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const width = 30
const pauseMs = 100
const none: Progress = { step: () => {}, end: () => {} }

function drawn(done: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.round(part * width)
  const bar = '#'.repeat(filled).padEnd(width, '.')
  return `\r[${bar}] ${Math.floor(part * 100)} % of ${total.toLocaleString('en-US')}`
}

/** A bar for work that says by itself how far it is. */
export interface ReportedProgress {
  at(done: number, total: number): void
  end(): void
}

/** The same for work that reports; the first report says how much there is. */
export function progressReported(screen: Screen = process.stderr): ReportedProgress {
  let bar: Progress | undefined
  return {
    at: (_done, total) => (bar ??= progressOf(total, screen)).step(),
    end: () => bar?.end(),
  }
}

/** A bar on a terminal, and nothing at all where the output goes elsewhere. */
export function progressOf(total: number, screen: Screen = process.stderr): Progress {
  if (screen.isTTY !== true) return none
  let done = 0
  let next = 0
  return {
    step: () => {
      done++
      if (done % 64 !== 0 || Date.now() < next) return
      next = Date.now() + pauseMs
      screen.write(drawn(done, total))
    },
    end: () => void screen.write('\r\u001B[K'),
  }
}
