import { sql, type Kysely } from 'kysely'
import type { NumericDate, SigningKeyRecord, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, wrote } from './session.ts'
import { signingKeyRows } from './rows.ts'

type SigningKeyVerbs = Pick<StorageSession, 'findActiveKey' | 'listSigningKeys' | 'swapActiveKey'>

export function signingKeyVerbs({ read, hot, first, atomically }: Access): SigningKeyVerbs {
  return {
    findActiveKey: async (appId) => signingKeyRows.toRecordOrNull(await first(hot.activeKey, [appId])),
    listSigningKeys: async (appId) => {
      const rows = await read
        .selectFrom('heartwood_signing_key')
        .selectAll()
        .where('app_id', '=', appId)
        .orderBy(sql`case when accepted_until is null then 0 else 1 end`)
        .orderBy('created_at', 'desc')
        .orderBy('kid', 'desc')
        .execute()
      return rows.map((row) => signingKeyRows.toRecord(row))
    },
    swapActiveKey: (appId, expectedKid, next, acceptOldUntil) =>
      atomically(async (db) => {
        const swap = { appId, nextKid: next.kid, acceptOldUntil }
        if (expectedKid !== null && !(await retire(db, expectedKid, swap))) return false
        return insertActive(db, { ...next, appId, acceptedUntil: null })
      }),
  }
}

interface Swap {
  readonly appId: string
  readonly nextKid: string
  readonly acceptOldUntil: NumericDate | null
}

/** Ends the time of the active key, if it is still `kid`; the guard sees to it that the next one can then be written. */
async function retire(db: Kysely<Database>, kid: string, swap: Swap): Promise<boolean> {
  if (swap.acceptOldUntil !== null) return keepPublicHalf(db, kid, swap, swap.acceptOldUntil)
  const ended = await wrote(
    db
      .deleteFrom('heartwood_signing_key')
      .where('app_id', '=', swap.appId)
      .where('kid', '=', kid)
      .where('accepted_until', 'is', null)
      .where(({ not, exists }) => not(exists(known(db, swap))))
      .returning('kid'),
  )
  if (ended) await db.deleteFrom('heartwood_signing_key').where('app_id', '=', swap.appId).execute()
  return ended
}

function keepPublicHalf(
  db: Kysely<Database>,
  kid: string,
  swap: Swap,
  acceptedUntil: NumericDate,
): Promise<boolean> {
  return wrote(
    db
      .updateTable('heartwood_signing_key')
      .set({ private_key: null, accepted_until: acceptedUntil })
      .where('app_id', '=', swap.appId)
      .where('kid', '=', kid)
      .where('accepted_until', 'is', null)
      .where(({ not, exists }) => not(exists(known(db, swap))))
      .returning('kid'),
  )
}

function known(db: Kysely<Database>, { appId, nextKid }: Swap) {
  return db
    .selectFrom('heartwood_signing_key as other')
    .select('other.kid')
    .where('other.app_id', '=', appId)
    .where('other.kid', '=', nextKid)
}

function insertActive(db: Kysely<Database>, key: SigningKeyRecord): Promise<boolean> {
  return wrote(
    db
      .insertInto('heartwood_signing_key')
      .values(signingKeyRows.toRow(key))
      .onConflict((conflict) => conflict.doNothing())
      .returning('kid'),
  )
}
