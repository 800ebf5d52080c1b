import { sql, type CompiledQuery } from 'kysely'
import type { AuditEntryRecord } from '../../core/storage/index.ts'
import { typed } from './dialect.ts'
import type { Writer } from './executor.ts'
import { unsealedEntryRows } from './rows.ts'

// An entry waits in a small table for its seal, which moves it into the log. No id may be in both tables.

/**
 * Compiles the insert of one entry that waits for its seal. It writes nothing if a sealed entry has the id. Parameters: the
 * values of the entry, and its id once more.
 */
export function insertUnlessSealed(db: Writer): CompiledQuery<{ readonly one: number }> {
  const { columns } = unsealedEntryRows
  const names = sql.join(columns.map(({ name }) => sql.ref(name)))
  const values = sql.join(columns.map(({ type }) => typed('', type)))
  return sql<{ readonly one: number }>`insert into heartwood_unsealed_audit_entry (${names}) select ${values}
    where not exists (select 1 from heartwood_audit_entry where id = ${''}) returning 1 as one`.compile(db)
}

interface Parts {
  readonly sealed: readonly AuditEntryRecord[]
  readonly unsealed: readonly AuditEntryRecord[]
}

/** The entries by the table that they belong to, in the same order. */
export function partsOf(entries: readonly AuditEntryRecord[]): Parts {
  return {
    sealed: entries.filter(({ seq }) => seq !== null),
    unsealed: entries.filter(({ seq }) => seq === null),
  }
}

/** True if the id of one of these entries is in both tables. */
export async function isInBoth(db: Writer, entries: readonly AuditEntryRecord[]): Promise<boolean> {
  const ids = sql.join(entries.map(({ id }) => id))
  const { rows } = await sql`
    select 1 from heartwood_unsealed_audit_entry as unsealed
    join heartwood_audit_entry as sealed on sealed.id = unsealed.id
    where unsealed.id in (${ids}) limit 1`.execute(db)
  return rows.length > 0
}
