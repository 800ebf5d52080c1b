import { fstatSync, writeSync } from 'node:fs'
import process from 'node:process'
import { CliError, codeOf } from '../errors.ts'
import { withoutControls } from './columns.ts'

/** The two streams that a command writes to. Only `line` may receive a secret. */
export interface Output {
  /** Writes a line of the result to standard output. */
  readonly line: (text: string) => void
  /** As `line`, in a colour if standard output is a terminal. Nothing but the colour controls the terminal. */
  readonly coloured: (colour: Colour, text: string) => void
  /** Writes a message for the person at the terminal to standard error. */
  readonly note: (text: string) => void
  /** Resolves once standard output has taken every line. @throws {CliError} if it has not taken one. */
  readonly written: () => Promise<void>
}

const colours = { red: 31, green: 32, yellow: 33, grey: 90 } as const

/** A colour of the terminal (ECMA-48). */
export type Colour = keyof typeof colours

export interface AsJson {
  readonly json: boolean
}

/** The value as JSON. JSON itself leaves some control characters as they are, which a terminal would obey. */
export function jsonOf(value: object, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007F-\u009F]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const standardOutput = 1

let lastWrite: Promise<void> = Promise.resolve()
/** The first failure of all writes. */
let failure: CliError | null = null

// Whoever writes learns of a failure from the write itself. Without a listener the runtime would end the process.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

/**
 * True for a file or a device, such as `/dev/full`. There the streams of two runtimes fail: Node takes a part of the text for
 * the whole if the disk becomes full, and Deno answers no write after a failed one.
 */
function isFile(): boolean {
  try {
    const stats = fstatSync(standardOutput)
    return stats.isFile() || (stats.isCharacterDevice() && !process.stdout.isTTY)
  } catch {
    return false
  }
}

function writeFully(text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0;) rest = rest.subarray(writeSync(standardOutput, rest))
}

function writeToStream(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

async function write(text: string): Promise<void> {
  if (failure !== null) throw failure
  try {
    if (isFile()) writeFully(text)
    else await writeToStream(text)
  } catch (cause) {
    failure ??= new CliError(`Cannot write to standard output (${codeOf(cause)})`, { cause })
    throw failure
  }
}

/** Writes to standard output. Resolves once the reader has taken the text. @throws {CliError} */
export function writeResult(text: string): Promise<void> {
  lastWrite = write(text)
  return lastWrite
}

/** Writes to standard error. Nobody can be told of a failure. */
export function writeNote(text: string): void {
  try {
    process.stderr.write(text)
  } catch {
    // Deno throws if the disk is full.
  }
}

async function written(): Promise<void> {
  await lastWrite.catch(() => {})
  if (failure !== null) throw failure
}

/**
 * Resolves to the failure of standard output, or `null`, once everything is written. A reader that has seen enough and has
 * gone, such as `head`, is no failure.
 */
export async function whenWritten(): Promise<CliError | null> {
  await lastWrite.catch(() => {})
  return failure === null || codeOf(failure.cause) === 'EPIPE' ? null : failure
}

/** True for a terminal, unless its user wants no colours (no-color.org). */
function showsColours(): boolean {
  const { NO_COLOR = '', TERM } = process.env
  return process.stdout.isTTY && NO_COLOR === '' && TERM !== 'dumb'
}

function painted(colour: Colour, text: string): string {
  const plain = withoutControls(text)
  return showsColours() ? `\u001B[${colours[colour]}m${plain}\u001B[0m` : plain
}

/** The streams of this process. */
export const processOutput: Output = {
  // Whoever ends the process waits in `whenWritten`.
  line: (text) => void writeResult(`${withoutControls(text)}\n`).catch(() => {}),
  coloured: (colour, text) => void writeResult(`${painted(colour, text)}\n`).catch(() => {}),
  note: (text) => writeNote(`${withoutControls(text)}\n`),
  written,
}
