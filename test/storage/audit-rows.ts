import type { AuditEntryRecord } from '../../src/core/index.ts'
import type { SqliteClient } from '../../src/storage/sqlite.ts'
import { emptyClient } from './watched-client.ts'

/** An entry. The ids rise with the number, and so do the times. */
export function entryIn(number: number): AuditEntryRecord {
  const isByKey = number % 3 === 0
  return {
    id: `aud_${`${number}`.padStart(26, '0')}`,
    appId: `app_${number % 5}`,
    mode: number % 50 === 7 ? 'test' : 'live',
    createdAt: number,
    actorType: isByKey ? 'api_key' : 'cli',
    actorId: isByKey ? `key_${number % 4}` : null,
    actorLabel: null,
    action: number % 7 === 0 ? 'license.revoked' : 'license.created',
    targetType: 'license',
    targetId: `lic_${number % 100}`,
    changes: '{"revoked_at":[null,"2026-01-23T10:00:00Z"]}',
    requestId: null,
    seq: null,
    mac: null,
  }
}

interface Watched {
  readonly client: SqliteClient
  /** The SQL of each statement that was prepared. */
  readonly statements: string[]
}

/** An empty database in memory that tells of its statements. */
export async function watchedClient(): Promise<Watched> {
  const client = await emptyClient()
  const statements: string[] = []
  const prepare: SqliteClient['prepare'] = (sql) => {
    statements.push(sql)
    return client.prepare(sql)
  }
  return { client: { exec: (sql) => client.exec(sql), close: () => client.close(), prepare }, statements }
}
