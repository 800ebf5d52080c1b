import { Validator } from '@seriousme/openapi-schema-validator'
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openApiText } from '../../src/adapters/openapi/document.ts'
import { emptyFolder, run, runtimes } from './programs.ts'

const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }

/** Writes the document to a file for the linters. Its public address lets them check both kinds of servers. */
async function documentFile(): Promise<string> {
  const file = join(emptyFolder(), 'openapi.json')
  writeFileSync(file, await openApiText('https://licenses.acme.test'))
  return file
}

test('openapi.json: valid by the schema of OpenAPI', async () => {
  const { valid, errors } = await new Validator().validate(
    JSON.parse(await openApiText(null)) as Record<string, unknown>,
  )
  assert.deepEqual(errors ?? [], [])
  assert.equal(valid, true)
})

// The two files of docs/openapi list the exceptions, each with its reason.
test('openapi.json: the recommended rules of Redocly find nothing', async () => {
  const lint = ['node_modules/@redocly/cli/bin/cli.js', 'lint', '--config', 'docs/openapi/redocly.yaml']
  const command = [...runtimes.Node, ...lint, '--format', 'json', await documentFile()]
  const { stdout } = await run(command, { env: quiet })
  const { totals, problems } = JSON.parse(stdout) as { totals: { errors: number }; problems: unknown[] }
  assert.deepEqual([totals.errors, problems], [0, []])
})

test('openapi.json: the rules of Spectral for OpenAPI and those of OWASP find nothing', async () => {
  const lint = ['node_modules/@stoplight/spectral-cli/dist/index.js', 'lint', '--fail-severity', 'hint']
  const ruleset = ['--ruleset', 'docs/openapi/spectral.yaml', '--format', 'text']
  const { stdout } = await run([...runtimes.Node, ...lint, ...ruleset, await documentFile()])
  assert.match(stdout, /No results with a severity of 'hint' or higher found!/)
})

test('Spectral: finds the fault of a broken document', async () => {
  const file = join(emptyFolder(), 'broken.json')
  const document = JSON.parse(await openApiText(null)) as {
    paths: Record<string, { get: { operationId?: string } }>
  }
  delete document.paths['/api/v1/apps']!.get.operationId
  writeFileSync(file, JSON.stringify(document))
  const lint = ['node_modules/@stoplight/spectral-cli/dist/index.js', 'lint', '--fail-severity', 'hint']
  const command = [...runtimes.Node, ...lint, '--ruleset', 'docs/openapi/spectral.yaml', file]
  await assert.rejects(run(command), /operation-operationId/)
})
