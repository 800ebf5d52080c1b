import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { documentedSettings, noPgBouncer, startPgBouncer } from '../storage/pgbouncer.ts'
import { noPostgres, openTestDatabase } from '../storage/postgres-database.ts'
import { installation, masterKey } from '../support/fixtures.ts'
import { ask, emptyFolder, heartwood, startServer, type Way } from './heartwood.ts'

/** A row: the settings of the pooler, the parameters of the address, and the runtime of the commands. */
const rows: Readonly<Record<string, readonly [settings: string, query: string, way: Way]>> = {
  'the settings of docs/storage.md': [documentedSettings, 'prepare=false', 'Bun'],
  'pgbouncer=true in the address': ['', 'pgbouncer=true&connection_limit=1&schema=public', 'Deno'],
  'pgbouncer=true in the address, on Node': ['', 'pgbouncer=true', 'Node'],
}

async function succeeds(args: readonly string[], options: Parameters<typeof heartwood>[1]): Promise<string> {
  const { code, stdout, stderr } = await heartwood(args, options)
  assert.deepEqual([args[0], code, stderr], [args[0], 0, ''])
  return stdout
}

/** Every command that opens a database in a way of its own. */
async function work(t: TestContext, way: Way, from: string, to: string): Promise<void> {
  const cwd = emptyFolder(t)
  const options = { cwd, way, env: { HEARTWOOD_DATABASE: from, HEARTWOOD_MASTER_KEY: masterKey } }
  assert.match(await succeeds(['migrate'], options), / is at version /)
  const server = await startServer(t, options)
  const { key } = server
  const app = { name: 'App', slug: 'app' }
  assert.equal((await ask(server, '/apps', { key, body: app })).status, 201)
  await ask(server, '/apps/app/tiers', { key, body: { name: 'Pro', slug: 'pro' } })
  const made = await ask(server, '/apps/app/customers', { key, body: { email: 'ada@example.com' } })
  const { data: customer } = (await made.json()) as { data: { id: string } }
  // More requests at once than there are connections show a statement that leaves its transaction.
  const issued = await Promise.all(
    Array.from({ length: 12 }, (_, number) =>
      ask(server, '/apps/app/licenses', {
        key,
        body: {
          customer_id: customer.id,
          tier_id: 'pro',
          installation_id: installation(number),
          forever: true,
        },
      }),
    ),
  )
  assert.deepEqual(
    issued.map(({ status }) => status),
    issued.map(() => 201),
  )
  assert.equal((await server.stop()).code, 0)
  assert.match(await succeeds(['doctor'], options), /Problems found: 0\./)
  await succeeds(['export', 'all.ndjson'], options)
  const there = { ...options, env: { ...options.env, HEARTWOOD_DATABASE: to } }
  await succeeds(['import', 'all.ndjson'], there)
  assert.match(await succeeds(['doctor'], there), /Problems found: 0\./)
}

for (const [name, [settings, query, way]] of Object.entries(rows))
  test(`heartwood through PgBouncer in transaction mode: every command works with ${name}`, async (t) => {
    const databases = [await openTestDatabase(), await openTestDatabase()] as const
    const [source, target] = databases
    t.after(() => Promise.all(databases.map((database) => database?.drop())))
    if (source === undefined || target === undefined) return t.skip(noPostgres)
    const pooler = await startPgBouncer(source.url, settings)
    if (pooler === undefined) return t.skip(noPgBouncer)
    try {
      await work(t, way, pooler.through(source.url, query), pooler.through(target.url, query))
    } finally {
      await pooler.end()
    }
  })
