import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { emptyFolder, heartwood, heartwoodInto, ways, type Way } from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env } from './seed.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']
const skip = existsSync('/dev/full') ? false : 'this system has no /dev/full'
const secret = /[sp]k_(live|test)_|eyJ/

interface KeyJson {
  readonly id: string
  readonly revoked_at: string | null
}

async function keysIn(cwd: string, env?: Readonly<Record<string, string>>): Promise<readonly KeyJson[]> {
  const { stdout } = await heartwood(['keys', 'list', '--json'], { cwd, ...(env && { env }) })
  return JSON.parse(stdout) as readonly KeyJson[]
}

for (const way of runtimes)
  test(
    `standard output without room on ${way}: a key that nobody has seen is revoked and named`,
    { skip },
    async (t) => {
      const cwd = emptyFolder(t)
      const commands = [
        ['serve', '--port', '0'],
        ['keys', 'create'],
        ['keys', 'create', '--json'],
      ]
      for (const command of commands) {
        const { code, stderr } = await heartwoodInto('full disk', command, { cwd, way })
        assert.equal(code, 1, stderr)
        const [, id] =
          /\nheartwood: Cannot write to standard output \(ENOSPC\), so API key (key_\w+) is revoked: .*\n$/.exec(
            `\n${stderr}`,
          ) ?? []
        const keys = await keysIn(cwd)
        assert.notEqual(keys.find((key) => key.id === id)?.revoked_at ?? null, null, stderr)
        assert.doesNotMatch(stderr, secret)
      }
    },
  )

test('standard output without a reader: a key that nobody has seen is revoked', async (t) => {
  const cwd = emptyFolder(t)
  const { code, stderr } = await heartwoodInto('closed pipe', ['keys', 'create'], { cwd })
  assert.equal(code, 1, stderr)
  for (const { revoked_at } of await keysIn(cwd)) assert.notEqual(revoked_at, null)
})

for (const way of runtimes)
  test(
    `standard output on ${way}: a lost result is a failure in one line, a reader that has gone is none`,
    { skip },
    async (t) => {
      const cwd = emptyFolder(t)
      const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
      await seed(storage, 3)
      await storage.close()
      const license = ['--app', seededApp, '--customer', 'ada@example.com', '--tier', 'pro', '--days', '3']
      const create = ['licenses', 'create', ...license, '--installation', crypto.randomUUID()]
      const line = /(^|\n)heartwood: Cannot write to standard output \(ENOSPC\)[^\n]*\n$/
      for (const command of [
        create,
        ['apps', 'list'],
        ['licenses', 'list', '--app', seededApp, '--json'],
        ['export', '-'],
        ['--help'],
      ]) {
        const full = await heartwoodInto('full disk', command, { cwd, way, env })
        assert.equal(full.code, 1, `${command[0]}: ${full.stderr}`)
        assert.match(full.stderr, line)
        assert.doesNotMatch(full.stderr, secret)
        if (command === create) assert.match(full.stderr, /heartwood licenses get lic_\w+ shows the token/)
      }
      const gone = await heartwoodInto('closed pipe', ['apps', 'list'], { cwd, way, env })
      assert.deepEqual(gone, { code: 0, stderr: '' })
    },
  )

for (const way of runtimes)
  test(
    `standard output on ${way}: a file that takes only a part is a failure`,
    { skip: skip || undefined },
    async (t) => {
      const cwd = emptyFolder(t)
      const [program, ...before] = ways[way]
      const writer = resolve('test/cli/long-line.ts')
      const runArguments = [...before.slice(0, -1), writer]
      // Without a signal, a write beyond the limit takes what fits, as on a full disk.
      const script = 'trap "" XFSZ; ulimit -f 100; exec "$@" > part'
      const { stdout } = await promisify(execFile)(
        'sh',
        ['-c', `${script}; `, 'sh', program, ...runArguments],
        { cwd },
      ).catch((error: { readonly stderr: string }) => ({ stdout: error.stderr }))
      assert.match(stdout, /Cannot write to standard output/)
      assert.notEqual(readFileSync(join(cwd, 'part')).length, 0)
    },
  )
