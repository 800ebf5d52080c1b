import type { AuditEntryRecord } from '../../src/core/index.ts'
import type { SqliteClient, SqliteClientStatement, SqliteValue } from '../../src/storage/sqlite.ts'

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
  const client: SqliteClient =
    'Bun' in globalThis
      ? new (await import('bun:sqlite')).Database(':memory:')
      : new (await import('node:sqlite')).DatabaseSync(':memory:')
  const statements: string[] = []
  const prepare: SqliteClient['prepare'] = (sql) => {
    statements.push(sql)
    return client.prepare(sql)
  }
  return { client: { exec: (sql) => client.exec(sql), close: () => client.close(), prepare }, statements }
}

/** The same database, which calls `before` ahead of each statement that reads entries. */
export function interrupted(client: SqliteClient, before: () => void): SqliteClient {
  const prepare = (sql: string): SqliteClientStatement => {
    const statement = client.prepare(sql)
    const readsEntries = /^\s*select/i.test(sql) && sql.includes('audit_entry')
    return new Proxy(statement, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...values: SqliteValue[]) => {
          if (readsEntries && name === 'all') before()
          return Reflect.apply(member, target, values)
        }
      },
    })
  }
  return { exec: (sql) => client.exec(sql), close: () => client.close(), prepare }
}
