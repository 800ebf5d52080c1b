import { LicensingError } from '../core/errors.ts'
import { serializer } from '../core/runtime/serializer.ts'
import type { Storage, StorageSession } from '../core/storage/index.ts'
import { apiKeyStorage } from './memory/api-keys.ts'
import { appStorage } from './memory/apps.ts'
import { auditChainStorage } from './memory/audit-chain.ts'
import { auditEntryStorage } from './memory/audit-entries.ts'
import { customerStorage } from './memory/customers.ts'
import { deletionStorage } from './memory/deletions.ts'
import { deliveryStorage } from './memory/deliveries.ts'
import { expiryNoticeStorage } from './memory/expiry-notices.ts'
import { featureStorage } from './memory/features.ts'
import { idempotencyStorage } from './memory/idempotency.ts'
import { Journal } from './memory/journal.ts'
import { keyStatementStorage } from './memory/key-statements.ts'
import { licenseKeyStorage } from './memory/license-keys.ts'
import { licenseStorage } from './memory/licenses.ts'
import type { Runner } from './memory/runner.ts'
import { searchStorage } from './memory/search.ts'
import { secretStorage } from './memory/secrets.ts'
import { signingKeyStorage } from './memory/signing-keys.ts'
import { newTables, type Tables } from './memory/tables.ts'
import { snapshotStorage } from './memory/snapshots.ts'
import { tallyStorage } from './memory/tallies.ts'
import { tierStorage } from './memory/tiers.ts'
import { webhookQueueStorage } from './memory/webhook-queues.ts'
import { webhookStorage } from './memory/webhooks.ts'

/**
 * A storage in the memory of this process. It keeps every promise of the contract, and its records are gone when the process
 * ends. Use it for tests and trials. A million licenses take about 1.5 GB.
 *
 * Transactions run one after the other. A write outside waits for the open transaction; a read outside sees the last
 * commit. After `close`, every call rejects with a `LicensingError` of code `unavailable`.
 *
 * @example
 * ```ts
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const storage = memoryStorage()
 * console.log(await storage.countApps({})) // 0
 * ```
 */
export function memoryStorage(): Storage {
  const journal = new Journal()
  const tables = newTables(journal)
  const serialize = serializer()
  let isClosed = false
  const requireOpen = (): void => {
    if (isClosed) throw new LicensingError('unavailable', 'The storage is closed')
  }
  const outside: Runner = {
    read: async (verb) => {
      requireOpen()
      return journal.committed(() => verb(tables))
    },
    write: async (verb) => {
      requireOpen()
      return serialize(() => {
        const result = journal.atomic(() => verb(tables))
        journal.commit()
        return result
      })
    },
  }
  return {
    ...sessionOf(outside),
    transaction: async (work) => {
      requireOpen()
      return serialize(() => runTransaction(journal, tables, work))
    },
    ping: async () => requireOpen(),
    close: async () => {
      isClosed = true
      await serialize(() => {})
    },
  }
}

async function runTransaction<T>(
  journal: Journal,
  tables: Tables,
  work: (tx: StorageSession) => Promise<T>,
): Promise<T> {
  let isOpen = true
  const faults: unknown[] = []
  const run = async <Result>(verb: (tables: Tables) => Result): Promise<Result> => {
    if (!isOpen) throw new Error('This transaction is over')
    try {
      return journal.atomic(() => verb(tables))
    } catch (error) {
      faults.push(error)
      throw error
    }
  }
  try {
    const result = await work(sessionOf({ read: run, write: run }))
    if (faults.length > 0) throw faults[0]
    journal.commit()
    return result
  } catch (error) {
    journal.rollback()
    throw error
  } finally {
    isOpen = false
  }
}

function sessionOf(runner: Runner): StorageSession {
  return {
    ...appStorage(runner),
    ...signingKeyStorage(runner),
    ...keyStatementStorage(runner),
    ...tierStorage(runner),
    ...featureStorage(runner),
    ...customerStorage(runner),
    ...licenseStorage(runner),
    ...licenseKeyStorage(runner),
    ...expiryNoticeStorage(runner),
    ...apiKeyStorage(runner),
    ...webhookStorage(runner),
    ...deliveryStorage(runner),
    ...idempotencyStorage(runner),
    ...secretStorage(runner),
    ...searchStorage(runner),
    ...deletionStorage(runner),
    ...auditChainStorage(runner),
    ...auditEntryStorage(runner),
    ...tallyStorage(runner),
    ...snapshotStorage(runner),
    ...webhookQueueStorage(runner),
  }
}
