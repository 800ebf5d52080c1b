import type { StorageSession } from '../../core/storage/index.ts'
import { KyselyWebhookQueues } from './webhook-queues.ts'

/** Every verb of a storage, over the queries of one {@link Executor}. */
export class KyselySession extends KyselyWebhookQueues implements StorageSession {}
