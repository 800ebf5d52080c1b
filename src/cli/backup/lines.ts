import { Refusal } from '../refusal.ts'

/** A line and its number, from 1. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** No record that Heartwood writes comes near. */
const longest = 4 * 1024 * 1024

async function* textOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (cause) {
    throw cause instanceof TypeError ? new Refusal('What is read is not UTF-8', { cause }) : cause
  }
}

/** Splits bytes into lines as they come; an empty one behind the last is none. @throws {Refusal} */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0
  let rest = ''
  for await (const text of textOf(chunks)) {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) yield { number: ++number, text: part }
    if (rest.length > longest) throw new Refusal(`Line ${number + 1} is too long`)
  }
  if (rest !== '') yield { number: ++number, text: rest }
}
