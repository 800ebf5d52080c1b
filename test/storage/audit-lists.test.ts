import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntryFilter } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { entryIn, watchedClient } from './audit-rows.ts'

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
    const wanted = new RegExp(`USING (COVERING )?INDEX heartwood_audit_entry_(${index}|time|unsealed)\\b`)
    const read = statements.filter((sql) => /^select/i.test(sql) && sql.includes('heartwood_audit_entry'))
    assert.ok(read.length > 0)
    for (const sql of read) {
      const plan = client.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
      const details = plan.map(({ detail }) => detail).join('; ')
      assert.match(details, wanted, sql)
      assert.doesNotMatch(details, /TEMP B-TREE/, sql)
    }
    await storage.close()
  })
