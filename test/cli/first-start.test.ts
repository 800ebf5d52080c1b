import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, emptyFolder, startServer, ways, type Way } from './heartwood.ts'

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
