import type {
  KeyStatementRecord,
  NumericDate,
  Retirement,
  SigningKeyRecord,
  SigningKeyStorage,
} from '../../core/storage/index.ts'
import { KyselyApps } from './apps.ts'
import type { Writer } from './executor.ts'
import { insertUnlessTaken, wroteRow } from './queries.ts'
import { keyStatementRows, signingKeyRows } from './rows.ts'

export abstract class KyselySigningKeys extends KyselyApps implements SigningKeyStorage {
  async findActiveKey(appId: string): Promise<SigningKeyRecord | null> {
    return signingKeyRows.toRecordOrNull(await this.executor.readFirst(this.executor.hot.activeKey, [appId]))
  }

  async listSigningKeys(appId: string): Promise<readonly SigningKeyRecord[]> {
    return signingKeyRows.toRecords(await this.executor.readAll(this.executor.hot.signingKeys, [appId]))
  }

  async swapActiveKey(
    appId: string,
    expectedKid: string | null,
    next: SigningKeyRecord,
    acceptOldUntil: NumericDate | null,
    retirement: Retirement = { retiredAt: next.createdAt, retiredReason: 'rotated' },
    statements: readonly KeyStatementRecord[] = [],
  ): Promise<boolean> {
    const swap = { appId, nextKid: next.kid, acceptOldUntil, retirement }
    const isSwapped = await this.executor.atomically(async (db) => {
      if (expectedKid !== null && !(await retire(db, expectedKid, swap))) return false
      const key = { ...next, appId, acceptedUntil: null, retiredAt: null, retiredReason: null }
      if (!(await insertUnlessTaken(db, 'heartwood_signing_key', signingKeyRows.toRow(key)))) return false
      await insertStatements(db, statements)
      return true
    })
    if (isSwapped) await this.executor.secretErased()
    return isSwapped
  }

  async endGracePeriods(appId: string, kids: readonly string[]): Promise<void> {
    if (kids.length > 0) await this.executor.write((db) => endGracePeriods(db, appId, kids))
  }
}

/** A taken `seq` breaks the primary key, and with it the step. */
async function insertStatements(db: Writer, statements: readonly KeyStatementRecord[]): Promise<void> {
  for (const statement of statements)
    await db.insertInto('heartwood_key_statement').values(keyStatementRows.toRow(statement)).execute()
}

interface Swap {
  readonly appId: string
  readonly nextKid: string
  readonly acceptOldUntil: NumericDate | null
  readonly retirement: Retirement
}

/** Retires the active key if it is still `kid` and the next kid is new, so that the next key can then be written. */
async function retire(db: Writer, kid: string, swap: Swap): Promise<boolean> {
  const { acceptOldUntil, retirement } = swap
  const tombstone = signingKeyRows.toColumns({
    ...retirement,
    privateKey: null,
    acceptedUntil: acceptOldUntil ?? 0,
  })
  const isRetired = await wroteRow(
    db
      .updateTable('heartwood_signing_key')
      .set(tombstone)
      .where('app_id', '=', swap.appId)
      .where('kid', '=', kid)
      .where('accepted_until', 'is', null)
      .where(({ not, exists }) => not(exists(nextKey(db, swap))))
      .returning('kid'),
  )
  if (isRetired && acceptOldUntil === null) await endGracePeriods(db, swap.appId)
  return isRetired
}

/** Those of the named keys; without names, of all keys. The active key has none. */
async function endGracePeriods(db: Writer, appId: string, kids?: readonly string[]): Promise<void> {
  const ended = db
    .updateTable('heartwood_signing_key')
    .set({ accepted_until: 0 })
    .where('app_id', '=', appId)
    .where('accepted_until', '>', 0)
  await (kids === undefined ? ended : ended.where('kid', 'in', kids)).execute()
}

function nextKey(db: Writer, { appId, nextKid }: Swap) {
  return db
    .selectFrom('heartwood_signing_key as other')
    .select('other.kid')
    .where('other.app_id', '=', appId)
    .where('other.kid', '=', nextKid)
}
