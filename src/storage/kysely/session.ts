import type { StorageSession } from '../../core/storage/index.ts'
import { KyselyBatches } from './batches.ts'

/** Every verb of a storage, over the queries of one {@link Executor}. */
export class KyselySession extends KyselyBatches implements StorageSession {}
