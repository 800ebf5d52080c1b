import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { emptyFolder, heartwood, startServer } from './heartwood.ts'

test('heartwood secret: prints another 32 bytes in base64 each time, and makes no file', async (t) => {
  const cwd = emptyFolder(t)
  const [one, other] = [await heartwood(['secret'], { cwd }), await heartwood(['secret'], { cwd })]
  for (const { code, stdout, stderr } of [one, other]) {
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^[A-Za-z0-9+/]{43}=\n$/)
    assert.equal(Buffer.from(stdout, 'base64').length, 32)
  }
  assert.notEqual(one.stdout, other.stdout)
  assert.deepEqual(readdirSync(cwd), [])
})

test('heartwood secret: serve takes the key from a file, and the line of --env as a variable', async (t) => {
  const { stdout } = await heartwood(['secret'], { cwd: emptyFolder(t) })
  const line = await heartwood(['secret', '--env'], { cwd: emptyFolder(t) })
  const [name = '', value = ''] = line.stdout.trim().split(/=(.*)/s)
  assert.equal(name, 'HEARTWOOD_MASTER_KEY')
  const file = join(emptyFolder(t), 'master.key')
  writeFileSync(file, stdout, { mode: 0o600 })
  for (const env of [{ [name]: value }, { HEARTWOOD_MASTER_KEY_FILE: file }]) {
    const cwd = emptyFolder(t)
    const server = await startServer(t, { cwd, env })
    assert.equal((await server.stop()).code, 0)
    assert.deepEqual(readdirSync(cwd), ['heartwood.db'])
  }
})

test('heartwood serve on PostgreSQL without a master key: names the command that prints one', async (t) => {
  const args = ['serve', '--database', 'postgres://127.0.0.1:1/name']
  const { code, stderr } = await heartwood(args, { cwd: emptyFolder(t) })
  assert.equal(code, 1)
  assert.match(stderr, /heartwood secret prints one/)
})
