import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { emptyFolder, sameRuntime, startServer, ways } from '../cli/heartwood.ts'
import { lacking } from '../support/left-out.ts'
import { blocksOf } from './markdown.ts'

const commands = blocksOf('docs/http-api.md').filter(
  ({ language, marker }) => language === 'sh' && marker === '',
)

/** The response that the page shows for the second paste. */
const conflict = blocksOf('docs/http-api.md').find(({ code }) => code.includes('"conflict"'))

/** Has each curl write its status and its errors to a file, and runs our sources instead of the package from npm. */
const prelude = `set -uo pipefail
curl() { command curl "$@" -w '\\n%{stderr}%{http_code}\\n' 2>>statuses; }
npx() { shift; ${ways[sameRuntime].join(' ')} "$@"; }
`

/** Pastes the commands, one after the other. */
async function paste(url: string, cwd: string): Promise<{ output: string; statuses: readonly number[] }> {
  const statuses = join(cwd, 'statuses')
  writeFileSync(statuses, '')
  const script = commands.map(({ code }) => code.replace('http://localhost:4000', url)).join('')
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', prelude + script], { cwd })
  const codes = readFileSync(statuses, 'utf8').match(/^\d+$/gm) ?? []
  return { output: stdout + stderr, statuses: codes.map(Number) }
}

const skip = lacking('the curl commands of docs/http-api.md', ['curl', 'bash'])

test(
  'the curl commands of docs/http-api.md, pasted one after the other, do what the page says, twice',
  { skip },
  async (t) => {
    const cwd = emptyFolder(t)
    const server = await startServer(t, { cwd, way: sameRuntime })
    const licensing = Array<number>(13).fill(200)
    const seats = [200, 201, 200, 200, 200]
    const diagnosesAndLists = [200, 200, 200, 200, 200]
    const rest = [...diagnosesAndLists, 201, 404]
    const first = await paste(server.url, cwd)
    const sold = [201, 201, 201, 201, 200, 201, ...licensing]
    assert.deepEqual(first.statuses, [...sold, 201, ...seats, ...rest])
    const expected = [
      /"features":\["api_access","webhooks"\]/,
      /"code":"version_not_covered"/,
      /-----BEGIN PUBLIC KEY-----/,
      /"valid":true/,
      /"licenses_resigned":1/,
      /"valid":false,"status":"revoked"/,
      /"license_key":\{"id":"lkey_\w+","status":"active","expires_at":null,"updates_until":null,"seats":2,"seats_used":1\}/,
      /"name":"Laptop","installation_id_last_four":"4f50","activated_at":"[^"]+","seen_on":"[-\d]+","this":true/,
      /"released":true,"releases_left":11/,
      /"reason":"The license key is active"/,
    ]
    for (const text of expected) assert.match(first.output, text)
    const second = await paste(server.url, cwd)
    const known = [409, 409, 200, 409, 200, 200, ...licensing]
    assert.deepEqual(second.statuses, [...known, 200, ...seats, ...rest])
    assert.ok(second.output.includes(JSON.stringify(JSON.parse(conflict!.code))))
    assert.match(second.output, /Installation already has an active license/)
  },
)

test('the curl commands of docs/http-api.md say in words what is wrong', { skip }, async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, way: sameRuntime })
  const [functions = '', create = ''] = commands.map(({ code }) => code)
  const bad = functions.replace(/KEY=.*/, 'KEY=sk_live_wrong') + create
  const run = async (script: string): Promise<string> => {
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', `${script}true\n`], { cwd })
    return stdout + stderr
  }
  assert.match(
    await run(bad.replace('http://localhost:4000', server.url)),
    /"message":"Invalid or missing API key"/,
  )
  await server.stop()
  assert.match(await run(bad.replace('http://localhost:4000', server.url)), /curl: \(7\) Failed to connect/)
})
