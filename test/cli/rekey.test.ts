import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { masterKey as oldKey, otherMasterKey as newKey } from '../support/fixtures.ts'
import { ask, emptyFolder, heartwood, startServer, ways, type Ended } from './heartwood.ts'
import { seed, seededApp, seedEnvironment } from './seed.ts'

const both = `${newKey},${oldKey}`
const under = (key: string): Record<string, string> => ({ ...seedEnvironment, HEARTWOOD_MASTER_KEY: key })

/** A database under the old key, with this number of stored responses. */
async function seeded(t: TestContext, responses = 3): Promise<string> {
  const cwd = emptyFolder(t)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(storage, 20)
  const sealer = await createSealer(oldKey)
  await storage.transaction(async (tx) => {
    for (let at = 0; at < responses; at++) {
      const [scope, key] = ['key_1', `k${at}`]
      const answer = sealer.seal(new TextEncoder().encode('{}'), `kept-answer ${scope} ${key}`)
      await tx.insertStoredResponse({ scope, key, fingerprint: 'f', answer, expiresAt: 9_999_999_999 }, 0)
    }
  })
  await storage.close()
  return cwd
}

async function tokens(cwd: string, key: string): Promise<readonly (string | null)[]> {
  const args = ['licenses', 'list', '--app', seededApp, '--status', 'active', '--limit', '3', '--json']
  const { stdout } = await heartwood(args, { cwd, env: under(key) })
  const ids = (JSON.parse(stdout) as { readonly id: string }[]).map(({ id }) => id)
  const get = (id: string): Promise<Ended> =>
    heartwood(['licenses', 'get', id, '--app', seededApp, '--json'], { cwd, env: under(key) })
  const shown = await Promise.all(ids.map(get))
  return shown.map(({ stdout }) => (JSON.parse(stdout) as { token: string }).token)
}

async function doctor(cwd: string, key: string): Promise<number | null> {
  const { code, stdout, stderr } = await heartwood(['doctor'], { cwd, env: under(key) })
  assert.doesNotMatch(stdout + stderr, /PRIVATE KEY|v1\.\w+\./)
  return code
}

test('heartwood rekey: afterwards the new master key alone opens everything, and tokens are unchanged', async (t) => {
  const cwd = await seeded(t)
  const before = await tokens(cwd, oldKey)
  const first = await heartwood(['rekey', '--json'], { cwd, env: under(both) })
  assert.deepEqual(JSON.parse(first.stdout), {
    token_secrets: 2,
    signing_keys: 2,
    webhooks: 1,
    stored_responses: 3,
    audit_chain: 0,
    key_check: true,
  })
  assert.deepEqual([await doctor(cwd, newKey), await doctor(cwd, oldKey)], [0, 1])
  assert.deepEqual(await tokens(cwd, newKey), before)
  const again = await heartwood(['rekey'], { cwd, env: under(both) })
  assert.deepEqual([again.code, again.stderr], [0, ''])
  assert.match(again.stdout, /^Every secret is already under the first master key\./)
})

test('heartwood rekey: reads the two keys from the key file', async (t) => {
  const cwd = await seeded(t)
  writeFileSync(join(cwd, 'heartwood.key'), `${both}\n`, { mode: 0o600 })
  const { code, stdout } = await heartwood(['rekey'], { cwd, env: { HEARTWOOD_LOG: 'off' } })
  assert.deepEqual(
    [code, stdout],
    [
      0,
      'Resealed 2 signing keys, 2 token secrets, 1 webhooks, 3 stored responses. Now the first master key alone opens everything.\n',
    ],
  )
  assert.equal(await doctor(cwd, newKey), 0)
})

const refused: Readonly<Record<string, readonly [key: string, message: RegExp]>> = {
  'one key': [oldKey, /^heartwood: A rekey needs two master keys[^\n]+\n$/],
  'two wrong keys': [
    `${newKey},${Buffer.alloc(32, 7).toString('base64')}`,
    /^heartwood: Wrong master key[^\n]+\n$/,
  ],
}

for (const [keys, [key, message]] of Object.entries(refused))
  test(`heartwood rekey: ${keys} fail and change nothing`, async (t) => {
    const cwd = await seeded(t)
    const { code, stdout, stderr } = await heartwood(['rekey'], { cwd, env: under(key) })
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, message)
    assert.equal(await doctor(cwd, oldKey), 0)
  })

test('heartwood rekey: with the old key first it changes nothing and says what to check', async (t) => {
  const cwd = await seeded(t)
  const { code, stdout } = await heartwood(['rekey'], { cwd, env: under(`${oldKey},${newKey}`) })
  assert.equal(code, 0)
  assert.match(stdout, /If it is the old one, put the new one before it\.\n$/)
  assert.deepEqual([await doctor(cwd, oldKey), await doctor(cwd, newKey)], [0, 1])
})

test('heartwood import: with both keys the database needs the old key until a rekey', async (t) => {
  const cwd = await seeded(t)
  await heartwood(['export', 'all.ndjson'], { cwd })
  const imported = { cwd, env: { ...under(both), HEARTWOOD_DATABASE: 'imported.db' } }
  assert.equal((await heartwood(['import', 'all.ndjson'], imported)).code, 0)
  const withNewKey = { cwd, env: { ...under(newKey), HEARTWOOD_DATABASE: 'imported.db' } }
  assert.equal((await heartwood(['doctor'], withNewKey)).code, 1)
  assert.match((await heartwood(['apps', 'list'], withNewKey)).stderr, /^heartwood: Wrong master key/)
  assert.equal((await heartwood(['rekey'], imported)).code, 0)
  assert.equal((await heartwood(['doctor'], withNewKey)).code, 0)
})

test('heartwood rekey: creates no database', async (t) => {
  const cwd = emptyFolder(t)
  const { code, stderr } = await heartwood(['rekey'], { cwd, env: under(both) })
  assert.equal(code, 1)
  assert.match(stderr, /^heartwood: There is no database heartwood\.db/)
})

test('heartwood rekey: a server goes on meanwhile and seals under the new key', async (t) => {
  const cwd = await seeded(t, 2_000)
  const env = under(both)
  const { stdout: key } = await heartwood(['keys', 'create'], { cwd, env })
  const server = await startServer(t, { cwd, env })
  const asker = { key: key.trim() }
  const running = heartwood(['rekey'], { cwd, env })
  const work = { isOver: false }
  void running.then(() => (work.isOver = true))
  const statuses = new Set<number>()
  for (let at = 0; !work.isOver || at < 3; at++) {
    const path = `/apps/${seededApp}/tiers`
    statuses.add((await ask(server, path, { ...asker, body: { name: 'T', slug: `t_${at}` } })).status)
    statuses.add((await ask(server, `/apps/${seededApp}/licenses?include=token`, asker)).status)
  }
  assert.equal((await running).code, 0)
  assert.deepEqual([...statuses].toSorted(), [200, 201])
  await server.stop()
  assert.equal(await doctor(cwd, newKey), 0)
})

/** The prefix of every text that is sealed under a key. */
async function markOf(key: string): Promise<string> {
  const [version, id] = (await createSealer(key)).seal(new Uint8Array(1), '').split('.')
  return `${version}.${id}.`
}

test('heartwood rekey: leaves no text under the old key in the files', async (t) => {
  const cwd = await seeded(t, 500)
  const bytes = (): string =>
    readdirSync(cwd)
      .map((name) => readFileSync(join(cwd, name), 'latin1'))
      .join('')
  const [oldMark, newMark] = [await markOf(oldKey), await markOf(newKey)]
  assert.deepEqual([bytes().includes(oldMark), bytes().includes(newMark)], [true, false])
  assert.equal((await heartwood(['rekey'], { cwd, env: under(both) })).code, 0)
  assert.deepEqual([bytes().includes(oldMark), bytes().includes(newMark)], [false, true])
})

/** Counts the stored responses that are no longer under the old key, while the command runs. */
async function openCounter(
  cwd: string,
): Promise<{ readonly count: () => number; readonly close: () => void }> {
  const connection = await openConnection(join(cwd, 'heartwood.db'), { readonly: true })
  const query = `select count(*) as count from heartwood_kept_answer where answer not like '${await markOf(oldKey)}%'`
  return {
    count: () => connection.first<{ readonly count: number }>(query, [])!.count,
    close: () => connection.close(),
  }
}

/** Starts a rekey and kills it after this number of responses. Resolves to true if the kill came before its end. */
async function killAt(cwd: string, responses: number): Promise<boolean> {
  const [program, ...source] = ways.Bun
  const rekeying = spawn(program, [...source, 'rekey'], { cwd, env: { ...process.env, ...under(both) } })
  const ended = once(rekeying, 'close')
  const { count, close } = await openCounter(cwd)
  while (rekeying.exitCode === null && count() < responses) await setTimeout(2)
  close()
  rekeying.kill('SIGKILL')
  await ended
  return rekeying.exitCode === null
}

test('heartwood rekey: killed in the middle, both keys open everything, and the next rekey completes it', async (t) => {
  const cwd = await seeded(t, 6_000)
  const before = await tokens(cwd, oldKey)
  const killed: boolean[] = []
  for (const responses of [1, 2_000, 4_000]) {
    killed.push(await killAt(cwd, responses))
    assert.equal(await doctor(cwd, both), 0)
  }
  assert.equal(killed.includes(true), true)
  assert.equal((await heartwood(['rekey'], { cwd, env: under(both) })).code, 0)
  assert.deepEqual([await doctor(cwd, newKey), await doctor(cwd, oldKey)], [0, 1])
  assert.deepEqual(await tokens(cwd, newKey), before)
})
