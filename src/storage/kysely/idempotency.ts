import { sql } from 'kysely'
import type {
  IdempotencyStorage,
  NumericDate,
  StoredResponsePage,
  StoredResponseRecord,
} from '../../core/storage/index.ts'
import { KyselyDeliveries } from './deliveries.ts'
import { skipLocked } from './dialect.ts'
import type { Writer } from './executor.ts'
import { countOf, wroteRow } from './queries.ts'
import { storedResponseRows } from './rows.ts'

export abstract class KyselyIdempotency extends KyselyDeliveries implements IdempotencyStorage {
  async findStoredResponse(
    scope: string,
    key: string,
    now: NumericDate,
  ): Promise<StoredResponseRecord | null> {
    const row = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_kept_answer')
        .selectAll()
        .where('scope', '=', scope)
        .where('key', '=', key)
        .where('expires_at', '>', now)
        .executeTakeFirst(),
    )
    return storedResponseRows.toRecordOrNull(row)
  }

  insertStoredResponse(response: StoredResponseRecord, now: NumericDate): Promise<boolean> {
    return this.executor.atomically(async (db) => {
      const isStored = await insertUnlessCurrent(db, response, now)
      if (isStored) await deleteSomeExpired(db, now)
      return isStored
    })
  }

  async listStoredResponses({ limit, after }: StoredResponsePage): Promise<readonly StoredResponseRecord[]> {
    const rows = await this.executor.read((db) => {
      const all = db.selectFrom('heartwood_kept_answer').selectAll()
      const begun =
        after === undefined ? all : all.where(sql<boolean>`(scope, key) > (${after.scope}, ${after.key})`)
      return begun.orderBy('scope').orderBy('key').limit(limit).execute()
    })
    return storedResponseRows.toRecords(rows)
  }

  countStoredResponses(): Promise<number> {
    return this.executor.read((db) => countOf(db.selectFrom('heartwood_kept_answer')))
  }
}

/** Overwrites an expired response under the same key, but never one that has not expired. */
function insertUnlessCurrent(db: Writer, response: StoredResponseRecord, now: NumericDate): Promise<boolean> {
  const { scope, key, ...changes } = storedResponseRows.toRow(response)
  return wroteRow(
    db
      .insertInto('heartwood_kept_answer')
      .values({ scope, key, ...changes })
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'key'])
          .doUpdateSet(changes)
          .where('heartwood_kept_answer.expires_at', '<=', now),
      )
      .returning('scope'),
  )
}

/** Few enough to cost no time, and more than one insert adds. */
const deletedWithEach = 10

async function deleteSomeExpired(db: Writer, now: NumericDate): Promise<void> {
  const expired = db
    .selectFrom('heartwood_kept_answer')
    .select(['scope', 'key'])
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(deletedWithEach)
    .modifyEnd(skipLocked(db))
  // As a sub-select, the query could run more than once and find other rows each time.
  await db
    .with(
      (name) => name('expired').materialized(),
      () => expired,
    )
    .deleteFrom('heartwood_kept_answer')
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple('scope', 'key'),
        'in',
        selectFrom('expired').select(['expired.scope', 'expired.key']).$asTuple('scope', 'key'),
      ),
    )
    .execute()
}
