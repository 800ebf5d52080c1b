import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { run } from './programs.ts'

const pages = ['CONTRIBUTING.md', 'SECURITY.md', 'docs/architecture.md']

/** The paths that a page names: inline code with a slash in it, or with a file extension. */
function pathsOf(page: string): readonly string[] {
  const codes = readFileSync(page, 'utf8').matchAll(/`([\w.-]+\/[\w./-]*|[\w.-]+\.(?:ts|json|md))`/g)
  return [...codes].map(([, path = '']) => path)
}

/** True for a file or folder in the root or in `src`, and for a subpath of the package. */
function exists(path: string): boolean {
  return existsSync(path) || existsSync(`src/${path}`) || path.replace('heartwood', '.') in manifest.exports
}

for (const page of pages)
  test(`${page}: every file and folder that it names exists, in the root or in src`, () => {
    assert.deepEqual(
      pathsOf(page).filter((path) => !exists(path)),
      [],
    )
  })

test('CONTRIBUTING.md: the command for one test runs one test', async () => {
  const [, command = ''] = /^(npx bun test .* -t .*)$/m.exec(readFileSync('CONTRIBUTING.md', 'utf8')) ?? []
  const { stderr } = await run(['sh', '-c', command])
  assert.match(stderr, /^ 1 pass$/m)
})
