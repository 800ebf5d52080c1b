import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import manifest from '../../package.json' with { type: 'json' }
import { beginRequest } from '../cli/begin-request.ts'
import { ask, emptyFolder, startServer, type RunningServer } from '../cli/heartwood.ts'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { masterKey } from '../support/fixtures.ts'
import { executable, problem } from './executable.ts'
import { run } from './programs.ts'

let file: string
let postgres: TestDatabase | undefined

before(async () => {
  file = await executable()
  postgres = await openTestDatabase()
})

after(() => postgres?.drop())

/** Starts it without a PATH, so that it finds neither Node nor Bun. */
function start(
  t: TestContext,
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  return startServer(t, { cwd, env: { PATH: '', HEARTWOOD_LOG: 'json', ...env }, command: [file, 'serve'] })
}

async function statusOf({ url }: RunningServer, path: string): Promise<number> {
  const response = await fetch(url + path)
  await response.arrayBuffer()
  return response.status
}

/** The addresses of the files that a page names. */
async function filesOf({ url }: RunningServer, page: string): Promise<readonly string[]> {
  const text = await (await fetch(url + page)).text()
  const names = [...text.matchAll(/(?:src|href)="([^":]+)"/g)].map(([, name]) => `/${name}`)
  assert.ok(names.length >= 2, page)
  return names
}

test('executable, in an empty folder: makes its database and key, and serves the API', async (t) => {
  const cwd = emptyFolder(t)
  const server = await start(t, cwd)
  const app = { name: 'Desk', slug: 'desk' }
  assert.equal((await ask(server, '/apps', { key: server.key, body: app })).status, 201)
  const { code, stderr } = await server.stop()
  assert.equal(code, 0)
  assert.doesNotMatch(stderr, problem)
  assert.deepEqual(readdirSync(cwd).toSorted(), ['heartwood.db', 'heartwood.key'])
  const again = await start(t, cwd)
  assert.equal(again.key, null)
  assert.equal(await statusOf(again, '/api/v1/apps/desk/jwks.json'), 200)
})

test('executable, in an empty folder: serves the dashboard, Swagger UI, the OpenAPI document and metrics', async (t) => {
  const server = await start(t, emptyFolder(t), { HEARTWOOD_METRICS: 'on' })
  const pages = ['/dashboard', '/swagger']
  const files = (await Promise.all(pages.map((page) => filesOf(server, page)))).flat()
  for (const path of [...pages, ...files, '/swagger/json', '/metrics'])
    assert.equal(await statusOf(server, path), 200, path)
})

test('executable on PostgreSQL: migrates it, and serves the API', async (t) => {
  if (postgres === undefined) return t.skip(noPostgres)
  const cwd = emptyFolder(t)
  const env = { HEARTWOOD_DATABASE: await postgres.nextSchema(), HEARTWOOD_MASTER_KEY: masterKey }
  const server = await start(t, cwd, env)
  assert.equal((await ask(server, '/apps', { key: server.key })).status, 200)
  assert.equal((await server.stop()).code, 0)
  assert.deepEqual(readdirSync(cwd), [])
})

test('executable: SIGTERM lets an open request finish and exits with 0', async (t) => {
  const server = await start(t, emptyFolder(t))
  const finish = await beginRequest(server, '/api-keys', '{"type": "sk", "mode": "live"}')
  await setTimeout(300)
  const stopping = server.stop()
  await setTimeout(300)
  assert.match(await finish(), /^HTTP\/1\.1 201 /)
  assert.equal((await stopping).code, 0)
  await assert.rejects(fetch(`${server.url}/api/health`))
})

test('executable: a folder with .env and bunfig.toml changes nothing', async (t) => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, '.env'), 'HEARTWOOD_DATABASE=other.db\n')
  writeFileSync(join(cwd, 'bunfig.toml'), 'preload = ["./preload.ts"]\n')
  writeFileSync(join(cwd, 'preload.ts'), "await Bun.write('preloaded', '')\n")
  await (await start(t, cwd)).stop()
  assert.deepEqual(
    ['heartwood.db', 'other.db', 'preloaded'].filter((name) => existsSync(join(cwd, name))),
    ['heartwood.db'],
  )
})

test('executable: --version is that of the package', async () => {
  assert.equal((await run([file, '--version'])).stdout, `${manifest.version}\n`)
})

test('executable: brings the licence of each package in it', () => {
  const text = readFileSync(join(dirname(file), 'LICENSES.txt'), 'utf8')
  const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  assert.deepEqual(
    packages.filter((name) => !text.includes(`\n${name} `)),
    [],
  )
  for (const part of ['Copyright 2024 Bloomberg Finance L.P.', 'END OF TERMS AND CONDITIONS'])
    assert.ok(text.includes(part), part)
})

test('scripts/try-executable.mjs: passes for the executable, and fails for another program', async () => {
  const { stdout } = await run(['node', 'scripts/try-executable.mjs', file])
  assert.match(stdout, /^Heartwood \S+ at http:\/\/127\.0\.0\.1:\d+ is healthy\n$/)
  await assert.rejects(run(['node', 'scripts/try-executable.mjs', '/bin/true']), /ended before it listened/)
})
