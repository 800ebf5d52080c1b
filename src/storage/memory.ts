import { LicensingError } from '../core/errors.ts'
import type { Storage, StorageSession } from '../core/storage/index.ts'
import { apiKeyVerbs } from './memory/api-keys.ts'
import { appVerbs, signingKeyVerbs } from './memory/apps.ts'
import { customerVerbs } from './memory/customers.ts'
import { Journal } from './memory/journal.ts'
import { storedResponseVerbs } from './memory/idempotency.ts'
import { licenseVerbs } from './memory/licenses.ts'
import { deliveryVerbs, noticeVerbs, webhookVerbs } from './memory/outbox.ts'
import { sealedVerbs } from './memory/secrets.ts'
import { newTables, type SyncSession, type Tables } from './memory/tables.ts'
import { featureVerbs, tierFeatureVerbs, tierVerbs } from './memory/tiers.ts'

/**
 * A storage in the memory of this process: every promise of the contract, and gone when the process ends. For tests
 * and for trying things out. A million licenses take about 1.5 GB.
 *
 * Transactions run one after the other; a write outside waits for the one that is open, a read outside sees what was
 * committed last. After `close` every call rejects with a `LicensingError` of code `unavailable`.
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
  const verbs = allVerbs(newTables(journal))
  const inTurn = newQueue()
  let closed = false
  const requireOpen = (): void => {
    if (closed) throw new LicensingError('unavailable', 'The storage is closed')
  }
  const write = <T>(work: () => T): Promise<T> =>
    inTurn(() => {
      const result = journal.atomic(work)
      journal.commit()
      return result
    })
  const outside = sessionOf(verbs, async (verb, work) => {
    requireOpen()
    return isRead(verb) ? journal.committed(work) : write(work)
  })
  return {
    ...outside,
    transaction: async (work) => {
      requireOpen()
      return inTurn(() => runTransaction(journal, verbs, work))
    },
    ping: async () => requireOpen(),
    close: async () => {
      closed = true
      await inTurn(() => {})
    },
  }
}

async function runTransaction<T>(
  journal: Journal,
  verbs: SyncSession,
  work: (tx: StorageSession) => Promise<T>,
): Promise<T> {
  let open = true
  const tx = sessionOf(verbs, async (_verb, call) => {
    if (!open) throw new Error('This transaction is over')
    return journal.atomic(call)
  })
  try {
    const result = await work(tx)
    journal.commit()
    return result
  } catch (error) {
    journal.rollback()
    throw error
  } finally {
    open = false
  }
}

function allVerbs(tables: Tables): SyncSession {
  return {
    ...appVerbs(tables),
    ...signingKeyVerbs(tables),
    ...tierVerbs(tables),
    ...tierFeatureVerbs(tables),
    ...featureVerbs(tables),
    ...customerVerbs(tables),
    ...licenseVerbs(tables),
    ...apiKeyVerbs(tables),
    ...storedResponseVerbs(tables),
    ...webhookVerbs(tables),
    ...deliveryVerbs(tables),
    ...noticeVerbs(tables),
    ...sealedVerbs(tables),
  }
}

function isRead(verb: string): boolean {
  return /^(find|list|count)/.test(verb)
}

/** The verbs as a session, each run by `run`. */
function sessionOf(
  verbs: SyncSession,
  run: (verb: string, work: () => unknown) => Promise<unknown>,
): StorageSession {
  const entries = Object.entries<(...args: never[]) => unknown>(verbs)
  const session = entries.map(([verb, call]) => [verb, (...args: never[]) => run(verb, () => call(...args))])
  return Object.fromEntries(session) as StorageSession
}

/** Runs what it is given one after the other, in the order of asking. */
function newQueue(): <T>(work: () => T | Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = tail.then(work)
    tail = done.catch(() => {})
    return done
  }
}
