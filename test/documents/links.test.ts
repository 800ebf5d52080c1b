import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { anchorsOf, blocksOf, linksOf, pages, textOf } from './markdown.ts'

test('every link in the repository leads to a file that is there', () => {
  const dead = pages()
    .flatMap(linksOf)
    .filter(({ target }) => !existsSync(target))
  assert.deepEqual(dead, [])
})

test('every link to a heading leads to a heading that is there', () => {
  const links = pages()
    .flatMap(linksOf)
    .filter(({ anchor }) => anchor !== '')
  assert.deepEqual(
    links.filter(({ target, anchor }) => !anchorsOf(target).includes(anchor)),
    [],
  )
})

test('every page is at most two clicks away from the README', () => {
  const linked = (from: readonly string[]): readonly string[] =>
    from.filter((page) => pages().includes(page)).flatMap((page) => linksOf(page).map(({ target }) => target))
  const first = linked(['README.md'])
  const reached = new Set(['README.md', ...first, ...linked(first)])
  assert.deepEqual(
    pages().filter((page) => !reached.has(page)),
    [],
  )
})

test('every page begins with words for its reader, before its first part', () => {
  const beginning = (page: string): string =>
    textOf(page).split(/^## /m, 1)[0]!.split('\n').slice(1).join('').trim()
  const ours = pages().filter((page) => /^docs\/[^/]+\.md$/.test(page))
  assert.notEqual(ours.length, 0)
  assert.deepEqual(
    ours.filter((page) => !/^[\w`[*]/.test(beginning(page))),
    [],
  )
})

test('every npm script that a page names is there', () => {
  const named = pages().flatMap((page) =>
    [...textOf(page).matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g)].map(
      ([, run, short]) => run ?? short ?? '',
    ),
  )
  assert.notEqual(named.length, 0)
  assert.deepEqual(
    named.filter((script) => !(script in manifest.scripts)),
    [],
  )
})

test('the shell blocks hold no comments, which Zsh refuses at its prompt', () => {
  const blocks = pages().flatMap((page) => blocksOf(page))
  assert.deepEqual(
    blocks.filter(({ language, code }) => language === 'sh' && /(^|\s)#/m.test(code)),
    [],
  )
})

test('blocksOf() finds language, heading, line and marker', () => {
  const text =
    '# Page\n\n## Part\n\n<!-- not run: why -->\n\n```sh\nls\n```\n\ntext\n\n```ts\n# no heading\n```\n'
  const at = { page: 'a.md', heading: 'Part' }
  assert.deepEqual(blocksOf('a.md', text), [
    { ...at, line: 7, language: 'sh', code: 'ls\n', marker: 'not run: why' },
    { ...at, line: 13, language: 'ts', code: '# no heading\n', marker: '' },
  ])
  assert.throws(() => blocksOf('a.md', '```sh\n'), /without an end/)
})
