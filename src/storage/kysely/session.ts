import type { StorageSession } from '../../core/storage/index.ts'
import { KyselySecrets } from './secrets.ts'

/** Every verb of a storage, over the queries of one {@link Executor}. */
export class KyselySession extends KyselySecrets implements StorageSession {}
