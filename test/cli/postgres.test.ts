import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test, type TestContext } from 'node:test'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { masterKey, otherMasterKey } from '../support/fixtures.ts'
import { ask, emptyFolder, heartwood, startServer, type Way } from './heartwood.ts'

let postgres: TestDatabase | undefined
before(async () => {
  postgres = await openTestDatabase()
})
after(() => postgres?.drop())

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']

/** Defines a test that has its own schema. */
function onPostgres(
  name: string,
  work: (t: TestContext, env: Record<string, string>) => Promise<void>,
): void {
  test(name, async (t) => {
    if (postgres === undefined) return t.skip(noPostgres)
    await work(t, { HEARTWOOD_DATABASE: await postgres.nextSchema(), HEARTWOOD_MASTER_KEY: masterKey })
  })
}

for (const way of runtimes)
  onPostgres(
    `heartwood serve on PostgreSQL and ${way}: prints one first key, keeps it, and creates no file`,
    async (t, env) => {
      const cwd = emptyFolder(t)
      const first = await startServer(t, { cwd, env, way })
      const { key } = first
      assert.match(key ?? '', /^sk_live_/)
      assert.equal((await ask(first, '/api-keys', { key, body: { name: 'Second' } })).status, 201)
      assert.equal((await first.stop()).code, 0)
      const second = await startServer(t, { cwd, env, way })
      assert.equal(second.key, null)
      assert.equal((await ask(second, '/apps', { key })).status, 200)
      await second.stop()
      assert.deepEqual(readdirSync(cwd), [])
    },
  )

onPostgres(
  'heartwood serve on PostgreSQL: of servers that start at the same time, one prints the first key',
  async (t, env) => {
    const cwd = emptyFolder(t)
    const starts = Array.from({ length: 4 }, () => startServer(t, { cwd, env }))
    const servers = await Promise.all(starts)
    const keys = servers.flatMap(({ key }) => key ?? [])
    assert.equal(keys.length, 1)
    for (const server of servers) assert.equal((await ask(server, '/apps', { key: keys[0]! })).status, 200)
    const { stdout } = await heartwood(['doctor'], { cwd, env })
    assert.match(stdout, /Problems found: 0\./)
    await Promise.all(servers.map((server) => server.stop()))
  },
)

onPostgres('heartwood keys, migrate and doctor on PostgreSQL: work and print no password', async (t, env) => {
  const cwd = emptyFolder(t)
  const address = new URL(env['HEARTWOOD_DATABASE']!)
  // The tests' server trusts whoever comes, so any password will do.
  address.password = 'hunter2'
  const there = { ...env, HEARTWOOD_DATABASE: address.href }
  const none = await heartwood(['keys', 'list'], { cwd, env: there })
  assert.equal(none.code, 1)
  assert.match(
    none.stderr,
    /^heartwood: There is no database postgres:\/\/[^\s@]+: heartwood serve or [^\n]+\n$/,
  )
  const migrated = await heartwood(['migrate'], { cwd, env: there })
  assert.match(migrated.stdout, /^postgres:\/\/[^\s@?]+ is at version \S+\.\n$/)
  const created = await heartwood(['keys', 'create'], { cwd, env: there })
  assert.match(created.stdout, /^sk_live_\w{36}\n$/)
  const listed = await heartwood(['keys', 'list', '--json'], { cwd, env: there })
  assert.equal((JSON.parse(listed.stdout) as unknown[]).length, 1)
  const checked = await heartwood(['doctor'], { cwd, env: there })
  assert.equal(checked.code, 0)
  for (const { stdout, stderr } of [none, migrated, created, listed, checked])
    assert.equal(`${stdout}${stderr}`.includes('hunter2'), false)
})

onPostgres(
  'heartwood rekey on PostgreSQL: two at the same time reseal everything while a server writes',
  async (t, env) => {
    const cwd = emptyFolder(t)
    await heartwood(['migrate'], { cwd, env })
    await heartwood(['apps', 'create', 'desktop-app'], { cwd, env })
    const both = { ...env, HEARTWOOD_MASTER_KEY: `${otherMasterKey},${masterKey}` }
    const server = await startServer(t, { cwd, env: both })
    const tier = { key: server.key, body: { name: 'Pro', slug: 'pro' } }
    const work = [
      ['rekey', '--json'],
      ['rekey', '--json'],
      ['apps', 'rotate-keys', 'desktop-app'],
    ]
    const running = work.map((command) => heartwood(command, { cwd, env: both }))
    assert.equal((await ask(server, '/apps/desktop-app/tiers', tier)).status, 201)
    const ended = await Promise.all(running)
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0, 0],
    )
    const checks = ended
      .slice(0, 2)
      .map(({ stdout }) => (JSON.parse(stdout) as { key_check: boolean }).key_check)
    assert.deepEqual(checks.toSorted(), [false, true])
    await server.stop()
    const newOnly = { ...env, HEARTWOOD_MASTER_KEY: otherMasterKey }
    assert.match((await heartwood(['doctor'], { cwd, env: newOnly })).stdout, /Problems found: 0\./)
    const refused = await heartwood(['apps', 'list'], { cwd, env })
    assert.match(refused.stderr, /^heartwood: Wrong master key/)
  },
)

onPostgres(
  'heartwood on PostgreSQL: a wrong or missing master key is an error of one line',
  async (t, env) => {
    const cwd = emptyFolder(t)
    await heartwood(['migrate'], { cwd, env })
    const wrong = { ...env, HEARTWOOD_MASTER_KEY: otherMasterKey }
    for (const command of ['serve', 'migrate']) {
      const { code, stderr } = await heartwood([command], { cwd, env: wrong })
      assert.deepEqual([code, stderr], [1, 'heartwood: Wrong master key: it does not open this storage\n'])
    }
    const none = { HEARTWOOD_DATABASE: env['HEARTWOOD_DATABASE']! }
    const missing = await heartwood(['serve'], { cwd, env: none })
    assert.match(missing.stderr, /^heartwood: PostgreSQL needs HEARTWOOD_MASTER_KEY or [^\n]+\n$/)
  },
)

for (const way of runtimes)
  test(`heartwood on ${way}: an unreachable PostgreSQL is an error of one line without the password`, async (t) => {
    const env = {
      HEARTWOOD_DATABASE: 'postgres://heartwood:hunter2@127.0.0.1:1/licenses',
      HEARTWOOD_MASTER_KEY: masterKey,
    }
    for (const command of [['serve'], ['doctor'], ['export', 'all.ndjson']]) {
      const cwd = emptyFolder(t)
      const { code, stdout, stderr } = await heartwood(command, { cwd, env, way })
      assert.deepEqual([code, stdout], [1, ''])
      assert.equal(stderr, 'heartwood: The database does not answer\n')
      assert.deepEqual(readdirSync(cwd), [])
    }
  })
