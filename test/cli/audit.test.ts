import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { ask, emptyFolder, heartwood, startServer } from './heartwood.ts'
import { seed, seededApp, seedEnvironment, seedLicensing } from './seed.ts'

interface EntryJson {
  readonly action: string
  readonly actor: { readonly type: string; readonly id: string | null; readonly label: string | null }
  readonly request_id: string | null
  readonly changes: Readonly<Record<string, unknown>>
}

const everything = { limit: 10_000 }

test('heartwood audit list: tells what the server, the command line and a key have done', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd })
  const app = await ask(server, '/apps', { key: server.key, body: { name: 'Desk', slug: 'desk' } })
  assert.equal(app.status, 201)
  const made = ['features', 'create', 'sync', '--app', 'desk', '--name', 'Sync']
  assert.equal((await heartwood(made, { cwd })).code, 0)
  const list = (...flags: string[]) => heartwood(['audit', 'list', ...flags], { cwd })
  const json = JSON.parse((await list('--json')).stdout) as readonly EntryJson[]
  assert.deepEqual(
    json.map(({ action, actor }) => [action, actor.type, actor.label]),
    [
      ['feature.created', 'cli', null],
      ['app.created', 'api_key', 'First key'],
      ['api_key.invited', 'system', null],
      ['api_key.created', 'system', null],
    ],
  )
  assert.ok(json[1]!.request_id)
  const { stdout: table } = await list('--app', 'desk')
  assert.match(table, /^TIME +ACTION +TARGET +ACTOR +CHANGED\n/)
  assert.match(table, /^\d{4}-\d\d-\d\dT[\d:]+Z +feature\.created +feat_\w+ +cli +name slug$/m)
  assert.match(table, /^\S+ +app\.created +app_\w+ +key_\w+ \(First key\) /m)
  const cases: readonly (readonly [flags: readonly string[], lines: number])[] = [
    [['--actor', 'cli'], 2],
    [['--action', 'api_key.created'], 2],
    [['--app', 'desk', '--limit', '1'], 2],
    [['--from', '2999-01-01'], 1],
    [['--to', '2020-01-01'], 1],
    [['--mode', 'test'], 1],
  ]
  for (const [flags, lines] of cases)
    assert.equal((await list(...flags)).stdout.trim().split('\n').length, lines, flags.join(' '))
  assert.equal((await list('--app', 'desk', '--mode', 'live')).code, 2)
  assert.equal((await list('--mode', 'both')).code, 2)
  assert.equal((await list('--app', 'none')).code, 1)
  await server.stop()
})

test('heartwood export and import: carry the audit log with its seals', async (t) => {
  const cwd = emptyFolder(t)
  const from = await sqliteStorage({ filename: join(cwd, 'from.db') })
  await seed(from, 5)
  const licensing = await seedLicensing(from)
  await licensing.as({ type: 'user', id: 'u-7' }).apps.update(seededApp, { name: 'Renamed' })
  assert.ok((await licensing.audit.seal()) > 0)
  await licensing.apps.update(seededApp, { name: 'Renamed again' })
  const entries = await from.listAuditEntries({}, everything)
  assert.deepEqual([entries[0]!.seq, typeof entries.at(-1)!.mac], [null, 'string'])
  await from.close()
  const options = { cwd, env: seedEnvironment }
  const exported = await heartwood(['export', 'all.ndjson', '--database', 'from.db', '--json'], options)
  const { counts } = JSON.parse(exported.stdout) as { counts: { auditEntry: number } }
  assert.equal(counts.auditEntry, entries.length)
  assert.equal((await heartwood(['import', 'all.ndjson', '--database', 'to.db'], options)).code, 0)
  const to = await sqliteStorage({ filename: join(cwd, 'to.db') })
  assert.deepEqual(await to.listAuditEntries({}, everything), entries)
  await to.close()
})

test('heartwood import: a database with nothing but an audit log is not empty', async (t) => {
  const cwd = emptyFolder(t)
  const options = { cwd, env: seedEnvironment }
  const from = await sqliteStorage({ filename: join(cwd, 'from.db') })
  await seed(from, 1)
  await from.close()
  await heartwood(['export', 'all.ndjson', '--database', 'from.db'], options)
  const to = await sqliteStorage({ filename: join(cwd, 'to.db') })
  const licensing = await seedLicensing(to)
  await licensing.apps.create({ name: 'Gone', slug: 'gone' })
  await licensing.apps.delete('gone')
  await to.close()
  const refused = await heartwood(['import', 'all.ndjson', '--database', 'to.db'], options)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /to\.db already holds apps, API keys or an audit log/)
})

test('heartwood serve: refuses a HEARTWOOD_AUDIT_DAYS that is no number of days', async (t) => {
  const cwd = emptyFolder(t)
  for (const days of ['0', '-1', '1.5', '36501', 'ever']) {
    const refused = await heartwood(['serve'], { cwd, env: { HEARTWOOD_AUDIT_DAYS: days } })
    assert.equal(refused.code, 1, days)
    assert.match(refused.stderr, /HEARTWOOD_AUDIT_DAYS must be a number of days from 1 to 36500/)
  }
})
