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

let lastWrite: Promise<void> = Promise.resolve()

/** Writes to standard output. Resolves once the reader has taken the text. */
export function writeResult(text: string): Promise<void> {
  lastWrite = new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
  return lastWrite
}

/** Resolves once the reader of standard output has taken everything, or has gone. */
export function whenWritten(): Promise<void> {
  return lastWrite.catch(() => {})
}

/** The streams of this process. */
export const processOutput: Output = {
  // Whoever ends the process waits in `whenWritten`.
  line: (text) => void writeResult(`${text}\n`).catch(() => {}),
  note: (text) => void process.stderr.write(`${text}\n`),
}
