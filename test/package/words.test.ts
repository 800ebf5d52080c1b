import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commentBlocks, programFiles } from './comments.ts'

/** A comment that begins like this has no subject, or puts it last. CONTRIBUTING.md has the rules of language. */
const withoutSubject = /^(What|How|Whether|Where|Which|Who|Whom|Whose|Of|None of|Nothing that)\b/

/** Comments that may begin so, as `file: text`. Give the reason beside each. */
const exceptions: readonly string[] = []

for (const folder of ['src', 'bench', 'scripts', 'examples', 'test'])
  test(`${folder}: every comment begins with its subject`, () => {
    const found = programFiles(folder)
      .flatMap((file) => commentBlocks(file))
      .filter(({ file, text }) => withoutSubject.test(text) && !exceptions.includes(`${file}: ${text}`))
    assert.deepEqual(
      found.map(({ file, line, text }) => `${file}:${line} ${text}`),
      [],
    )
  })

test('commentBlocks(): joins adjacent line comments, and reads only comments', () => {
  const source = `#!/usr/bin/env bun
    /**
     * How a block
     * comment reads.
     */
    const url = 'https://example.com' // Beside code.
    // Two lines,
    // one block.
    const text = \`// What a string holds\`
    const pattern = /\\/* What a pattern holds *\\//

    // Another block.
    /* Of its own. */`
  assert.deepEqual(
    commentBlocks('sample.ts', source).map(({ line, text }) => `${line} ${text}`),
    [
      '2 How a block comment reads.',
      '6 Beside code.',
      '7 Two lines, one block.',
      '12 Another block.',
      '13 Of its own.',
    ],
  )
})
