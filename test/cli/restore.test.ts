import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { masterKey } from '../support/fixtures.ts'
import { ask, emptyFolder, heartwood, startServer, type RunningServer } from './heartwood.ts'
import { claimsOf, Load, loadedApp, openShop, revisionOf } from './load.ts'

let postgres: TestDatabase | undefined
before(async () => {
  postgres = await openTestDatabase()
})
after(() => postgres?.drop())

/** The database to back up, and the one to restore into. */
interface Databases {
  readonly from: string
  readonly to: string
}

const env = { HEARTWOOD_MASTER_KEY: masterKey, HEARTWOOD_LOG: 'off', HEARTWOOD_RATE_LIMITS: 'off' }

/** The tokens that survive the loss of a server. */
interface Lost {
  readonly key: string | null
  /** The tokens that programs hold, by license. The server issued them after the backup. */
  readonly held: ReadonlyMap<string, string>
  /** The `jti` of every token that was ever issued. */
  readonly jtis: ReadonlySet<string>
}

/** Takes a backup under load, issues more tokens, and kills the server. */
async function backUpUnderLoad(t: TestContext, cwd: string, from: string): Promise<Lost> {
  const server = await startServer(t, { cwd, env }, ['--database', from])
  const { key } = server
  await openShop(server.url, key)
  const load = new Load(key)
  load.start(server.url)
  while (load.licenses.size < 12) await setTimeout(10)
  const ids = [...load.licenses.keys()]
  const backup = await heartwood(['export', 'backup.ndjson', '--database', from], { cwd, env })
  assert.equal(backup.code, 0, backup.stderr)
  await load.stop()
  // A writer regenerates its license three times, so four more regenerations exceed the backup's revision.
  for (let times = 0; times < 4; times++) for (const id of ids) load.note(await renew(server, id, { key }))
  const held = await Promise.all(ids.map(async (id) => [id, await renew(server, id, { key })] as const))
  await server.stop('SIGKILL')
  for (const [, token] of held) load.note(token)
  assert.deepEqual(load.repeated, [])
  return { key, held: new Map(held), jtis: load.jtis }
}

/** Regenerates with an API key or with the token that a program holds. */
async function renew(
  server: Pick<RunningServer, 'url'>,
  id: string,
  by: { readonly key?: string | null; readonly token?: string },
): Promise<string> {
  const body = by.token === undefined ? {} : { current_token: by.token }
  const path = `/apps/${loadedApp}/licenses/${id}/regenerate`
  const response = await ask(server, path, { key: by.key ?? null, body })
  assert.equal(response.status, 200)
  return ((await response.json()) as { data: { token: string } }).data.token
}

/** The revisions of the licenses in a backup. */
function revisionsIn(file: string): Map<string, number> {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const licenses = lines.flatMap(
    (line) => (JSON.parse(line) as { license?: { id: string; revision: number } }).license ?? [],
  )
  return new Map(licenses.map(({ id, revision }) => [id, revision]))
}

/** Backs up under load, kills the server, restores into another database, and renews the tokens in the field. */
async function backUpAndRestore(t: TestContext, { from, to }: Databases): Promise<string> {
  const cwd = emptyFolder(t)
  const lost = await backUpUnderLoad(t, cwd, from)
  const { held } = lost
  const restored = await heartwood(['import', 'backup.ndjson', '--restore', '--database', to], { cwd, env })
  assert.equal(restored.code, 0, restored.stderr)
  const revisions = revisionsIn(join(cwd, 'backup.ndjson'))
  const server = await startServer(t, { cwd, env }, ['--database', to])
  const jtis = new Set(lost.jtis)
  for (const [id, token] of held) {
    assert.equal(revisions.get(id)! < revisionOf(token), true, 'the token is newer than the row')
    // The vendor renews by key, so no token shows the server the newer revision.
    for (const by of [{ key: lost.key }, { token }]) {
      const next = await renew(server, id, by)
      assert.equal(revisionOf(next) > revisionOf(token), true)
      assert.equal(jtis.has(claimsOf(next).jti), false, 'no jti is issued twice')
      jtis.add(claimsOf(next).jti)
    }
  }
  const checked = await heartwood(['doctor', '--database', to], { cwd, env })
  assert.equal(checked.code, 0, checked.stdout)
  await server.stop()
  return `${held.size} tokens with a newer revision than the row renewed; no jti twice`
}

test('heartwood import --restore on SQLite: renews tokens that are newer than the backup', async (t) => {
  console.log(await backUpAndRestore(t, { from: 'from.db', to: 'to.db' }))
})

test('heartwood import --restore on PostgreSQL: renews tokens that are newer than the backup', async (t) => {
  if (postgres === undefined) return t.skip(noPostgres)
  console.log(
    await backUpAndRestore(t, { from: await postgres.nextSchema(), to: await postgres.nextSchema() }),
  )
})
