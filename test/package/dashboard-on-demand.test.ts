import assert from 'node:assert/strict'
import { cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { emptyFolder, run, runtimes } from './programs.ts'

const program = `
import { createLicensing } from './dist/core/index.js'
import { licensingServer } from './dist/adapters/elysia.js'
import { memoryStorage } from './dist/storage/memory.js'

const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
const options = { standalone: true, dashboard: true, clientAddress: () => null }
const app = licensingServer(licensing, options)
const statuses = []
for (const path of ['/api/health', '/api/v1/apps/x/licenses/verify?jti=x', '/dashboard/session', '/dashboard'])
  statuses.push((await app.fetch(new Request('http://localhost' + path))).status)
console.log(JSON.stringify(statuses))
process.exit(0)
`

/** The statuses of a server whose dashboard is on, from a copy of the build. */
async function statusesOf(hasPage: boolean, command: readonly string[]): Promise<readonly number[]> {
  const folder = emptyFolder()
  cpSync('dist', join(folder, 'dist'), { recursive: true })
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'serve.js'), program)
  if (!hasPage) rmSync(join(folder, 'dist/adapters/generated/dashboard.js'))
  const { stdout } = await run([...command, 'serve.js'], { cwd: folder })
  return JSON.parse(stdout) as readonly number[]
}

for (const [name, command] of Object.entries(runtimes))
  test(`${name}: a server with a dashboard loads the page when somebody looks, and not before`, async () => {
    assert.deepEqual(await statusesOf(true, command), [200, 404, 200, 200])
    // Without its files a server starts and verifies as well, so it has not touched them.
    assert.deepEqual(await statusesOf(false, command), [200, 404, 200, 503])
  })
