import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { textOf } from './markdown.ts'

const rows = textOf('docs/security.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (what|-+) /.test(line))
  .map((line) => {
    const [what = '', how = '', tests = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    return { what, how, tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file) }
  })

test('docs/security.md: each protection names the tests that hold it', () => {
  assert.ok(rows.length > 30, `${rows.length} rows`)
  assert.deepEqual(
    rows.filter(({ what, how, tests }) => what === '' || how === '' || tests.length === 0),
    [],
  )
})

test('docs/security.md: every test that it names is there, and holds tests', () => {
  const files = rows.flatMap(({ tests }) => tests)
  const isTest = (file: string): boolean =>
    /^test\/[\w/-]+\.test\.ts$/.test(file) &&
    existsSync(file) &&
    /\b(?:test|it)\(/.test(readFileSync(file, 'utf8'))
  assert.deepEqual(
    files.filter((file) => !isTest(file)),
    [],
  )
})
