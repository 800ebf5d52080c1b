import { CliError } from '../errors.ts'

/** A line and its number, from 1. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** Far longer than any record that Heartwood writes. */
const maxLength = 4 * 1024 * 1024

async function* decode(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (cause) {
    throw cause instanceof TypeError ? new CliError('The input is not UTF-8', { cause }) : cause
  }
}

/**
 * Splits bytes into lines as they arrive. A newline at the end begins no new line.
 *
 * `node:readline` does not fit. On Bun and Deno it also splits at U+2028, which the strings of a record may hold. It has
 * no limit for the length of a line, and it accepts bytes that are not UTF-8.
 *
 * @throws {CliError} for a line that is too long, and for bytes that are not UTF-8.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0
  let rest = ''
  for await (const text of decode(chunks)) {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) yield { number: ++number, text: part }
    if (rest.length > maxLength) throw new CliError(`Line ${number + 1} is too long`)
  }
  if (rest !== '') yield { number: ++number, text: rest }
}
