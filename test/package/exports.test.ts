import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import jsr from '../../jsr.json' with { type: 'json' }
import manifest from '../../package.json' with { type: 'json' }
import { version } from '../../src/adapters/version.ts'
import { pages, textOf } from '../documents/markdown.ts'

const { './package.json': manifestFile, ...built } = manifest.exports

test('npm and JSR offer the same version under the same subpaths', () => {
  assert.equal(manifest.version, jsr.version)
  assert.equal(manifest.version, version)
  assert.equal(manifest.license, jsr.license)
  assert.deepEqual(Object.keys(built), Object.keys(jsr.exports))
})

test('what npm offers is built from what JSR offers', () => {
  const fromSource = Object.entries(jsr.exports).map(([subpath, source]) => {
    const file = source.replace('./src/', './dist/').replace(/\.ts$/, '')
    return [subpath, { types: `${file}.d.ts`, default: `${file}.js` }]
  })
  assert.deepEqual(built, Object.fromEntries(fromSource))
})

test('every file that package.json names is there after a build', () => {
  const files = Object.values(built).flatMap(({ types, default: code }) => [types, code])
  const named = [...files, ...Object.values(manifest.bin), manifestFile]
  assert.deepEqual(
    named.filter((file) => !existsSync(file)),
    [],
  )
})

test('README.md and docs import existing subpaths', () => {
  const imports = pages().flatMap((page) => [
    ...textOf(page).matchAll(
      /(?:from|import\(|import) ?['"](?:jsr:)?(?:@heartwood\/)?heartwood(?:@[^/'"]+)?([^'"]*)['"]/g,
    ),
  ])
  const subpaths = imports.map(([, subpath]) => `.${subpath}`)
  assert.ok(subpaths.length > 10)
  assert.deepEqual(
    subpaths.filter((subpath) => !(subpath in built)),
    [],
  )
})

// Deno publishes a package that it knows from peerDependencies alone as a relative path, and reports no error.
test('JSR is told the versions of the peers', () => {
  const peers = Object.entries(manifest.peerDependencies).map(([name, range]) => [
    name,
    `npm:${name}@${range}`,
  ])
  assert.deepEqual(jsr.imports, Object.fromEntries(peers))
})
