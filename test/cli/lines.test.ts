import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf, type Line } from '../../src/cli/backup/lines.ts'

/** Reads the lines of a text that arrives in chunks of this many bytes. */
async function linesIn(text: string, chunkLength: number): Promise<readonly Line[]> {
  const bytes = new TextEncoder().encode(text)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkLength) yield bytes.subarray(at, at + chunkLength)
  }
  return Array.fromAsync(linesOf(chunks()))
}

test('linesOf(): splits at newlines alone, wherever a chunk ends', async () => {
  const text = '{"a":"ü\u2028\u{1F600}\u2029"}\r\n\n{"b":\r1}\nlast'
  const expected = ['{"a":"ü\u2028\u{1F600}\u2029"}\r', '', '{"b":\r1}', 'last']
  for (const chunkLength of [1, 2, 3, 7, 1_000])
    assert.deepEqual(
      await linesIn(text, chunkLength),
      expected.map((line, at) => ({ number: at + 1, text: line })),
    )
})

test('linesOf(): a newline at the end begins no new line', async () => {
  assert.deepEqual(await linesIn('one\n', 2), [{ number: 1, text: 'one' }])
  assert.deepEqual(await linesIn('', 2), [])
})

test('linesOf(): accepts a line of 4 MiB, and refuses a longer one before its end', async () => {
  const longest = 'x'.repeat(4 * 1024 * 1024)
  assert.equal((await linesIn(longest, 65_536))[0]?.text.length, longest.length)
  await assert.rejects(linesIn(`ok\n${longest}x`, 65_536), /^CliError: Line 2 is too long$/)
})
