import { sql, type RawBuilder } from 'kysely'
import type {
  AuditChainPatch,
  AuditChainRecord,
  AuditChainStorage,
  AuditCheckpointRecord,
  AuditEntryRecord,
  AuditSeal,
  NumericDate,
} from '../../core/storage/index.ts'
import { isPostgres, typed } from './dialect.ts'
import type { Writer } from './executor.ts'
import { KyselyKeyStatements } from './key-statements.ts'
import { countOf, insertUnlessTaken } from './queries.ts'
import { auditChainRows, auditCheckpointRows, auditEntryRows, unsealedEntryRows } from './rows.ts'

/** The id of the one row. */
const chainId = 'chain'

export abstract class KyselyAuditChain extends KyselyKeyStatements implements AuditChainStorage {
  async findAuditChain(): Promise<AuditChainRecord | null> {
    const row = await this.executor.read((db) =>
      db.selectFrom('heartwood_audit_chain').selectAll().where('id', '=', chainId).executeTakeFirst(),
    )
    return auditChainRows.toRecordOrNull(row)
  }

  insertAuditChain(chain: AuditChainRecord): Promise<boolean> {
    const row = { id: chainId, ...auditChainRows.toRow(chain) }
    return this.executor.write((db) => insertUnlessTaken(db, 'heartwood_audit_chain', row))
  }

  async updateAuditChain(expectedVersion: number, patch: AuditChainPatch): Promise<AuditChainRecord | null> {
    const row = await this.executor.write((db) =>
      db
        .updateTable('heartwood_audit_chain')
        .set({ ...auditChainRows.toColumns(patch), version: expectedVersion + 1 })
        .where('id', '=', chainId)
        .where('version', '=', expectedVersion)
        .returningAll()
        .executeTakeFirst(),
    )
    return auditChainRows.toRecordOrNull(row)
  }

  async listUnsealedAuditEntries(limit: number): Promise<readonly AuditEntryRecord[]> {
    const rows = await this.executor.read((db) =>
      db.selectFrom('heartwood_unsealed_audit_entry').selectAll().orderBy('id').limit(limit).execute(),
    )
    return rows.map((row) => ({ ...unsealedEntryRows.toRecord(row), seq: null, mac: null }))
  }

  countUnsealedAuditEntries(): Promise<number> {
    return this.executor.read((db) => countOf(db.selectFrom('heartwood_unsealed_audit_entry')))
  }

  async listSealedAuditEntries(after: number | null, limit: number): Promise<readonly AuditEntryRecord[]> {
    const rows = await this.executor.read((db) => {
      const all = db.selectFrom('heartwood_audit_entry').selectAll()
      const rest = after === null ? all.where('seq', 'is not', null) : all.where('seq', '>', after)
      return rest.orderBy('seq').limit(limit).execute()
    })
    return auditEntryRows.toRecords(rows)
  }

  sealAuditEntries(seals: readonly AuditSeal[]): Promise<number> {
    return this.executor.atomically((db) => sealEntries(db, seals))
  }

  async listAuditedApps(after: number, until: number): Promise<readonly string[]> {
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_audit_entry')
        .select('app_id')
        .distinct()
        .where('seq', '>', after)
        .where('seq', '<=', until)
        .where('app_id', 'is not', null)
        .execute(),
    )
    return rows.map(({ app_id }) => app_id!)
  }

  insertAuditCheckpoint(checkpoint: AuditCheckpointRecord): Promise<boolean> {
    const row = auditCheckpointRows.toRow(checkpoint)
    return this.executor.write((db) => insertUnlessTaken(db, 'heartwood_audit_checkpoint', row))
  }

  async listAuditCheckpoints(
    limit: number,
    after: Pick<AuditCheckpointRecord, 'seq' | 'appId'> = { seq: 0, appId: '' },
  ): Promise<readonly AuditCheckpointRecord[]> {
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_audit_checkpoint')
        .selectAll()
        .where(sql<boolean>`(seq, app_id) > (${after.seq}, ${after.appId})`)
        .orderBy('seq')
        .orderBy('app_id')
        .limit(limit)
        .execute(),
    )
    return auditCheckpointRows.toRecords(rows)
  }

  async findAuditCheckpoint(until: NumericDate): Promise<AuditCheckpointRecord | null> {
    const row = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_audit_checkpoint')
        .selectAll()
        .where('created_at', '<=', until)
        .orderBy('created_at', 'desc')
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst(),
    )
    return auditCheckpointRows.toRecordOrNull(row)
  }

  deleteAuditCheckpoints(before: number, limit: number): Promise<number> {
    return this.executor.atomically(async (db) => {
      const { rows } = await sql`
        delete from heartwood_audit_checkpoint where (seq, app_id) in (
          select seq, app_id from heartwood_audit_checkpoint where seq < ${before} order by seq, app_id limit ${limit}
        ) returning 1`.execute(db)
      return rows.length
    })
  }
}

/** The entries and their places as rows of a table. PostgreSQL takes them faster as one list of lists in JSON. */
function sealRows(db: Writer, seals: readonly AuditSeal[]) {
  const values = JSON.stringify(seals.map(({ id, seq, mac }) => [id, seq, mac]))
  return isPostgres(db)
    ? sql`select value ->> 0 as id, cast(value ->> 1 as bigint) as seq, value ->> 2 as mac
        from json_array_elements(${typed(values, 'text')}::json)`
    : sql`select json_extract(value, '$[0]') as id, json_extract(value, '$[1]') as seq,
        json_extract(value, '$[2]') as mac from json_each(${values})`
}

const names = unsealedEntryRows.columns.map(({ name }) => name)

function columnsOf(table: string): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.ref(`${table}.${name}`)))
}

/** Moves the entries from their table into the log. */
async function sealEntries(db: Writer, seals: readonly AuditSeal[]): Promise<number> {
  const log = sql`heartwood_audit_entry (${sql.join(names.map((name) => sql.ref(name)))}, seq, mac)`
  const seal = sql`seal as (${sealRows(db, seals)})`
  if (isPostgres(db)) return sealAtOnce(db, log, seal)
  const { rows } = await sql`
    with ${seal} insert into ${log} select ${columnsOf('entry')}, seal.seq, seal.mac
    from seal cross join heartwood_unsealed_audit_entry as entry where entry.id = seal.id
    returning 1`.execute(db)
  await sql`
    with ${seal} delete from heartwood_unsealed_audit_entry where id in (select id from seal)`.execute(db)
  return rows.length
}

/** By one statement, because each is a round trip. Of two servers, the second finds no entry that the first has moved. */
async function sealAtOnce(db: Writer, log: RawBuilder<unknown>, seal: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql`
    with ${seal}, moved as (
      delete from heartwood_unsealed_audit_entry as entry using seal where entry.id = seal.id
      returning ${columnsOf('entry')}, seal.seq, seal.mac
    ) insert into ${log} select * from moved returning 1`.execute(db)
  return rows.length
}
