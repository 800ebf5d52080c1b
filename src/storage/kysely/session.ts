import type { StorageSession } from '../../core/storage/index.ts'
import { KyselyDeletions } from './deletions.ts'

/** Every verb of a storage, over the queries of one {@link Executor}. */
export class KyselySession extends KyselyDeletions implements StorageSession {}
