import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { emptyFolder, heartwood, sameRuntime } from '../cli/heartwood.ts'
import { textOf } from './markdown.ts'

const page = textOf('docs/cli.md')

const rows = (pattern: RegExp): ReadonlySet<string> =>
  new Set([...page.matchAll(pattern)].map(([, name = '']) => name))

test('docs/cli.md names every variable that the sources read, and no other', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  )
  const read = sources.flatMap(
    (path) => readFileSync(`src/${path}`, 'utf8').match(/HEARTWOOD_[A-Z_]+/g) ?? [],
  )
  assert.deepEqual([...rows(/^\| `(HEARTWOOD_\w+)`/gm)].toSorted(), [...new Set(read)].toSorted())
})

test('docs/cli.md names every command of heartwood --help, and no other', async (t) => {
  const { stdout } = await heartwood(['--help'], { cwd: emptyFolder(t), way: sameRuntime })
  const [, listed = ''] = stdout.split('\nCOMMANDS\n')
  const commands = [...listed.matchAll(/^ {2}([\w-]+) /gm)].map(([, name = '']) => name)
  assert.notEqual(commands.length, 0)
  assert.deepEqual([...rows(/^\| `heartwood (\w[\w-]*)/gm)].toSorted(), commands.toSorted())
})
