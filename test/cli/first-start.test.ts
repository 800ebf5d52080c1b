import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ask, emptyFolder, heartwood, spawnHeartwood, startServer, ways, type Way } from './heartwood.ts'

for (const way of Object.keys(ways) as Way[])
  test(`heartwood serve on ${way}: the first start creates database, key and API key; the second keeps them`, async (t) => {
    const cwd = emptyFolder(t)
    const first = await startServer(t, { cwd, way })
    const { key } = first
    assert.match(key ?? '', /^sk_live_[0-9A-Za-z]{36}$/)
    assert.equal((await ask(first, '/apps')).status, 401)
    const created = await ask(first, '/apps', { key, body: { name: 'My App', slug: 'my-app' } })
    assert.equal(created.status, 201)
    const stopped = await first.stop()
    assert.equal(stopped.code, 0)
    assert.equal(stopped.stdout.split('sk_live_').length, 2, 'prints the key once')
    assert.equal(stopped.stderr.includes('sk_live_'), false)
    assert.deepEqual(readdirSync(cwd).toSorted(), ['heartwood.db', 'heartwood.key'])

    const second = await startServer(t, { cwd, way })
    assert.equal(second.key, null)
    const apps = await ask(second, '/apps', { key })
    assert.equal(((await apps.json()) as { data: { slug: string }[] }).data[0]?.slug, 'my-app')
    assert.equal((await second.stop('SIGINT')).code, 0)
  })

test('heartwood serve: the master key file holds 32 random bytes in base64, readable by its owner only', async (t) => {
  const cwd = emptyFolder(t)
  await (await startServer(t, { cwd })).stop()
  const file = join(cwd, 'heartwood.key')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(Buffer.from(readFileSync(file, 'utf8'), 'base64').length, 32)
})

test('heartwood serve: creates the key file beside the database in any folder', async (t) => {
  const cwd = emptyFolder(t)
  const elsewhere = emptyFolder(t)
  await (await startServer(t, { cwd }, ['--database', join(elsewhere, 'licences.sqlite')])).stop()
  assert.deepEqual(readdirSync(cwd), [])
  assert.deepEqual(readdirSync(elsewhere).toSorted(), ['licences.key', 'licences.sqlite'])
})

test('heartwood serve: creates no key file if the environment holds a master key', async (t) => {
  const cwd = emptyFolder(t)
  const env = { HEARTWOOD_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }
  const server = await startServer(t, { cwd, env })
  assert.notEqual(server.key, null)
  await server.stop()
  assert.deepEqual(readdirSync(cwd), ['heartwood.db'])
})

test('heartwood serve: HEARTWOOD_ISSUER is the issuer of new apps', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, env: { HEARTWOOD_ISSUER: 'https://license.example.com' } })
  const { key } = server
  await ask(server, '/apps', { key, body: { name: 'My App', slug: 'my-app' } })
  await ask(server, '/apps/my-app/tiers', { key, body: { name: 'Pro', slug: 'pro' } })
  const customer = await ask(server, '/apps/my-app/customers', { key, body: { email: 'ada@example.com' } })
  const { data } = (await customer.json()) as { data: { id: string } }
  const license = {
    installation_id: crypto.randomUUID(),
    customer_id: data.id,
    tier_id: 'pro',
    forever: true,
  }
  const response = await ask(server, '/apps/my-app/licenses', { key, body: license })
  const { token } = ((await response.json()) as { data: { token: string } }).data
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  assert.equal(claims.iss, 'https://license.example.com')
  await server.stop()
})

const quiet = { HEARTWOOD_LOG: 'off' }

async function assertWhole(cwd: string): Promise<void> {
  assert.deepEqual(readdirSync(cwd).toSorted(), ['heartwood.db', 'heartwood.key'])
  const checked = await heartwood(['doctor'], { cwd, env: quiet })
  assert.deepEqual([checked.code, checked.stderr], [0, ''])
}

test('40 first starts at once: every one succeeds, and they share one master key', async (t) => {
  const cwd = emptyFolder(t)
  const starts = Array.from({ length: 40 }, () => heartwood(['keys', 'create'], { cwd, env: quiet }))
  const ended = await Promise.all(starts)
  for (const { code, stderr } of ended) assert.equal(code, 0, stderr)
  assert.equal(new Set(ended.map(({ stdout }) => stdout)).size, 40)
  assert.equal(ended.filter(({ stderr }) => stderr.includes('Created the master key')).length, 1)
  await assertWhole(cwd)
})

/** 300 by hand: `HEARTWOOD_TEST_KILLS=300 bun test test/cli/first-start.test.ts -t killed`. */
const kills = Number(process.env['HEARTWOOD_TEST_KILLS'] ?? 12)

test(`a first start that is killed at a random point, ${kills} times: the next start finishes it`, async (t) => {
  const seen = new Map<string, number>()
  for (let round = 0; round < kills; round++) {
    const cwd = emptyFolder(t)
    const start = spawnHeartwood(['migrate'], { cwd, env: quiet })
    const ended = once(start, 'close')
    while (readdirSync(cwd).length === 0 && start.exitCode === null) await setTimeout(0)
    await setTimeout(Math.random() ** 3 * 60)
    start.kill('SIGKILL')
    await ended
    const left = readdirSync(cwd)
      .map((name) => (name.startsWith('.') ? 'draft' : name.replace('heartwood.', '')))
      .toSorted()
      .join(' ')
    seen.set(left, (seen.get(left) ?? 0) + 1)
    const next = await heartwood(['keys', 'create'], { cwd, env: quiet })
    assert.equal(next.code, 0, `${left}: ${next.stderr}`)
    await assertWhole(cwd)
    rmSync(cwd, { recursive: true })
  }
  console.log(`files after a kill: ${[...seen].map(([left, times]) => `${left} (${times})`).join(', ')}`)
})

const draft = '.heartwood.key.3f0c2b52-6a1e-4a55-9d0c-0a8f5a7c9e11'
const masterKey = `${Buffer.alloc(32, 7).toString('base64')}\n`
const otherKey = `${Buffer.alloc(32, 8).toString('base64')}\n`

const interrupted: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'before the key': { [draft]: masterKey.slice(0, 20) },
  'before the key has its name': { [draft]: masterKey },
  'before the database': { [draft]: masterKey, 'heartwood.key': masterKey },
  'while it opens the database': { [draft]: masterKey, 'heartwood.key': masterKey, 'heartwood.db': '' },
}

for (const [point, files] of Object.entries(interrupted))
  test(`a first start that was cut off ${point}: the next one finishes it`, async (t) => {
    const cwd = emptyFolder(t)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text, { mode: 0o600 })
    const { code, stderr } = await heartwood(['keys', 'create'], { cwd, env: quiet })
    assert.equal(code, 0, stderr)
    await assertWhole(cwd)
    if ('heartwood.key' in files) assert.equal(readFileSync(join(cwd, 'heartwood.key'), 'utf8'), masterKey)
  })

test('a key file beside the draft of another key: it was complete once, so its database is lost', async (t) => {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, draft), otherKey)
  writeFileSync(join(cwd, 'heartwood.key'), masterKey, { mode: 0o600 })
  const { code, stderr } = await heartwood(['keys', 'create'], { cwd, env: quiet })
  assert.equal(code, 1)
  assert.match(stderr, /no database heartwood\.db/)
})
