import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorCodes } from '../../src/adapters/http/errors.ts'
import { textOf } from './markdown.ts'

const page = textOf('docs/troubleshooting.md')

/** A heading of a code, with the text below it. */
interface Entry {
  readonly codes: readonly string[]
  readonly text: string
}

/** The entries of a part of the page. */
function entriesOf(part: string): readonly Entry[] {
  const [, rest = ''] = page.split(`\n## ${part}\n`)
  const [section = ''] = rest.split('\n## ')
  return section
    .split('\n### ')
    .slice(1)
    .map((entry) => {
      const [heading = '', ...lines] = entry.split('\n')
      return { codes: heading.split(', '), text: lines.join('\n').trim() }
    })
}

/** The codes of core, from the union that declares them, because a type leaves no list behind. */
function coreCodes(): readonly string[] {
  const [, union = ''] = readFileSync('src/core/errors.ts', 'utf8').split('export type LicensingErrorCode =')
  return [...union.split('\n\n', 1)[0]!.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
}

test('docs/troubleshooting.md: has each error code of the API once, in its order, with its status and what to do', () => {
  const entries = entriesOf('Error codes')
  assert.deepEqual(
    entries.flatMap(({ codes }) => codes),
    Object.keys(errorCodes),
  )
  for (const { codes, text } of entries) {
    const { status } = errorCodes[codes[0] as keyof typeof errorCodes]
    assert.ok(text.startsWith(`${status}. `), `${codes[0]} begins with its status, ${status}`)
    assert.ok(text.length > 40, `${codes[0]} says more than its status`)
  }
})

test('docs/troubleshooting.md: has each code that core, the client and the SDK add', () => {
  const [, sdk = ''] = textOf('docs/sdk.md').split('three of its own')
  const ofSdk = [...sdk.matchAll(/^\| `(\w+)`/gm)].map(([, code = '']) => code)
  assert.equal(ofSdk.length, 3)
  const ofClient = ['offline_too_long', 'version_not_covered', 'unknown_key', 'foreign_token']
  const client =
    readFileSync('src/client/assessment.ts', 'utf8') + readFileSync('src/core/token/decision.ts', 'utf8')
  for (const code of ofClient) assert.ok(client.includes(`'${code}'`), code)
  const added = [...coreCodes().filter((code) => !(code in errorCodes)), ...ofClient, ...ofSdk]
  assert.deepEqual(
    entriesOf('Codes that no response has').flatMap(({ codes }) => codes),
    added,
  )
})

test('docs/troubleshooting.md: quotes the lines of a failed start as the sources have them', () => {
  const [, part = ''] = page.split('\n## A server that does not start\n')
  const rows = [...part.split('\n## ')[0]!.matchAll(/^\| `([^`]+)`/gm)].map(([, line = '']) => line)
  const files = ['core/runtime/master-key', 'cli/master-key', 'cli/listener', 'storage/schema']
  const sources = files.map((file) => readFileSync(`src/${file}.ts`, 'utf8')).join('\n')
  assert.notEqual(rows.length, 0)
  const unknown = rows.filter((line) => !line.split('…').every((text) => sources.includes(text.trim())))
  assert.deepEqual(unknown, [])
})
