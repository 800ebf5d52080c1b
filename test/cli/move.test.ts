import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import type { LicenseRecord, Storage } from '../../src/core/index.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { emptyFolder, heartwood, ways, type Way } from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env, seedLicensing } from './seed.ts'

/** 100,000 by hand: `HEARTWOOD_TEST_LICENSES=100000 bun test test/cli/move.test.ts`. */
const count = Number(process.env['HEARTWOOD_TEST_LICENSES'] ?? 600)
const signed = Math.min(count, 300)

let postgres: TestDatabase | undefined
before(async () => {
  postgres = await openTestDatabase()
})
after(() => postgres?.drop())

/** The text after the first line, which holds the time of the export. */
function recordsIn(text: string): string {
  return text.slice(text.indexOf('\n'))
}

/** Every license of an app, read page by page. */
async function* licensesOf(storage: Storage, appId: string): AsyncGenerator<LicenseRecord> {
  for (let after: LicenseRecord | undefined; ;) {
    const wanted = { limit: 1000, ...(after !== undefined && { after: { id: after.id } }) }
    const page = await storage.listLicenses({ appId, now: 0 }, wanted)
    yield* page
    after = page.at(-1)
    if (page.length < 1000) return
  }
}

/** Compares every license record, and some tokens byte by byte. Resolves to the two numbers. */
async function assertSameTokens(from: Storage, to: Storage): Promise<readonly [number, number]> {
  const [left, right] = await Promise.all([seedLicensing(from), seedLicensing(to)])
  const app = (await from.findApp(seededApp))!
  assert.deepEqual(await to.findApp(seededApp), app)
  assert.deepEqual(await to.listSigningKeys(app.id), await from.listSigningKeys(app.id))
  assert.equal((await from.listKeyStatements(app.id)).length, 3)
  assert.deepEqual(await to.listKeyStatements(app.id), await from.listKeyStatements(app.id))
  let [compared, tokens] = [0, 0]
  for await (const license of licensesOf(from, app.id)) {
    assert.deepEqual(await to.findLicense(app.id, license.id), license)
    compared++
    const isActive = license.revokedAt === null && (license.expiresAt ?? Infinity) > Date.now() / 1000
    if (!isActive || tokens >= signed) continue
    tokens++
    const token = await left.licenses.token(app.slug, license.id)
    assert.equal(await right.licenses.token(app.slug, license.id), token)
  }
  return [compared, tokens]
}

test(`heartwood export and import: ${count} licenses move from SQLite to PostgreSQL with unchanged tokens`, async (t) => {
  if (postgres === undefined) return t.skip(noPostgres)
  const cwd = emptyFolder(t)
  const from = await sqliteStorage({ filename: join(cwd, 'from.db') })
  const to = await postgres.nextSchema()
  await seed(from, count)
  const exported = await heartwood(['export', 'all.ndjson', '--database', 'from.db', '--json'], { cwd, env })
  assert.equal(exported.code, 0, exported.stderr)
  assert.equal((JSON.parse(exported.stdout) as { counts: { license: number } }).counts.license, count)
  const environment = { ...env, HEARTWOOD_DATABASE: to }
  const imported = await heartwood(['import', 'all.ndjson'], { cwd, env: environment })
  assert.equal(imported.code, 0, imported.stderr)
  assert.match(imported.stdout, new RegExp(`^Imported \\d+ records .*, including ${count} licenses\\.`))
  const storage = await postgresStorage({ connectionString: to })
  const [compared, tokens] = await assertSameTokens(from, storage)
  assert.equal(compared, count)
  console.log(`${compared} license records equal, ${tokens} tokens equal byte by byte`)
  await Promise.all([from.close(), storage.close()])
  const back = await heartwood(['export', '-'], { cwd, env: environment })
  assert.equal(recordsIn(back.stdout), recordsIn(readFileSync(join(cwd, 'all.ndjson'), 'utf8')))
  const checked = await heartwood(['doctor', '--json'], { cwd, env: environment })
  assert.equal((JSON.parse(checked.stdout) as { ok: boolean }).ok, true)
})

for (const way of Object.keys(ways) as Way[])
  test(`heartwood export and import on ${way}: a pipe carries every record`, async (t) => {
    const cwd = emptyFolder(t)
    const from = await sqliteStorage({ filename: join(cwd, 'from.db') })
    await seed(from, 20)
    await from.close()
    const piped = await heartwood(['export', '-', '--database', 'from.db'], { cwd, env, way })
    assert.match(
      piped.stderr,
      /^Exported \d+ records of from\.db to standard output, including 20 licenses\./,
    )
    const read = ['import', '-', '--database', 'to.db']
    const imported = await heartwood(read, { cwd, env, way, input: piped.stdout })
    assert.equal(imported.code, 0, imported.stderr)
    assert.equal(imported.stderr, 'Created the database to.db.\n')
    const again = await heartwood(['export', '-', '--database', 'to.db'], { cwd, env, way })
    assert.equal(recordsIn(again.stdout), recordsIn(piped.stdout))
  })

test('heartwood export: overwrites no file; heartwood import: refuses a database with records', async (t) => {
  const cwd = emptyFolder(t)
  const from = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(from, 5)
  await from.close()
  writeFileSync(join(cwd, 'there.ndjson'), 'precious')
  const refused = await heartwood(['export', 'there.ndjson'], { cwd, env })
  assert.deepEqual(
    [refused.code, refused.stderr],
    [1, 'heartwood: Cannot create there.ndjson: it already exists\n'],
  )
  assert.equal(readFileSync(join(cwd, 'there.ndjson'), 'utf8'), 'precious')
  assert.equal((await heartwood(['export', 'all.ndjson'], { cwd, env })).code, 0)
  const full = await heartwood(['import', 'all.ndjson'], { cwd, env })
  assert.equal(full.code, 1)
  assert.match(
    full.stderr,
    /^heartwood: heartwood\.db already holds apps, API keys or an audit log: [^\n]+\n$/,
  )
  const nowhere = await heartwood(['export', 'new.ndjson', '--database', 'nowhere.db'], { cwd, env })
  assert.match(nowhere.stderr, /^heartwood: There is no database nowhere\.db/)
})
