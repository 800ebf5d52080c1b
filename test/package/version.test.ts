import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import lock from '../../package-lock.json' with { type: 'json' }
import manifest from '../../package.json' with { type: 'json' }
import { copies } from '../../scripts/version.ts'

for (const [file, pattern] of Object.entries(copies))
  test(`${file}: states the version of package.json, once`, () => {
    const found = readFileSync(file, 'utf8').matchAll(new RegExp(pattern, 'g'))
    assert.deepEqual(
      [...found].map(([version]) => version),
      [manifest.version],
    )
  })

test('package-lock.json: states the version of package.json', () => {
  assert.deepEqual([lock.version, lock.packages[''].version], [manifest.version, manifest.version])
})

test('npm version: commits every file that repeats the version', () => {
  assert.ok(manifest.scripts.version.endsWith(`git add ${Object.keys(copies).join(' ')}`))
})
