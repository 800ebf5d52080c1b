import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import type { StoredResponseRecord, NumericDate, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, countOf, wrote } from './session.ts'
import { skipLocked } from './dialect.ts'
import { storedResponseRows } from './rows.ts'

type StoredResponseVerbs = Pick<
  StorageSession,
  'findStoredResponse' | 'insertStoredResponse' | 'listStoredResponses' | 'countStoredResponses'
>

export function storedResponseVerbs({ read, atomically }: Access): StoredResponseVerbs {
  return {
    findStoredResponse: async (scope, key, now) => {
      const query = read.selectFrom('heartwood_kept_answer').selectAll().where('scope', '=', scope)
      const row = await query.where('key', '=', key).where('expires_at', '>', now).executeTakeFirst()
      return storedResponseRows.toRecordOrNull(row)
    },
    insertStoredResponse: (answer, now) =>
      atomically(async (db) => {
        const isKept = await keep(db, answer, now)
        if (isKept) await forgetExpired(db, now)
        return isKept
      }),
    listStoredResponses: async ({ limit, after }) => {
      const all = read.selectFrom('heartwood_kept_answer').selectAll()
      const begun = after === undefined ? all : all.where(isAfter(after))
      const rows = await begun.orderBy('scope').orderBy('key').limit(limit).execute()
      return rows.map((row) => storedResponseRows.toRecord(row))
    },
    countStoredResponses: () => countOf(read.selectFrom('heartwood_kept_answer')),
  }
}

function isAfter({ scope, key }: Pick<StoredResponseRecord, 'scope' | 'key'>): RawBuilder<SqlBool> {
  return sql<SqlBool>`(scope, key) > (${scope}, ${key})`
}

/** Takes the place of one that has expired, and of no other. */
function keep(db: Kysely<Database>, answer: StoredResponseRecord, now: NumericDate): Promise<boolean> {
  const { scope, key, ...changes } = storedResponseRows.toRow(answer)
  return wrote(
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

/** So few that nobody waits for it, and more than were added. */
const forgottenAtOnce = 10

async function forgetExpired(db: Kysely<Database>, now: NumericDate): Promise<void> {
  const expired = db
    .selectFrom('heartwood_kept_answer')
    .select(['scope', 'key'])
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(forgottenAtOnce)
    .modifyEnd(skipLocked(db))
  // A table of its own: as a sub-select it may be run, and find other rows, more than once.
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
