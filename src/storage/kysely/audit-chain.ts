import { sql } from 'kysely'
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
import { auditChainRows, auditCheckpointRows, auditEntryRows } from './rows.ts'

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
      db
        .selectFrom('heartwood_audit_entry')
        .selectAll()
        .where('seq', 'is', null)
        .orderBy('id')
        .limit(limit)
        .execute(),
    )
    return auditEntryRows.toRecords(rows)
  }

  countUnsealedAuditEntries(): Promise<number> {
    return this.executor.read((db) =>
      countOf(db.selectFrom('heartwood_audit_entry').where('seq', 'is', null)),
    )
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

async function sealEntries(db: Writer, seals: readonly AuditSeal[]): Promise<number> {
  const { rows } = await sql`
    with seal as (${sealRows(db, seals)})
    update heartwood_audit_entry set seq = seal.seq, mac = seal.mac
    from seal where heartwood_audit_entry.id = seal.id and heartwood_audit_entry.seq is null
    returning 1`.execute(db)
  return rows.length
}
