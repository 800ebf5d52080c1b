import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { otherMasterKey } from '../support/fixtures.ts'
import { ask, emptyFolder, heartwood, startServer, type Way } from './heartwood.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']
const files = ['heartwood.db', 'heartwood.db-wal', 'heartwood.db-shm', 'heartwood.key']

function bytesOf(cwd: string): Readonly<Record<string, string>> {
  const kept = readdirSync(cwd).filter((name) => !name.endsWith('-shm'))
  return Object.fromEntries(kept.map((name) => [name, readFileSync(join(cwd, name)).toString('base64')]))
}

for (const way of runtimes)
  test(`heartwood serve on ${way}: only the owner can read its files`, async (t) => {
    const cwd = emptyFolder(t)
    const server = await startServer(t, { cwd, way })
    for (const file of files) assert.equal(statSync(join(cwd, file)).mode & 0o777, 0o600, file)
    await server.stop()
    assert.equal(statSync(join(cwd, 'heartwood.db')).mode & 0o777, 0o600)
  })

for (const way of runtimes)
  test(`a wrong master key on ${way}: after a kill, every command leaves database and log unchanged`, async (t) => {
    const cwd = emptyFolder(t)
    const env = { HEARTWOOD_MASTER_KEY: otherMasterKey }
    const server = await startServer(t, { cwd, way })
    await ask(server, '/api-keys', { key: server.key, body: { name: 'Second' } })
    await server.stop('SIGKILL')
    const before = bytesOf(cwd)
    assert.equal('heartwood.db-wal' in before, true, 'the kill left a log')
    for (const command of [['serve', '--port', '0'], ['keys', 'create'], ['migrate'], ['doctor']]) {
      const refused = await heartwood(command, { cwd, way, env })
      assert.equal(refused.code, 1, command[0])
      assert.match(refused.stderr, /^heartwood: (Wrong master key|Problems found in heartwood\.db)[^\n]+\n$/)
      assert.deepEqual(bytesOf(cwd), before, command[0])
    }
    const next = await startServer(t, { cwd, way })
    assert.equal((await ask(next, '/apps', { key: server.key })).status, 200)
    await next.stop()
  })

test('heartwood migrate: a wrong master key migrates no older database', async (t) => {
  const cwd = emptyFolder(t)
  await (await startServer(t, { cwd })).stop()
  const connection = await openConnection(join(cwd, 'heartwood.db'), { readonly: false })
  connection.exec('delete from heartwood_migration')
  connection.close()
  const before = bytesOf(cwd)
  const refused = await heartwood(['migrate'], { cwd, env: { HEARTWOOD_MASTER_KEY: otherMasterKey } })
  assert.equal(refused.stderr, 'heartwood: Wrong master key: it does not open this storage\n')
  assert.deepEqual(bytesOf(cwd), before)
})

test('heartwood serve: writes the last use of API keys before it stops', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd })
  // The first use is written at once, the second a minute later or at the end.
  assert.equal((await ask(server, '/apps', { key: server.key })).status, 200)
  const { stdout } = await heartwood(['keys', 'create'], { cwd })
  assert.equal((await ask(server, '/apps', { key: stdout.trim() })).status, 200)
  await server.stop()
  const listed = await heartwood(['keys', 'list', '--json'], { cwd })
  const keys = JSON.parse(listed.stdout) as readonly { readonly last_used_at: string | null }[]
  assert.equal(keys.length, 2)
  for (const { last_used_at } of keys) assert.notEqual(last_used_at, null)
})

test('HEARTWOOD_CORS_ORIGINS: only the named origins may call', async (t) => {
  const env = { HEARTWOOD_CORS_ORIGINS: 'https://shop.example.com, http://localhost:5173' }
  const server = await startServer(t, { cwd: emptyFolder(t), env })
  const allowed = async (origin: string): Promise<string | null> => {
    const headers = { origin, authorization: `Bearer ${server.key}` }
    const response = await fetch(`${server.url}/api/v1/apps`, { headers })
    return response.headers.get('access-control-allow-origin')
  }
  assert.equal(await allowed('http://localhost:5173'), 'http://localhost:5173')
  assert.equal(await allowed('https://shop.example.com'), 'https://shop.example.com')
  assert.equal(await allowed('https://other.example.com'), null)
  await server.stop()
})
