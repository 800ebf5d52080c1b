import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createLicenseClient } from '../../src/client/index.ts'
import { fileStore } from '../../src/client/file.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { countRenewals } from './fixtures.ts'

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'heartwood-client-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('fileStore(): writes a file of mode 0600, makes folders, and leaves nothing beside it', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a', 'b', 'license.json')
    const store = fileStore(path)
    assert.equal(await store.read(), null)
    await store.write('one')
    await chmod(path, 0o644)
    await store.write('two')
    assert.equal(await store.read(), 'two')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(join(folder, 'a', 'b')), ['license.json'])
  }))

test('fileStore(): writes in place if nothing can be renamed over the file', () =>
  inFolder(async (folder) => {
    // The name leaves no room for that of a new file beside it, as a mounted file leaves none either.
    const path = join(folder, 'l'.repeat(230))
    await writeFile(path, 'a longer text from before')
    const store = fileStore(path)
    await store.write('one')
    assert.equal(await store.read(), 'one')
    const missing = fileStore(join(folder, 'm'.repeat(230)))
    await assert.rejects(missing.write('one'))
    const server = await createTestServer()
    const { token } = await server.issue()
    await writeFile(path, '')
    const open = async () =>
      createLicenseClient({ ...(await server.clientOptions()), store: fileStore(path) })
    assert.equal((await (await open()).setToken(token)).store, 'kept')
    assert.deepEqual([(await open()).license.state, (await open()).license.store], ['active', 'kept'])
  }))

test('fileStore(): the client says that it cannot read the file', () =>
  inFolder(async (folder) => {
    const options = await (await createTestServer()).clientOptions()
    const { license } = await createLicenseClient({ ...options, store: fileStore(folder) })
    assert.deepEqual([license.state, license.store], ['invalid', 'unavailable'])
    assert.match(license.reason, /cannot be read/)
  }))

test('fileStore(): reads at most 1 MiB, and a token that is entered replaces a longer file', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'license.json')
    const store = fileStore(path)
    const mebibyte = 1024 * 1024
    await writeFile(path, 'é'.repeat(mebibyte / 2))
    assert.equal((await store.read())?.length, mebibyte / 2)
    for (const length of [mebibyte + 1, 100 * mebibyte]) {
      await truncate(path, length)
      await assert.rejects(store.read(), /longer than 1 MiB/)
    }
    const server = await createTestServer()
    const { token } = await server.issue()
    const client = await createLicenseClient({ ...(await server.clientOptions()), store })
    assert.deepEqual([client.license.state, client.license.store], ['invalid', 'unavailable'])
    const { state, store: condition } = await client.setToken(token)
    assert.deepEqual([state, condition, (await stat(path)).size < mebibyte], ['active', 'kept', true])
  }))

test('fileStore(): a read during a write gives the old text or the new, never a part', () =>
  inFolder(async (folder) => {
    const store = fileStore(join(folder, 'license.json'))
    const texts = ['a'.repeat(200_000), 'b'.repeat(200_000)]
    await store.write(texts[0]!)
    const writing = (async () => {
      for (let turn = 0; turn < 20; turn += 1) await store.write(texts[turn % 2]!)
    })()
    for (let turn = 0; turn < 40; turn += 1) assert.ok(texts.includes((await store.read())!))
    await writing
  }))

test('fileStore(): keeps a license over a restart; a damaged file is corrupt', () =>
  inFolder(async (folder) => {
    const server = await createTestServer()
    const { token } = await server.issue()
    const path = join(folder, 'license.json')
    const open = async () =>
      createLicenseClient({ ...(await server.clientOptions()), store: fileStore(path) })
    await (await open()).setToken(token)
    assert.equal((await open()).license.state, 'active')
    const whole = await readFile(path, 'utf8')
    for (const damaged of ['', 'null', '[]', '{}', whole.slice(0, -1), whole.replace('1', '2'), '\u0000']) {
      await writeFile(path, damaged)
      const { license } = await open()
      assert.deepEqual(
        [license.state, license.store, license.verdict],
        ['invalid', 'corrupt', 'block'],
        damaged,
      )
    }
  }))

test('fileStore(): one of eight clients asks the server, and all get the new token', () =>
  inFolder(async (folder) => {
    const server = await createTestServer()
    const { token } = await server.issue()
    const path = join(folder, 'license.json')
    const options = await server.clientOptions()
    const open = () => createLicenseClient({ ...options, store: fileStore(path), token })
    await open()
    const clients = await Promise.all(Array.from({ length: 8 }, open))
    await server.clock.advance(0)
    const licenses = await Promise.all(clients.map((client) => client.refresh()))
    assert.equal(countRenewals(server), 1)
    assert.equal(new Set(licenses.map(({ claims }) => claims?.jti)).size, 1)
  }))

test('fileStore().alone(): excludes other programs, and removes the lock of a dead one', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'license.json')
    const store = fileStore(path)
    const order: string[] = []
    let waiting: Promise<unknown> = Promise.resolve()
    // A wait for a lock keeps no program alive, so this timer does.
    const alive = setInterval(() => undefined, 1_000)
    await store.alone!(async () => {
      waiting = store.alone!(async () => order.push('second'))
      await new Promise((resolve) => setTimeout(resolve, 150))
      order.push('first')
    })
    await waiting
    assert.deepEqual(order, ['first', 'second'])
    await writeFile(`${path}.lock`, '')
    const past = Date.now() / 1000 - 60
    await utimes(`${path}.lock`, past, past)
    await store.alone!(async () => void order.push('third'))
    assert.deepEqual(order, ['first', 'second', 'third'])
    assert.deepEqual(await readdir(folder), [])
    clearInterval(alive)
  }))

test("close(): ends the wait for another program's lock", () =>
  inFolder(async (folder) => {
    const server = await createTestServer()
    const { token } = await server.issue()
    const path = join(folder, 'license.json')
    const client = await createLicenseClient({
      ...(await server.clientOptions()),
      token,
      store: fileStore(path),
    })
    await writeFile(`${path}.lock`, '')
    const asking = client.refresh()
    client.close()
    assert.equal((await asking).state, 'active')
    assert.ok(existsSync(`${path}.lock`), 'it has not waited until the lock was old enough to be taken away')
    assert.equal(countRenewals(server), 0)
  }))

test('fileStore(): the client goes on as unavailable if the folder cannot be written', () =>
  inFolder(async (folder) => {
    const server = await createTestServer()
    const { token } = await server.issue()
    await writeFile(join(folder, 'file'), '')
    const store = fileStore(join(folder, 'file', 'license.json'))
    const client = await createLicenseClient({ ...(await server.clientOptions()), store })
    const license = await client.setToken(token)
    assert.deepEqual([license.state, license.store], ['active', 'unavailable'])
    assert.equal((await client.refresh()).state, 'active')
    assert.equal(countRenewals(server), 1)
  }))

/** The command that runs a program of this folder on this runtime. */
function commandOf(program: string): readonly string[] {
  const path = fileURLToPath(new URL(program, import.meta.url))
  return [execPath, ...('Deno' in globalThis ? ['run', '--allow-all', '--no-check', '--no-lock'] : []), path]
}

test('fileStore(): a disk without room leaves the file as it was, although it could be overwritten in place', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'license.json')
    await fileStore(path).write('one')
    // The system refuses a file of more than one block, as a full disk refuses more data.
    const limited = `trap '' XFSZ; ulimit -f 1; exec "$@"`
    const args = ['-c', limited, 'sh', ...commandOf('full-disk-program.ts'), path, 'two'.repeat(2_000)]
    const { stdout } = await promisify(execFile)('sh', args)
    assert.equal(stdout.trim(), 'EFBIG')
    assert.equal(await readFile(path, 'utf8'), 'one')
    assert.deepEqual(await readdir(folder), ['license.json'])
  }))

/** Runs a program whose license is due for a refresh. A lock in the folder keeps the refresh waiting. */
async function runProgram(path: string, refreshes: boolean): Promise<string> {
  const server = await createTestServer()
  const { token } = await server.issue({ forever: true })
  const { publicKeys } = await server.clientOptions()
  const [runtime, ...args] = commandOf('idle-program.ts')
  const now = server.clock.now() + 2 * 86_400_000
  const options = JSON.stringify({ publicKeys, token, now, path, refreshes })
  const { stdout } = await promisify(execFile)(runtime!, [...args, options], { timeout: 9_000 })
  return stdout.trim()
}

test('createLicenseClient(): keeps no program alive, not even while it waits for a lock', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'license.json')
    assert.equal(await runProgram(path, false), 'unreachable')
    await rm(path)
    await writeFile(`${path}.lock`, '')
    assert.equal(await runProgram(path, false), 'null')
  }))

test('refresh(): keeps a program alive that waits for it', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'license.json')
    await writeFile(`${path}.lock`, '')
    const freed = new Promise((resolve) => setTimeout(resolve, 3_000)).then(() => rm(`${path}.lock`))
    assert.equal(await runProgram(path, true), 'unreachable')
    await freed
  }))
