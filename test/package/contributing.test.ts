import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { run } from './programs.ts'

const pages = ['CONTRIBUTING.md', 'SECURITY.md', 'docs/architecture.md']

/** The paths of a page: inline code with a slash inside, or with the ending of a file. */
function pathsOf(page: string): readonly string[] {
  const codes = readFileSync(page, 'utf8').matchAll(/`([\w.-]+\/[\w./-]*|[\w.-]+\.(?:ts|json|md))`/g)
  return [...codes].map(([, path = '']) => path)
}

/** True for a file or folder of the root or of `src`, and for a subpath of the package. */
function isThere(path: string): boolean {
  return existsSync(path) || existsSync(`src/${path}`) || path.replace('heartwood', '.') in manifest.exports
}

for (const page of pages)
  test(`${page} names files and folders that exist, from the root or from src`, () => {
    assert.deepEqual(
      pathsOf(page).filter((path) => !isThere(path)),
      [],
    )
  })

test('the command for one test in CONTRIBUTING.md runs one test', async () => {
  const [, command = ''] = /^(npx bun test .* -t .*)$/m.exec(readFileSync('CONTRIBUTING.md', 'utf8')) ?? []
  const { stderr } = await run(['bash', '-c', command])
  assert.match(stderr, /^ 1 pass$/m)
})
