import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntryFilter, AuditEntryRecord } from '../../src/core/index.ts'
import { type SqliteClient, sqliteStorage } from '../../src/storage/sqlite.ts'
import { entryIn, watchedClient } from './audit-rows.ts'
import { holds, length, newestFirst } from './list-pages.ts'
import { emptyClient, watched } from './watched-client.ts'

/** Each filter of a list, and the index that serves it. */
const filters: readonly (readonly [AuditEntryFilter, index: string])[] = [
  [{ mode: 'live' }, 'mode'],
  [{ mode: 'live', appId: 'app_1' }, 'app'],
  [{ mode: 'live', targetId: 'lic_1' }, 'target'],
  [{ mode: 'live', appId: 'app_1', targetId: 'lic_1' }, 'target'],
  [{ mode: 'live', actor: { type: 'api_key', id: 'key_1' } }, 'actor'],
  [{ mode: 'live', appId: 'app_1', actor: { type: 'cli', id: null } }, 'actor'],
  [{ mode: 'live', action: 'license.revoked' }, 'action'],
  [{ mode: 'live', appId: 'app_1', action: 'license.revoked', from: 100, to: 200 }, 'action'],
  [{ mode: 'live', appId: 'app_1', from: 100, to: 200 }, 'app'],
]

for (const [filter, index] of filters)
  test(`SQLite: a list by ${Object.keys(filter).join(', ')} reads one index in its order`, async () => {
    const { client, statements } = await watchedClient()
    const storage = await sqliteStorage({ client })
    await storage.insertAuditEntries(Array.from({ length: 400 }, (_, at) => entryIn(at)))
    statements.splice(0)
    await storage.listAuditEntries(filter, { limit: 20 })
    await storage.countAuditEntries(filter)
    const wanted = new RegExp(`USING (COVERING )?INDEX heartwood_audit_entry_(${index}|time)\\b`)
    const read = statements.filter(
      (sql) => /^select/i.test(sql.trim()) && sql.includes('heartwood_audit_entry'),
    )
    assert.ok(read.length > 0)
    for (const sql of read) {
      const plan = client.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
      const details = plan.map(({ detail }) => detail).join('; ')
      assert.match(details, wanted, sql)
      assert.doesNotMatch(details, /TEMP B-TREE/, sql)
    }
    await storage.close()
  })

/** Filters, and the entries that pass them. */
const mixed: readonly (readonly [AuditEntryFilter, (entry: AuditEntryRecord) => boolean])[] = [
  [{}, () => true],
  [{ mode: 'live' }, ({ mode }) => mode === 'live'],
  [{ mode: 'test' }, ({ mode }) => mode === 'test'],
  [{ appId: 'app_1', action: 'license.revoked' }, (entry) => isRevocation(entry) && entry.appId === 'app_1'],
  [{ from: 2_000, to: 9_000 }, ({ createdAt }) => createdAt >= 2_000 && createdAt < 9_000],
]

function isRevocation({ action }: AuditEntryRecord): boolean {
  return action === 'license.revoked'
}

/** Filters of which one part has few entries, and the index of that part. */
const lopsided: readonly (readonly [AuditEntryFilter, index: string])[] = [
  [{ mode: 'live', appId: 'app_small', action: 'license.created' }, 'app'],
  [{ mode: 'live', appId: 'app_small', actor: { type: 'cli', id: null } }, 'app'],
  [{ mode: 'live', action: 'tier.updated', actor: { type: 'cli', id: null } }, 'action'],
  [{ mode: 'live', appId: 'app_big', action: 'tier.updated' }, 'action'],
]

for (const [filter, index] of lopsided)
  test(`SQLite: a list by ${JSON.stringify(filter)} walks the shortest index, by ${index}`, async () => {
    const { client, statements } = await watchedClient()
    const storage = await sqliteStorage({ client })
    const common = { mode: 'live', actorType: 'cli', actorId: null, action: 'license.created' } as const
    const entries = Array.from({ length: 1_200 }, (_, at) => {
      const isRare = at < 3
      const action = isRare ? 'tier.updated' : 'license.created'
      return { ...entryIn(at), ...common, appId: at === 500 ? 'app_small' : 'app_big', action }
    })
    await storage.insertAuditEntries(entries)
    await storage.sealAuditEntries(entries.map(({ id }, at) => ({ id, seq: at + 1, mac: 'A'.repeat(43) })))
    statements.splice(0)
    const listed = await storage.listAuditEntries(filter, { limit: 20 })
    assert.equal(listed.length, index === 'app' ? 1 : 3)
    const plan = client.prepare(`explain query plan ${statements.at(-1)!}`).all() as { detail: string }[]
    const details = plan.map(({ detail }) => detail).join('; ')
    assert.match(details, new RegExp(`INDEX heartwood_audit_entry_${index}\\b`))
    await storage.close()
  })

for (const step of [10, 2])
  test(`SQLite: a list of many thousand entries has all, if one of ${step} waits for its seal`, async () => {
    const client = await emptyClient()
    const storage = await sqliteStorage({ client })
    const entries = Array.from({ length }, (_, at) => entryIn(at))
    await storage.insertAuditEntries(entries)
    // The newest wait, and some that were committed late.
    const waits = (at: number) => at % step === 0 || at > length - 300
    const seals = entries
      .filter((_, at) => !waits(at))
      .map(({ id }, at) => ({ id, seq: at + 1, mac: 'A'.repeat(43) }))
    assert.equal(await storage.sealAuditEntries(seals), seals.length)
    for (const [filter, passes] of mixed)
      await holds({
        expected: newestFirst(entries.filter(passes)),
        list: (page) => storage.listAuditEntries(filter, page),
        count: () => storage.countAuditEntries(filter),
      })
    await storage.close()
  })

/** Seals entries by SQL, as another server does. */
function sealRaw(client: SqliteClient, id: string, seq: number): void {
  const [log, waiting] = ['heartwood_audit_entry', 'heartwood_unsealed_audit_entry']
  client.prepare(`insert into ${log} select *, ${seq}, 'mac' from ${waiting} where id = ?`).all(id)
  client.prepare(`delete from ${waiting} where id = ?`).all(id)
}

test('SQLite: a list has each entry once while another server seals between all statements', async () => {
  const client = await emptyClient()
  let [isArmed, moved] = [false, 0]
  const waiting: string[] = []
  const storage = await sqliteStorage({
    client: watched(client, (sql) => {
      const readsEntries = /^\s*select/i.test(sql) && sql.includes('audit_entry')
      if (!isArmed || !readsEntries || waiting.length < 2) return
      for (const id of [waiting.shift()!, waiting.pop()!]) sealRaw(client, id, 1_000_000 + moved++)
    }),
  })
  const entries = Array.from({ length: 6_000 }, (_, at) => entryIn(at))
  await storage.insertAuditEntries(entries)
  const sealed = entries.filter((_, at) => at % 10 !== 0)
  await storage.sealAuditEntries(sealed.map(({ id }, at) => ({ id, seq: at + 1, mac: 'mac' })))
  waiting.push(...entries.filter((_, at) => at % 10 === 0).map(({ id }) => id))
  isArmed = true
  for (const [filter, passes] of mixed) {
    const expected = newestFirst(entries.filter(passes))
    assert.equal(await storage.countAuditEntries(filter), expected.length)
    const listed = await storage.listAuditEntries(filter, { limit: 9_000 })
    assert.deepEqual(
      listed.map(({ id }) => id),
      expected,
    )
  }
  assert.ok(moved > 40 && waiting.length > 2)
  await storage.close()
})
