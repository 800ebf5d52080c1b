import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anchorsOf, textOf } from './markdown.ts'

/** A row of the page. */
interface Row {
  readonly question: string
  readonly thread: string
  readonly short: string
  readonly page: string
  readonly anchor: string
}

const form = /^\| (.+?) +\| \[[^\]]+\]\((\S+)\) +\| (.+?) +\| \[([\w-]+\.md)\]\(\4#([\w-]+)\) +\|$/

const lines = textOf('docs/questions.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (question|-+) /.test(line))
const rows = lines.map((line): Row => {
  const [, question = '', thread = '', short = '', page = '', anchor = ''] = form.exec(line) ?? []
  return { question, thread, short, page, anchor }
})

test('docs/questions.md: has at least forty questions, each asked once', () => {
  assert.ok(rows.length >= 40, `${rows.length} questions`)
  assert.deepEqual(
    rows.filter(({ question }) => !/\?( |$)|\.$/.test(question)),
    [],
  )
  assert.equal(new Set(rows.map(({ question }) => question)).size, rows.length)
})

test('docs/questions.md: each question names a public thread and a short answer', () => {
  const thread = /^https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/(?:issues|pull)\/\d+$/
  assert.deepEqual(
    rows.filter((row) => !thread.test(row.thread) || row.short === ''),
    [],
  )
})

test('docs/questions.md: each answer is a heading that is there', () => {
  assert.deepEqual(
    rows.filter(({ page, anchor }) => page === '' || !anchorsOf(`docs/${page}`).includes(anchor)),
    [],
  )
})
