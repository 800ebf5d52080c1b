import type { Kysely } from 'kysely'
import type { SecretLocation, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, wrote } from './session.ts'

type SealedVerbs = Pick<StorageSession, 'claimKeyCheck' | 'reseal'>

const keyCheck = 'key_check'

export function sealedVerbs({ write, atomically }: Access): SealedVerbs {
  return {
    claimKeyCheck: (sealed) =>
      atomically(async (db) => {
        const claim = db.insertInto('heartwood_setting').values({ name: keyCheck, value: sealed })
        await claim.onConflict((conflict) => conflict.doNothing()).execute()
        const standing = db.selectFrom('heartwood_setting').select('value').where('name', '=', keyCheck)
        return (await standing.executeTakeFirstOrThrow()).value
      }),
    reseal: (place, expected, next) => reseal(write, place, expected, next),
  }
}

function reseal(
  db: Kysely<Database>,
  place: SecretLocation,
  expected: string,
  next: string,
): Promise<boolean> {
  switch (place.kind) {
    case 'keyCheck':
      return resealKeyCheck(db, expected, next)
    case 'tokenSecret':
      return resealTokenSecret(db, place.appId, expected, next)
    case 'privateKey':
      return resealPrivateKey(db, place, expected, next)
    case 'storedResponse':
      return resealAnswer(db, place, expected, next)
  }
}

function resealKeyCheck(db: Kysely<Database>, expected: string, next: string): Promise<boolean> {
  const check = db.updateTable('heartwood_setting').set({ value: next }).where('name', '=', keyCheck)
  return wrote(check.where('value', '=', expected).returning('name'))
}

function resealTokenSecret(
  db: Kysely<Database>,
  appId: string,
  expected: string,
  next: string,
): Promise<boolean> {
  const app = db.updateTable('heartwood_app').set({ token_secret: next }).where('id', '=', appId)
  return wrote(app.where('token_secret', '=', expected).returning('id'))
}

function resealPrivateKey(
  db: Kysely<Database>,
  { appId, kid }: { readonly appId: string; readonly kid: string },
  expected: string,
  next: string,
): Promise<boolean> {
  const key = db.updateTable('heartwood_signing_key').set({ private_key: next }).where('app_id', '=', appId)
  return wrote(key.where('kid', '=', kid).where('private_key', '=', expected).returning('kid'))
}

function resealAnswer(
  db: Kysely<Database>,
  { scope, key }: { readonly scope: string; readonly key: string },
  expected: string,
  next: string,
): Promise<boolean> {
  const kept = db.updateTable('heartwood_kept_answer').set({ answer: next }).where('scope', '=', scope)
  return wrote(kept.where('key', '=', key).where('answer', '=', expected).returning('key'))
}
