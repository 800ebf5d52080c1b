import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ask, emptyFolder, heartwood, startServer, type Ended } from './heartwood.ts'

const otherKey = Buffer.alloc(32, 7).toString('base64')

interface Started {
  readonly cwd: string
  readonly database: string
  readonly keyFile: string
  /** The first API key. */
  readonly apiKey: string
}

async function startOnce(t: TestContext): Promise<Started> {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd })
  await server.stop()
  const [database, keyFile] = [join(cwd, 'heartwood.db'), join(cwd, 'heartwood.key')]
  return { cwd, database, keyFile, apiKey: server.key ?? '' }
}

/** The hash of every file in a folder, except key files. */
function bytesOf(cwd: string): Readonly<Record<string, string>> {
  const files = readdirSync(cwd).filter((name) => !name.endsWith('.key'))
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(cwd, name)))
      .digest('hex')
  return Object.fromEntries(files.map((name) => [name, hash(name)]))
}

function assertOneLine({ code, stdout, stderr }: Ended, wanted: RegExp): void {
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^heartwood: [^\n]+\n$/)
  assert.match(stderr, wanted)
}

test('a wrong master key in the key file: every command fails in one line and changes no byte', async (t) => {
  const { cwd, keyFile } = await startOnce(t)
  writeFileSync(keyFile, `${otherKey}\n`)
  const before = bytesOf(cwd)
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd }), /Wrong master key/)
  assert.deepEqual(bytesOf(cwd), before)
  assertOneLine(await heartwood(['keys', 'create'], { cwd }), /Wrong master key/)
  assert.deepEqual(bytesOf(cwd), before)
})

test('a wrong master key in the environment: serve fails in one line and changes no byte', async (t) => {
  const { cwd } = await startOnce(t)
  const before = bytesOf(cwd)
  const env = { HEARTWOOD_MASTER_KEY: otherKey }
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd, env }), /Wrong master key/)
  assert.deepEqual(bytesOf(cwd), before)
})

test('a missing master key: serve fails and creates no key for an existing database', async (t) => {
  const { cwd, keyFile } = await startOnce(t)
  rmSync(keyFile)
  const before = bytesOf(cwd)
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd }), /master key of heartwood\.db is missing/)
  assert.deepEqual(bytesOf(cwd), before)
  assert.equal(existsSync(keyFile), false)
})

test('a missing master key: serve does not open the database', async (t) => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, 'heartwood.db'), 'no database at all')
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd }), /master key of heartwood\.db is missing/)
})

const malformed = {
  short: Buffer.alloc(31, 7).toString('base64'),
  long: Buffer.alloc(33, 7).toString('base64'),
  'in hexadecimal': Buffer.alloc(32, 7).toString('hex'),
  'all zero': Buffer.alloc(32).toString('base64'),
  'cut by a newline': otherKey.replace(/^.{10}/, '$&\n'),
  'not base64': 'correct horse battery staple, correct horse!',
}

for (const [fault, text] of Object.entries(malformed))
  test(`a master key that is ${fault}: the error describes a valid key and does not repeat the value`, async (t) => {
    const cwd = emptyFolder(t)
    const wanted = /32 random bytes.*base64/
    const byEnvironment = await heartwood(['serve'], { cwd, env: { HEARTWOOD_MASTER_KEY: text } })
    assertOneLine(byEnvironment, wanted)
    writeFileSync(join(cwd, 'heartwood.key'), text, { mode: 0o600 })
    const byFile = await heartwood(['serve'], { cwd })
    assertOneLine(byFile, wanted)
    for (const { stderr } of [byEnvironment, byFile]) assert.equal(stderr.includes(text.slice(0, 12)), false)
    assert.deepEqual(readdirSync(cwd), ['heartwood.key'])
  })

test('an empty master key: serve fails and does not create one', async (t) => {
  const cwd = emptyFolder(t)
  assertOneLine(await heartwood(['serve'], { cwd, env: { HEARTWOOD_MASTER_KEY: '' } }), /set, but empty/)
  assert.deepEqual(readdirSync(cwd), [])
})

test('a key file without its database: serve refuses, and starts anew only if the key file is named', async (t) => {
  const { cwd, database, keyFile } = await startOnce(t)
  const key = readFileSync(keyFile, 'utf8')
  for (const lose of [() => rmSync(database), () => writeFileSync(database, '')]) {
    lose()
    const left = readdirSync(cwd)
    for (const command of [['serve', '--port', '0'], ['keys', 'create'], ['migrate']])
      assertOneLine(
        await heartwood(command, { cwd }),
        /There is a master key heartwood\.key, but no database heartwood\.db: put the database back.*HEARTWOOD_MASTER_KEY_FILE=heartwood\.key/,
      )
    assert.deepEqual(readdirSync(cwd), left)
  }
  assert.equal(readFileSync(keyFile, 'utf8'), key)
  const env = { HEARTWOOD_MASTER_KEY_FILE: 'heartwood.key' }
  assert.notEqual((await startServer(t, { cwd, env })).key, null)
})

test('a database without its file: serve does not create one beside an old log', async (t) => {
  const { cwd, database, apiKey } = await startOnce(t)
  const server = await startServer(t, { cwd })
  await ask(server, '/api-keys', { key: apiKey, body: { name: 'Second' } })
  await server.stop('SIGKILL')
  rmSync(database)
  assertOneLine(
    await heartwood(['serve', '--port', '0'], { cwd }),
    /missing or empty, but its log \(-wal\) is there/,
  )
  assert.equal(existsSync(database), false)
})

test('a folder in place of a database: every command says so, and creates no key', async (t) => {
  const cwd = emptyFolder(t)
  mkdirSync(join(cwd, 'heartwood.db'))
  for (const env of [{}, { HEARTWOOD_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }])
    for (const command of ['migrate', 'doctor'])
      assertOneLine(await heartwood([command], { cwd, env }), /The database heartwood\.db is a folder/)
  assert.deepEqual(readdirSync(cwd), ['heartwood.db'])
})

test('an empty file in place of a database: a first start fills it', async (t) => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, 'heartwood.db'), '')
  assert.notEqual((await startServer(t, { cwd })).key, null)
})

test('an empty key file: the error says that it is empty', async (t) => {
  const { cwd, keyFile } = await startOnce(t)
  writeFileSync(keyFile, '\n')
  assertOneLine(
    await heartwood(['serve'], { cwd }),
    /Master key file heartwood\.key is empty: put the key back/,
  )
})

test('a key file that is a link to nowhere: serve neither replaces the link nor writes through it', async (t) => {
  const cwd = emptyFolder(t)
  symlinkSync(join(cwd, 'unmounted.key'), join(cwd, 'heartwood.key'))
  assertOneLine(await heartwood(['serve'], { cwd }), /Master key file heartwood\.key: there is no such file/)
  assert.deepEqual(readdirSync(cwd), ['heartwood.key'])
  assert.equal(readlinkSync(join(cwd, 'heartwood.key')), join(cwd, 'unmounted.key'))
})

test('HEARTWOOD_MASTER_KEY_FILE: names the key file, which may be UTF-16 with a byte order mark and any newlines', async (t) => {
  const { cwd, keyFile, apiKey } = await startOnce(t)
  const moved = join(cwd, 'elsewhere.key')
  renameSync(keyFile, moved)
  writeFileSync(moved, Buffer.from(`\uFEFF${readFileSync(moved, 'utf8').trim()}\r\n\r\n`, 'utf16le'))
  const server = await startServer(t, { cwd, env: { HEARTWOOD_MASTER_KEY_FILE: moved } })
  assert.equal((await ask(server, '/apps', { key: apiKey })).status, 200)
  await server.stop()
  const env = { HEARTWOOD_MASTER_KEY_FILE: join(cwd, 'nowhere.key') }
  assertOneLine(await heartwood(['serve'], { cwd, env }), /there is no such file/)
  assert.equal(existsSync(env.HEARTWOOD_MASTER_KEY_FILE), false)
})

test('several master keys: any of them opens the database', async (t) => {
  const { cwd, keyFile, apiKey } = await startOnce(t)
  const first = readFileSync(keyFile, 'utf8').trim()
  const env = { HEARTWOOD_MASTER_KEY: `${otherKey},${first}` }
  const server = await startServer(t, { cwd, env })
  assert.equal((await ask(server, '/apps', { key: apiKey })).status, 200)
  await server.stop()
})

test('a key file that other users can read: serve logs a warning', async (t) => {
  const { cwd, keyFile } = await startOnce(t)
  chmodSync(keyFile, 0o644)
  const { stderr } = await (await startServer(t, { cwd })).stop()
  assert.match(stderr, /Other users can read master key file heartwood\.key/)
})

test('a credential of systemd, which shows its reader as a group: serve logs no warning', async (t) => {
  const folder = emptyFolder(t)
  const file = join(folder, 'master.key')
  writeFileSync(file, otherKey)
  for (const [mode, isExposed] of [
    [0o440, false],
    [0o444, true],
  ] as const) {
    chmodSync(file, mode)
    const env = { HEARTWOOD_MASTER_KEY_FILE: file, CREDENTIALS_DIRECTORY: folder }
    const { stderr } = await (await startServer(t, { cwd: emptyFolder(t), env })).stop()
    assert.equal(stderr.includes('Other users can read'), isExposed)
  }
})
