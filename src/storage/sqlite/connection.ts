/** A value that a statement can bind. */
export type SqliteValue = string | number | bigint | null | Uint8Array

/** A statement of `bun:sqlite` or `node:sqlite`. */
export interface SqliteClientStatement {
  all(...values: SqliteValue[]): unknown[]
  get(...values: SqliteValue[]): unknown
  run(...values: SqliteValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  iterate(...values: SqliteValue[]): IterableIterator<unknown>
}

/** The part of a host's connection that the storage uses. */
export interface SqliteClient {
  exec(sql: string): unknown
  prepare(sql: string): SqliteClientStatement
  close(): unknown
}

interface Statement {
  /** True if it returns rows. */
  readonly reader: boolean
  get(values: readonly unknown[]): unknown
  all(values: readonly unknown[]): unknown[]
  run(values: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  iterate(values: readonly unknown[]): IterableIterator<unknown>
  finalize(): void
}

/** One connection that keeps its prepared statements. It is the same on every runtime. */
export interface Connection {
  exec(sql: string): void
  prepare(sql: string): Statement
  /** The first row. */
  first<Entry>(sql: string, values: readonly unknown[]): Entry | undefined
  close(): void
}

/** Opens a file with the SQLite of the runtime. */
export async function openConnection(
  filename: string,
  mode: { readonly readonly: boolean },
): Promise<Connection> {
  const client = await openByRuntime(filename, mode.readonly)
  return connectionOver(client, () => void client.close())
}

/** A connection of a host. Closing leaves it open. */
export function lentConnection(client: SqliteClient): Connection {
  return connectionOver(client, () => {})
}

async function openByRuntime(filename: string, readonly: boolean): Promise<SqliteClient> {
  if ('Bun' in globalThis) {
    const { Database } = await import('bun:sqlite')
    return new Database(filename, readonly ? { readonly } : { readwrite: true, create: true })
  }
  const { DatabaseSync } = await import('node:sqlite')
  return new DatabaseSync(filename, { readOnly: readonly })
}

/** More than Heartwood has queries. Queries of a host never come here. */
const maxStatements = 500

function connectionOver(client: SqliteClient, close: () => void): Connection {
  const kept = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const known = kept.get(sql)
    if (known !== undefined) return known
    if (kept.size >= maxStatements) finalizeAll(kept)
    const made = wrap(client.prepare(sql))
    kept.set(sql, made)
    return made
  }
  return {
    exec: (sql) => void client.exec(sql),
    prepare,
    first: <Entry>(sql: string, values: readonly unknown[]) =>
      (prepare(sql).get(values) ?? undefined) as Entry | undefined,
    close: () => {
      finalizeAll(kept)
      close()
    },
  }
}

function finalizeAll(kept: Map<string, Statement>): void {
  for (const statement of kept.values()) statement.finalize()
  kept.clear()
}

/** The differences of the runtimes: `columnNames` and `finalize()` on Bun, `columns()` in `node:sqlite`. */
interface RuntimeStatement extends SqliteClientStatement {
  readonly columnNames?: readonly string[]
  columns?(): readonly unknown[]
  finalize?(): void
}

function wrap(statement: RuntimeStatement): Statement {
  const columns = statement.columns?.() ?? statement.columnNames ?? []
  return {
    reader: columns.length > 0,
    get: (values) => statement.get(...(values as SqliteValue[])),
    all: (values) => statement.all(...(values as SqliteValue[])),
    run: (values) => statement.run(...(values as SqliteValue[])),
    iterate: (values) => statement.iterate(...(values as SqliteValue[])),
    // On Bun, a statement that is not finalized keeps the file open.
    finalize: () => statement.finalize?.(),
  }
}
