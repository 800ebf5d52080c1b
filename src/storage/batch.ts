/**
 * Internal to Heartwood: the command line imports and checks many records at once through this file.
 *
 * @module
 */
import type { StorageSession } from '../core/storage/index.ts'
import type { KyselyBatches } from './kysely/batches.ts'
import { KyselySession } from './kysely/session.ts'

export { batchSize, type BatchRecords } from './kysely/batch.ts'

/** The verbs of a session for many records at once. The command line opens databases over Kysely only. */
export function batchesOf(session: StorageSession): KyselyBatches {
  if (session instanceof KyselySession) return session
  throw new TypeError('The session is over no database')
}
