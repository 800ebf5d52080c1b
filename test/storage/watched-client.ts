import type { SqliteClient, SqliteClientStatement, SqliteValue } from '../../src/storage/sqlite.ts'

/** Sees the SQL of a statement and its values. */
export type Watch = (sql: string, values: readonly SqliteValue[]) => void

/** An empty database in memory. */
export async function emptyClient(): Promise<SqliteClient> {
  return 'Bun' in globalThis
    ? new (await import('bun:sqlite')).Database(':memory:')
    : new (await import('node:sqlite')).DatabaseSync(':memory:')
}

/** The same database, which calls `watch` before each statement that reads rows. */
export function watched(client: SqliteClient, watch: Watch): SqliteClient {
  const prepare = (sql: string): SqliteClientStatement => {
    const statement = client.prepare(sql)
    return new Proxy(statement, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...values: SqliteValue[]) => {
          if (name === 'all') watch(sql, values)
          return Reflect.apply(member, target, values)
        }
      },
    })
  }
  return { exec: (sql) => client.exec(sql), close: () => client.close(), prepare }
}
