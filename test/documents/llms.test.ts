import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { pages, textOf } from './markdown.ts'

const text = textOf('llms.txt')
const [head = '', ...sections] = text.split(/^## /m)

/** The targets of the links of a section. Each line must be a link with a note. */
function linksOf(section: string): readonly string[] {
  const [, ...lines] = section.trim().split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => /^- \[[^\]]+\]\(([^)\s]+)\): \S.*$/.exec(line)?.[1] ?? assert.fail(line))
}

test('llms.txt: has the form of llmstxt.org', () => {
  assert.match(head, /^# Heartwood\n\n> [^\n]+\n\n/)
  assert.doesNotMatch(text, /^###/m)
  assert.equal(sections.at(-1)?.split('\n', 1)[0], 'Optional')
  for (const section of sections) assert.notEqual(linksOf(section).length, 0)
})

test('llms.txt: every link leads to a file that is there', () => {
  assert.deepEqual(
    sections.flatMap(linksOf).filter((target) => !existsSync(target)),
    [],
  )
})

test('llms.txt: leads to every page of docs', () => {
  const linked = sections.flatMap(linksOf)
  const wanted = pages().filter((page) => /^docs\/[^/]+\.md$/.test(page))
  assert.deepEqual(
    wanted.filter((page) => !linked.includes(page)),
    [],
  )
})

test('llms.txt: names every subpath of the package, and no other', () => {
  const named = [...head.matchAll(/`(heartwood(?:\/[\w/-]+)?)`/g)].map(([, path = '']) => path)
  const exported = Object.keys(manifest.exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => subpath.replace(/^\./, 'heartwood'))
  assert.deepEqual([...new Set(named)].toSorted(), exported.toSorted())
})
