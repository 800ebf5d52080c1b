import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isQuick, notQuick, tally, testFiles } from '../../scripts/test.ts'
import { isOnEachRuntime, onlyOnBun } from '../../scripts/test/only-on-bun.ts'

const files = ['test/core/a.test.ts', 'test/core/b.test.ts']
const report = `
  <testsuite name="./test/core/a.test.ts">
    <testcase name="one"></testcase>
    <testcase name="two"><failure message="no"/></testcase>
    <testcase name="three"><skipped/></testcase>
  </testsuite>
  <testcase name="four &lt;failure" file="/home/me/test/core/b.test.ts"/>`

test('tally(): counts passed and failed tests, and leaves out skipped ones', () => {
  assert.deepEqual(tally(files, report, 1), { passed: 2, failed: 1 })
})

test('tally(): a file missing from the report is a failure', () => {
  assert.deepEqual(tally([...files, 'test/core/c.test.ts'], report, 0), { passed: 2, failed: 2 })
})

test('tally(): a file missing from the report is none if tests were left out, but an empty report stays one', () => {
  assert.deepEqual(tally([...files, 'test/core/c.test.ts'], report, 0, true), { passed: 2, failed: 1 })
  assert.deepEqual(tally(files, '', 0, true), { passed: 0, failed: 2 })
})

test('tally(): a bad exit code without a failed test is a failure', () => {
  assert.deepEqual(tally(files, report.replace('<failure', '<ok'), 1), { passed: 3, failed: 1 })
  assert.deepEqual(tally(files, report.replace('<failure', '<ok'), null), { passed: 3, failed: 1 })
  assert.deepEqual(tally(files, report.replace('<failure', '<ok'), 0), { passed: 3, failed: 0 })
})

test('tally(): an empty report is a failure, and so is a runner that did not start', () => {
  assert.deepEqual(tally(files, '', 0), { passed: 0, failed: 2 })
  assert.deepEqual(tally([], '', null), { passed: 0, failed: 1 })
})

for (const [name, list] of Object.entries({ notQuick, onlyOnBun }))
  test(`${name}: lists only files and folders that exist`, () => {
    const unused = Object.keys(list).filter((path) => !testFiles().some((file) => file.startsWith(path)))
    assert.deepEqual(unused, [])
  })

test('onlyOnBun: keeps everything on each runtime that meets the runtime itself', () => {
  const meetsRuntime =
    /^test\/(core|sdk|webhooks)\/|^test\/storage\/(?!postgres-plans)|^test\/client\/lifecycle|^test\/documents\/(apps|license-regeneration)\./
  assert.deepEqual(
    testFiles().filter((file) => meetsRuntime.test(file) && !isOnEachRuntime(file)),
    [],
  )
})

test('isQuick(): false for every test that starts PostgreSQL', () => {
  const startsPostgres = (file: string): boolean =>
    /import .*\b(openTestDatabase|startServer)\b.*\/postgres-/.test(readFileSync(file, 'utf8'))
  assert.deepEqual(
    testFiles().filter((file) => isQuick(file) && startsPostgres(file)),
    [],
  )
})
