import { sql } from 'kysely'
import type { NumericDate, SigningKeyRecord, SigningKeyStorage } from '../../core/storage/index.ts'
import { KyselyApps } from './apps.ts'
import type { Writer } from './executor.ts'
import { insertUnlessTaken, wroteRow } from './queries.ts'
import { signingKeyRows } from './rows.ts'

export abstract class KyselySigningKeys extends KyselyApps implements SigningKeyStorage {
  async findActiveKey(appId: string): Promise<SigningKeyRecord | null> {
    return signingKeyRows.toRecordOrNull(await this.executor.readFirst(this.executor.hot.activeKey, [appId]))
  }

  async listSigningKeys(appId: string): Promise<readonly SigningKeyRecord[]> {
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_signing_key')
        .selectAll()
        .where('app_id', '=', appId)
        .orderBy(sql`case when accepted_until is null then 0 else 1 end`)
        .orderBy('created_at', 'desc')
        .orderBy('kid', 'desc')
        .execute(),
    )
    return signingKeyRows.toRecords(rows)
  }

  async swapActiveKey(
    appId: string,
    expectedKid: string | null,
    next: SigningKeyRecord,
    acceptOldUntil: NumericDate | null,
  ): Promise<boolean> {
    const swap = { appId, nextKid: next.kid, acceptOldUntil }
    const isSwapped = await this.executor.atomically(async (db) => {
      if (expectedKid !== null && !(await retire(db, expectedKid, swap))) return false
      const key = { ...next, appId, acceptedUntil: null }
      return insertUnlessTaken(db, 'heartwood_signing_key', signingKeyRows.toRow(key))
    })
    if (isSwapped) await this.executor.secretErased()
    return isSwapped
  }
}

interface Swap {
  readonly appId: string
  readonly nextKid: string
  readonly acceptOldUntil: NumericDate | null
}

/** Retires the active key if it is still `kid` and the next kid is new, so that the next key can then be written. */
async function retire(db: Writer, kid: string, swap: Swap): Promise<boolean> {
  if (swap.acceptOldUntil !== null) return keepPublicKey(db, kid, swap, swap.acceptOldUntil)
  const isDeleted = await wroteRow(
    db
      .deleteFrom('heartwood_signing_key')
      .where('app_id', '=', swap.appId)
      .where('kid', '=', kid)
      .where('accepted_until', 'is', null)
      .where(({ not, exists }) => not(exists(nextKey(db, swap))))
      .returning('kid'),
  )
  if (isDeleted) await db.deleteFrom('heartwood_signing_key').where('app_id', '=', swap.appId).execute()
  return isDeleted
}

function keepPublicKey(db: Writer, kid: string, swap: Swap, acceptedUntil: NumericDate): Promise<boolean> {
  return wroteRow(
    db
      .updateTable('heartwood_signing_key')
      .set({ private_key: null, accepted_until: acceptedUntil })
      .where('app_id', '=', swap.appId)
      .where('kid', '=', kid)
      .where('accepted_until', 'is', null)
      .where(({ not, exists }) => not(exists(nextKey(db, swap))))
      .returning('kid'),
  )
}

function nextKey(db: Writer, { appId, nextKid }: Swap) {
  return db
    .selectFrom('heartwood_signing_key as other')
    .select('other.kid')
    .where('other.app_id', '=', appId)
    .where('other.kid', '=', nextKid)
}
