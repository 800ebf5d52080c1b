import process from 'node:process'

/** Where a command writes. Secrets go to `line` alone. */
export interface Output {
  /** A line of the answer, to standard output. */
  line(text: string): void
  /** A word to the person at the terminal, to standard error. */
  note(text: string): void
}

/** How a command answers. */
export interface AsJson {
  readonly json: boolean
}

/** What a program reads. */
export function jsonOf(value: object): string {
  return JSON.stringify(value, null, 2)
}

/** The streams of this process. */
export const processOutput: Output = {
  line: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
}
