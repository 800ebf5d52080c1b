import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import jsr from '../../jsr.json' with { type: 'json' }
import manifest from '../../package.json' with { type: 'json' }
import { version } from '../../src/adapters/version.ts'
import { pages, textOf } from '../documents/markdown.ts'

const { './package.json': manifestFile, './openapi.json': document, ...built } = manifest.exports
/** JSR knows no commands, so the command line is a subpath there. */
const { './cli': commandLine, ...library } = jsr.exports

test('jsr.json: has the version, license and subpaths of package.json', () => {
  assert.equal(manifest.version, jsr.version)
  assert.equal(manifest.version, version)
  assert.equal(manifest.license, jsr.license)
  assert.deepEqual(Object.keys(built), Object.keys(library))
})

test('jsr.json: the subpath of the command line is the source of the command in package.json', () => {
  assert.equal(commandLine.replace('./src/', 'dist/').replace(/\.ts$/, '.js'), manifest.bin.heartwood)
})

test('package.json: every export is built from the source that jsr.json exports', () => {
  const fromSource = Object.entries(library).map(([subpath, source]) => {
    const file = source.replace('./src/', './dist/').replace(/\.ts$/, '')
    return [subpath, { types: `${file}.d.ts`, default: `${file}.js` }]
  })
  assert.deepEqual(built, Object.fromEntries(fromSource))
})

test('package.json: every file that it names exists after a build', () => {
  const files = Object.values(built).flatMap(({ types, default: code }) => [types, code])
  const named = [...files, ...Object.values(manifest.bin), manifestFile, document]
  assert.deepEqual(
    named.filter((file) => !existsSync(file)),
    [],
  )
})

test('README.md and docs: every import of Heartwood names an existing subpath', () => {
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

// If only peerDependencies names a package, Deno publishes its import as a relative path and reports no error.
test('jsr.json: imports the peers in the versions of package.json', () => {
  const peers = Object.entries(manifest.peerDependencies).map(([name, range]) => [
    name,
    `npm:${name}@${range}`,
  ])
  assert.deepEqual(jsr.imports, Object.fromEntries(peers))
})
