import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ask, emptyFolder, heartwood, startServer, type Ended } from './heartwood.ts'

const otherKey = Buffer.alloc(32, 7).toString('base64')

interface Made {
  readonly cwd: string
  readonly database: string
  readonly keyFile: string
  /** The first API key. */
  readonly apiKey: string
}

async function madeOnce(t: TestContext): Promise<Made> {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd })
  await server.stop()
  const [database, keyFile] = [join(cwd, 'heartwood.db'), join(cwd, 'heartwood.key')]
  return { cwd, database, keyFile, apiKey: server.key ?? '' }
}

/** Every file of a folder but the key files, by its bytes. */
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

test('a wrong master key stops the start in one line and leaves the bytes as they were', async (t) => {
  const { cwd, keyFile } = await madeOnce(t)
  writeFileSync(keyFile, `${otherKey}\n`)
  const before = bytesOf(cwd)
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd }), /Wrong master key/)
  assert.deepEqual(bytesOf(cwd), before)
  assertOneLine(await heartwood(['keys', 'create'], { cwd }), /Wrong master key/)
  assert.deepEqual(bytesOf(cwd), before)
})

test('a wrong master key in the environment stops the start as well', async (t) => {
  const { cwd } = await madeOnce(t)
  const before = bytesOf(cwd)
  const env = { HEARTWOOD_MASTER_KEY: otherKey }
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd, env }), /Wrong master key/)
  assert.deepEqual(bytesOf(cwd), before)
})

test('a missing master key stops the start: none is ever made for a database that is there', async (t) => {
  const { cwd, keyFile } = await madeOnce(t)
  rmSync(keyFile)
  const before = bytesOf(cwd)
  assertOneLine(await heartwood(['serve', '--port', '0'], { cwd }), /master key of heartwood\.db is missing/)
  assert.deepEqual(bytesOf(cwd), before)
  assert.equal(existsSync(keyFile), false)
})

test('a missing master key means that the database is not even opened', async (t) => {
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
  'followed by two newlines': `${otherKey}\n\n`,
  'no base64': 'correct horse battery staple, correct horse!',
}

for (const [what, text] of Object.entries(malformed))
  test(`a master key that is ${what} is refused by what is wanted, not by its value`, async (t) => {
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

test('an empty master key is a mistake upstream, not none', async (t) => {
  const cwd = emptyFolder(t)
  assertOneLine(await heartwood(['serve'], { cwd, env: { HEARTWOOD_MASTER_KEY: '' } }), /set, but empty/)
  assert.deepEqual(readdirSync(cwd), [])
})

test('a key file without a database is used', async (t) => {
  const cwd = emptyFolder(t)
  const keyFile = join(cwd, 'heartwood.key')
  writeFileSync(keyFile, otherKey, { mode: 0o600 })
  await (await startServer(t, { cwd })).stop()
  assert.equal(readFileSync(keyFile, 'utf8'), otherKey)
  rmSync(keyFile)
  await (await startServer(t, { cwd, env: { HEARTWOOD_MASTER_KEY: otherKey } })).stop()
})

test('the environment may name the key file, with a line end of any kind', async (t) => {
  const { cwd, keyFile, apiKey } = await madeOnce(t)
  const moved = join(cwd, 'elsewhere.key')
  renameSync(keyFile, moved)
  writeFileSync(moved, readFileSync(moved, 'utf8').trim() + '\r\n')
  const server = await startServer(t, { cwd, env: { HEARTWOOD_MASTER_KEY_FILE: moved } })
  assert.equal((await ask(server, '/apps', { key: apiKey })).status, 200)
  await server.stop()
  const env = { HEARTWOOD_MASTER_KEY_FILE: join(cwd, 'nowhere.key') }
  assertOneLine(await heartwood(['serve'], { cwd, env }), /there is no such file/)
  assert.equal(existsSync(env.HEARTWOOD_MASTER_KEY_FILE), false)
})

test('of several master keys any opens the database', async (t) => {
  const { cwd, keyFile, apiKey } = await madeOnce(t)
  const first = readFileSync(keyFile, 'utf8').trim()
  const env = { HEARTWOOD_MASTER_KEY: `${otherKey},${first}` }
  const server = await startServer(t, { cwd, env })
  assert.equal((await ask(server, '/apps', { key: apiKey })).status, 200)
  await server.stop()
})

test('a key file that others can read is warned of', async (t) => {
  const { cwd, keyFile } = await madeOnce(t)
  chmodSync(keyFile, 0o644)
  const { stderr } = await (await startServer(t, { cwd })).stop()
  assert.match(stderr, /heartwood\.key can be read by others/)
})
