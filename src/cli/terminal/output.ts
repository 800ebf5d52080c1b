import process from 'node:process'

/** The two streams that a command writes to. Only `line` may receive a secret. */
export interface Output {
  /** Writes a line of the result to standard output. */
  line(text: string): void
  /** Writes a message for the person at the terminal to standard error. */
  note(text: string): void
}

export interface AsJson {
  readonly json: boolean
}

export function jsonOf(value: object): string {
  return JSON.stringify(value, null, 2)
}

/** The streams of this process. */
export const processOutput: Output = {
  line: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
}
