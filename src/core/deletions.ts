import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { licenseEvent } from './runtime/events.ts'
import type { AppRecord, DeletedPage, DeletionRecord, StorageSession } from './storage/index.ts'
import { type Emit, hasReceivers, inTransaction } from './transaction.ts'

/** A record with no more dependents than this is deleted in one transaction. */
const mostAtOnce = 5_000

/** Dependents that one transaction removes. SQLite does so on the event loop. An event costs several times as much. */
const pageSize = { silent: 500, announced: 100 } as const

/** True if the call must be whole in a transaction of somebody else's. */
function isPartOfWhole({ inHostTransaction, unit, recorder }: Context): boolean {
  return inHostTransaction || unit !== null || recorder !== null
}

/** The app, if anybody hears of the licenses that are deleted. */
async function findListening(context: Context, { kind, appId }: DeletionRecord): Promise<AppRecord | null> {
  if (kind !== 'customer') return null
  const app = await context.storage.findApp(appId)
  return app !== null && hasReceivers(context, app, 'license.deleted') ? app : null
}

/** Resolves to `null` if another server has a page of this record, or has removed the last one. */
function removePage(
  context: Context,
  { id }: DeletionRecord,
  app: AppRecord | null,
  after: string | null,
): Promise<DeletedPage | null> {
  const limit = app === null ? pageSize.silent : pageSize.announced
  const remove = async (tx: StorageSession, emit: Emit): Promise<DeletedPage | null> => {
    const page = await tx.continueDeletion(id, after === null ? { limit } : { limit, after })
    if (app === null || page === null) return page
    for (const license of page.licenses)
      await emit(app, licenseEvent('license.deleted', license, context.runtime.now()))
    return page
  }
  return inTransaction(context, remove, { alone: true })
}

/** Removes all pages, each in its own transaction. Resolves to `false` if another server removes them. */
async function finish(context: Context, deletion: DeletionRecord): Promise<boolean> {
  const app = await findListening(context, deletion)
  let after: string | null = null
  for (;;) {
    const page: DeletedPage | null = await removePage(context, deletion, app, after)
    if (page === null) return false
    if (page.isDone) return true
    after = page.next
  }
}

/** The deletion has begun and holds, so a database that fails later must not look like a failed deletion. */
function leaveRest(error: unknown): void {
  if (!(error instanceof LicensingError && error.code === 'unavailable')) throw error
}

/**
 * Deletes a record that has many dependents in pages. Nobody finds it once the first transaction is committed. If the pages
 * fail or the process ends, `finishDeletions` does the rest.
 *
 * Resolves to `false`, and changes nothing, if one transaction should do it, or if the record is gone.
 */
export async function deleteInPages(
  context: Context,
  record: Pick<DeletionRecord, 'id' | 'appId' | 'kind'>,
): Promise<boolean> {
  if (isPartOfWhole(context)) return false
  const deletion = { ...record, startedAt: context.runtime.now() }
  const outcome = await context.storage.beginDeletion(deletion, mostAtOnce)
  if (outcome === 'begun') await finish(context, deletion).catch(leaveRest)
  return outcome === 'begun'
}

/** Finishes the deletions that a process has begun and not ended: see `Licensing.finishDeletions`. */
export async function finishDeletions(context: Context): Promise<number> {
  let count = 0
  for (const deletion of await context.storage.listDeletions()) if (await finish(context, deletion)) count++
  return count
}
