import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { emptyFolder, heartwood, ways, type Way } from './heartwood.ts'
import { seed, seededApp, seedEnvironment } from './seed.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']

/** Sequences that clear the screen, in the forms of 7 and 8 bits, and the ends of lines that would forge a row. */
const hostile = 'Evil\u001B[2J\u009B2J\u0007\u007F\r\nrow'

/** Everything that a terminal obeys, except the end of a line. */
const control = /[^\P{Cc}\n]/u

async function hostileDatabase(cwd: string): Promise<string> {
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  const licensing = await seed(storage, 3)
  const { data } = await licensing.licenses.list(seededApp)
  const [license] = data
  await licensing.apps.update(seededApp, { name: hostile, description: hostile })
  await licensing.apiKeys.create({ name: hostile })
  await licensing.licenses.revoke(seededApp, license!.id, { reason: hostile })
  await storage.close()
  return license!.id
}

test('heartwood: no list, detail, error or log line passes a control character on to the terminal', async (t) => {
  const cwd = emptyFolder(t)
  const id = await hostileDatabase(cwd)
  const env = { ...seedEnvironment, HEARTWOOD_LOG: 'pretty' }
  const app = ['--app', seededApp]
  const commands = [
    ['apps', 'list'],
    ['apps', 'get', seededApp],
    ['apps', 'delete', seededApp],
    ['apps', 'get', hostile],
    ['apps', 'create', hostile],
    ['keys', 'list'],
    ['keys', 'revoke', hostile],
    ['keys', hostile],
    ['licenses', 'list', ...app],
    ['licenses', 'get', id, ...app],
    ['licenses', 'get', hostile, ...app],
    ['licenses', 'list', '--app', hostile],
    ['licenses', 'list', ...app, '--limit', hostile],
    ['serve', '--host', hostile],
    ['export', join('nowhere', hostile)],
    ['import', hostile],
    ['doctor', '--database', hostile],
    ['verify', hostile, '--public-key', hostile],
    [`--${hostile}`],
  ]
  for (const command of commands) {
    const { stdout, stderr } = await heartwood(command, { cwd, env })
    assert.notEqual(stdout + stderr, '')
    assert.doesNotMatch(stdout + stderr, control, command.join(' '))
    assert.doesNotMatch(stdout, /^row/m, `${command.join(' ')}: a forged row`)
  }
})

test('heartwood --json: JSON passes no control character on, and keeps every one', async (t) => {
  const cwd = emptyFolder(t)
  const id = await hostileDatabase(cwd)
  const app = ['--app', seededApp]
  for (const command of [
    ['apps', 'list'],
    ['apps', 'get', seededApp],
    ['keys', 'list'],
    ['licenses', 'list', ...app],
    ['licenses', 'get', id, ...app],
  ]) {
    const { stdout } = await heartwood([...command, '--json'], { cwd, env: seedEnvironment })
    assert.doesNotMatch(stdout, control, command.join(' '))
    assert.equal(
      JSON.stringify(JSON.parse(stdout)).includes(JSON.stringify(hostile)),
      true,
      command.join(' '),
    )
  }
})

test('heartwood: a warning of the log names a hostile file without its control characters', async (t) => {
  const cwd = emptyFolder(t)
  const keyFile = 'Evil\u009B2J.key'
  writeFileSync(join(cwd, keyFile), Buffer.alloc(32, 7).toString('base64'), { mode: 0o644 })
  mkdirSync(join(cwd, 'Evil\u009B2J'))
  for (const HEARTWOOD_LOG of ['pretty', 'json']) {
    const env = { HEARTWOOD_LOG }
    const database = join('Evil\u009B2J', 'lic.db')
    writeFileSync(join(cwd, 'Evil\u009B2J', 'lic.key'), Buffer.alloc(32, 7).toString('base64'), {
      mode: 0o644,
    })
    const { stderr } = await heartwood(['rekey', '--database', database], { cwd, env })
    assert.doesNotMatch(stderr, control)
  }
})

const password = 'hunter2'
const quoted = `hun"ter2`

const malformed = [
  `postgres://user:${encodeURIComponent(quoted)}@127.0.0.1:1/name`,
  `postgresql://user:pass/${password}@127.0.0.1:1/name`,
  `postgres://user:pass#${password}@127.0.0.1:1/name`,
  `postgres:user:${password}@127.0.0.1/name`,
  `"postgres://user:${password}@127.0.0.1/name"`,
  `psql postgres://user:${password}@127.0.0.1/name`,
  `mysql://user:${password}@127.0.0.1/name`,
]

/** Answers each connection with an error that repeats the address with its password. */
async function talkativeServer(t: { after(work: () => void): void }): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      const text = `postgres://user:${password}@host refused`
      const fields = Buffer.from(`SFATAL\0VFATAL\0CXX000\0M${text}\0\0`)
      const length = Buffer.alloc(4)
      length.writeInt32BE(fields.length + 4)
      socket.end(Buffer.concat([Buffer.from('E'), length, fields]))
    })
  })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

for (const way of runtimes)
  test(`heartwood on ${way}: no message or log line shows the password of a database address`, async (t) => {
    const cwd = emptyFolder(t)
    const port = await talkativeServer(t)
    const addresses = [
      `postgres://user:${password}@127.0.0.1:${port}/name`,
      `postgres://user:${password}@127.0.0.1:1/name`,
      `postgres://user:${password}@127.0.0.1:99999/name`,
      ...(way === 'Bun' ? malformed : []),
    ]
    for (const address of addresses) {
      const env = { ...seedEnvironment, HEARTWOOD_LOG: 'json', HEARTWOOD_DATABASE: address }
      const { code, stdout, stderr } = await heartwood(['apps', 'list'], { cwd, env, way })
      assert.equal(code, 1, address)
      assert.doesNotMatch(stdout + stderr, /hunter2|hun(%22|")ter2/, address)
    }
    const [address = ''] = addresses
    for (const command of [
      ['apps', 'list', '--database', address],
      ['apps', 'list', address],
      ['apps', 'list', '--limit', address],
      ['apps', address],
    ]) {
      const { code, stdout, stderr } = await heartwood(command, { cwd, env: seedEnvironment, way })
      assert.notEqual(code, 0)
      assert.doesNotMatch(stdout + stderr, /hunter2/, command.join(' '))
    }
  })

for (const way of runtimes)
  for (const format of ['json', 'pretty'])
    test(`the ${format} log on ${way}: hides whatever looks like a secret, and keeps each entry on its line`, async () => {
      const [program, ...before] = ways[way]
      const run = [...before.slice(0, -1), resolve('test/cli/log-secrets.ts'), format]
      const { stderr } = await promisify(execFile)(program, run)
      assert.doesNotMatch(stderr, /canary/)
      assert.doesNotMatch(stderr, control)
      const lines = stderr.split('\n').filter((line) => line.includes('visible'))
      assert.equal(lines.filter((line) => line.includes('[redacted]')).length >= 12, true, stderr)
      if (format === 'json') for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line)
    })
