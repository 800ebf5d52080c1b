import type { SecretLocation, SecretStorage } from '../../core/storage/index.ts'
import { keyCheckName } from '../schema.ts'
import type { Writer } from './executor.ts'
import { KyselyIdempotency } from './idempotency.ts'
import { wroteRow } from './queries.ts'

export abstract class KyselySecrets extends KyselyIdempotency implements SecretStorage {
  claimKeyCheck(sealed: string): Promise<string> {
    return this.executor.atomically(async (db) => {
      const claim = db.insertInto('heartwood_setting').values({ name: keyCheckName, value: sealed })
      await claim.onConflict((conflict) => conflict.doNothing()).execute()
      const stored = db.selectFrom('heartwood_setting').select('value').where('name', '=', keyCheckName)
      return (await stored.executeTakeFirstOrThrow()).value
    })
  }

  async reseal(location: SecretLocation, expected: string, next: string): Promise<boolean> {
    const isResealed = await this.executor.write((db) => reseal(db, location, expected, next))
    // The check record is resealed last, so that this erases all texts under the old master key.
    if (isResealed && location.kind === 'keyCheck') await this.executor.secretErased()
    return isResealed
  }
}

function reseal(db: Writer, location: SecretLocation, expected: string, next: string): Promise<boolean> {
  switch (location.kind) {
    case 'keyCheck':
      return resealKeyCheck(db, expected, next)
    case 'tokenSecret':
      return resealTokenSecret(db, location.appId, expected, next)
    case 'privateKey':
      return resealPrivateKey(db, location, expected, next)
    case 'storedResponse':
      return resealResponse(db, location, expected, next)
  }
}

function resealKeyCheck(db: Writer, expected: string, next: string): Promise<boolean> {
  const check = db.updateTable('heartwood_setting').set({ value: next }).where('name', '=', keyCheckName)
  return wroteRow(check.where('value', '=', expected).returning('name'))
}

function resealTokenSecret(db: Writer, appId: string, expected: string, next: string): Promise<boolean> {
  const app = db.updateTable('heartwood_app').set({ token_secret: next }).where('id', '=', appId)
  return wroteRow(app.where('token_secret', '=', expected).returning('id'))
}

function resealPrivateKey(
  db: Writer,
  { appId, kid }: { readonly appId: string; readonly kid: string },
  expected: string,
  next: string,
): Promise<boolean> {
  const key = db.updateTable('heartwood_signing_key').set({ private_key: next }).where('app_id', '=', appId)
  return wroteRow(key.where('kid', '=', kid).where('private_key', '=', expected).returning('kid'))
}

function resealResponse(
  db: Writer,
  { scope, key }: { readonly scope: string; readonly key: string },
  expected: string,
  next: string,
): Promise<boolean> {
  const response = db.updateTable('heartwood_kept_answer').set({ answer: next }).where('scope', '=', scope)
  return wroteRow(response.where('key', '=', key).where('answer', '=', expected).returning('key'))
}
