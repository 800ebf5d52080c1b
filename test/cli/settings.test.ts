import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { ask, emptyFolder, heartwood, startServer, ways, type Ended, type Way } from './heartwood.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']
const masterKey = Buffer.alloc(32, 7).toString('base64')
const otherKey = Buffer.alloc(32, 8).toString('base64')

/** Everything that a file with Windows line ends, an editor or a template leaves around a value. */
const around = (value: string): string => `\uFEFF \t${value} \r\n`

const settings: Readonly<Record<string, string>> = {
  HEARTWOOD_DATABASE: 'lic.db',
  HEARTWOOD_ISSUER: 'https://license.example.com',
  HEARTWOOD_LOG: 'off',
  HEARTWOOD_SIGNING: 'all',
  HEARTWOOD_RATE_LIMITS: 'off',
  HEARTWOOD_PRIVATE_WEBHOOKS: 'allow',
  HEARTWOOD_WEBHOOK_QUEUE_LIMIT: '1000',
  HEARTWOOD_PUBLIC_URL: 'https://licenses.example',
  HEARTWOOD_TRUSTED_PROXIES: '127.0.0.1',
  HEARTWOOD_CORS_ORIGINS: 'https://shop.example.com',
  HEARTWOOD_METRICS: 'on',
  HOST: '127.0.0.1',
}

const withMargins = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, around(value)]))

test('heartwood serve: white space and byte order marks around any variable mean nothing', async (t) => {
  const cwd = emptyFolder(t)
  const env = { ...withMargins, HEARTWOOD_MASTER_KEY: around(`${masterKey},\n${otherKey}`) }
  const server = await startServer(t, { cwd, env })
  assert.equal((await fetch(`${server.url}/metrics`)).status, 200)
  const app = await ask(server, '/apps', { key: server.key, body: { name: 'Desk', slug: 'desk' } })
  assert.equal(app.status, 201)
  const { stderr } = await server.stop()
  assert.equal(stderr, '')
  assert.deepEqual(readdirSync(cwd), ['lic.db'])
  const same = { HEARTWOOD_DATABASE: 'lic.db', HEARTWOOD_MASTER_KEY: masterKey }
  const shown = await heartwood(['apps', 'get', 'desk'], { cwd, env: same })
  assert.match(shown.stdout, /^issuer +https:\/\/license\.example\.com$/m)
})

test('heartwood: white space and byte order marks around any flag mean nothing', async (t) => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, 'named.key'), masterKey, { mode: 0o600 })
  const env = { HEARTWOOD_MASTER_KEY_FILE: around('named.key'), PORT: around('1') }
  const flags = ['--database', around('lic.db'), '--host', around('127.0.0.1')]
  await (await startServer(t, { cwd, env }, flags)).stop()
  const database = ['--database', around('lic.db')]
  for (const command of [
    ['apps', 'create', around('desk'), '--name', 'Desk'],
    ['apps', 'list', '--limit', around('1')],
    ['keys', 'create', '--expires', around('2099-01-31T00:00:00Z')],
    ['export', around('backup.ndjson')],
  ]) {
    const { code, stderr } = await heartwood([...command, ...database], { cwd, env })
    assert.equal(code, 0, `${command.join(' ')}: ${stderr}`)
  }
  assert.deepEqual(readdirSync(cwd).toSorted(), ['backup.ndjson', 'lic.db', 'named.key'])
})

const refused: Readonly<Record<string, (value: string) => string>> = {
  'a control character': (value) => `${value.slice(0, 2)}\u001B${value.slice(2)}`,
  'quotation marks': (value) => `"${value}"`,
}

for (const [fault, change] of Object.entries(refused))
  test(`heartwood serve: a variable with ${fault} is refused by name, without its value`, async (t) => {
    const cwd = emptyFolder(t)
    const address = 'postgres://user:hunter2@localhost/licenses'
    const all = {
      ...settings,
      HEARTWOOD_DATABASE: address,
      HEARTWOOD_MASTER_KEY_FILE: 'file.key',
      PORT: '4000',
    }
    for (const [name, value] of Object.entries(all)) {
      const { code, stdout, stderr } = await heartwood(['serve'], { cwd, env: { [name]: change(value) } })
      assert.deepEqual([code, stdout], [1, ''], name)
      assert.match(stderr, new RegExp(`^heartwood: ${name} [^\\n]+${fault}[^\\n]*\\n$`))
      assert.doesNotMatch(stderr, /hunter2/)
    }
    assert.deepEqual(readdirSync(cwd), [])
  })

for (const way of runtimes)
  test(`heartwood serve on ${way}: a HOST that a shell has set is named if the server cannot listen on it`, async (t) => {
    const env = { HOST: 'my-machine.invalid' }
    const { code, stderr } = await heartwood(['serve'], { cwd: emptyFolder(t), env, way })
    assert.equal(code, 1)
    assert.match(
      stderr,
      /^heartwood: Cannot listen on my-machine\.invalid port 4000: [^\n]*unset HOST, or pass --host/m,
    )
  })

/** Runs the built command line on Node, from a folder of its own. */
function runBuilt(
  main: string,
  args: readonly string[],
  { cwd, env = {}, options = [] }: { cwd: string; env?: object; options?: readonly string[] },
): Promise<Ended> {
  const [node] = ways['Node, as built']
  return new Promise((done) => {
    execFile(
      node,
      [...options, main, ...args],
      { cwd, env: { ...process.env, ...env } },
      (error, stdout, stderr) => done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

test('heartwood on a Node that is too old: says so in one line and creates nothing', async (t) => {
  const cwd = emptyFolder(t)
  const pretend =
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.5" } })'
  const options = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]
  const { code, stdout, stderr } = await runBuilt(resolve('dist/cli/main.js'), ['serve'], { cwd, options })
  assert.deepEqual([code, stdout], [1, ''])
  assert.equal(stderr, 'heartwood: Node 20.19.5 is too old: Heartwood needs Node 24 or later, Bun or Deno\n')
  assert.deepEqual(readdirSync(cwd), [])
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } }
  assert.equal(engines.node, '>=24')
})

test('heartwood without the package postgres: a PostgreSQL address fails in one line and creates nothing', async (t) => {
  const folder = emptyFolder(t)
  const cwd = join(folder, 'work')
  mkdirSync(cwd)
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync('node_modules'))
    if (name !== 'postgres') symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
  cpSync('dist', join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  const env = {
    HEARTWOOD_DATABASE: 'postgres://user:hunter2@127.0.0.1:1/name',
    HEARTWOOD_MASTER_KEY: masterKey,
  }
  for (const command of [
    ['serve'],
    ['keys', 'create'],
    ['migrate'],
    ['apps', 'list'],
    ['doctor'],
    ['export', 'all.ndjson'],
  ]) {
    const { code, stdout, stderr } = await runBuilt(join(folder, 'dist/cli/main.js'), command, { cwd, env })
    assert.deepEqual([code, stdout], [1, ''], command[0])
    assert.equal(stderr, 'heartwood: PostgreSQL needs the package "postgres" beside heartwood\n')
  }
  assert.deepEqual(readdirSync(cwd), [])
})
