import type { Act } from './acts/act.ts'
import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { licenseEvent, licenseKeyEvent } from './runtime/events.ts'
import { withTimeLimit } from './runtime/time-limit.ts'
import type { AppRecord, DeletedPage, DeletionPage, DeletionRecord, StorageSession } from './storage/index.ts'
import { type Emit, hasReceivers, inTransaction, unrecorded } from './transaction.ts'

/** A record with no more dependents than this is deleted in one transaction. */
const mostAtOnce = 1_000

/** Dependents that one transaction removes. A license with an event takes ten times as long as one that loses its tier. */
const pageSize = { least: 500, most: 5_000 } as const

/** PostgreSQL holds the locks of a page. So pages grow and shrink to about this time. SQLite ends its pages earlier by itself. */
const pageMs = { short: 50, long: 200 } as const

/** Milliseconds for which a caller waits for the pages. Then they go on without the caller. */
const patience = 3_000

/** True if the call must be whole in a transaction of somebody else's. */
function isPartOfWhole({ inHostTransaction, unit, recorder }: Context): boolean {
  return inHostTransaction || unit !== null || recorder !== null
}

/** The app, if anybody hears of the licenses that are deleted. */
async function findListening(context: Context, { kind, appId }: DeletionRecord): Promise<AppRecord | null> {
  if (kind !== 'customer') return null
  const app = await context.storage.findApp(appId)
  const isHeard =
    app !== null &&
    (['license.deleted', 'license_key.deleted'] as const).some((type) => hasReceivers(context, app, type))
  return isHeard ? app : null
}

async function tellDeleted(context: Context, app: AppRecord, page: DeletedPage, emit: Emit): Promise<void> {
  const now = context.runtime.now()
  for (const license of page.licenses) await emit(app, licenseEvent('license.deleted', license, now))
  // Its seats are gone already.
  for (const key of page.licenseKeys) await emit(app, licenseKeyEvent('license_key.deleted', key, 0, now))
}

interface RemovedPage extends DeletedPage {
  /** The duration of its statements. A commit takes about as long on a slow disk whatever the page has. */
  readonly elapsedMs: number
}

/** Resolves to `null` if another server has a page of this record, or has removed the last one. */
function removePage(
  context: Context,
  { id }: DeletionRecord,
  app: AppRecord | null,
  page: DeletionPage,
): Promise<RemovedPage | null> {
  const remove = async (tx: StorageSession, emit: Emit): Promise<RemovedPage | null> => {
    const begun = performance.now()
    const removed = await tx.continueDeletion(id, page)
    if (removed === null) return null
    if (app !== null) await tellDeleted(context, app, removed, emit)
    return { ...removed, elapsedMs: performance.now() - begun }
  }
  return inTransaction(context, remove, { alone: true })
}

function nextLimit(limit: number, elapsedMs: number): number {
  if (elapsedMs > pageMs.long) return Math.max(pageSize.least, Math.floor(limit / 2))
  return elapsedMs < pageMs.short ? Math.min(pageSize.most, limit * 2) : limit
}

/** Removes all pages, each in its own transaction. Resolves to `false` if another server removes them. */
async function finish(context: Context, deletion: DeletionRecord): Promise<boolean> {
  const app = await findListening(context, deletion)
  const wantsRecords = app !== null
  let page: DeletionPage = { limit: pageSize.least, wantsRecords }
  for (;;) {
    const removed = await removePage(context, deletion, app, page)
    if (removed === null) return false
    if (removed.isDone) return true
    const limit = nextLimit(page.limit, removed.elapsedMs)
    page = { limit, after: removed.next ?? undefined, wantsRecords }
  }
}

/** The deletion has begun and holds, so a database that fails later must not look like a failed deletion. */
function leaveRest(error: unknown): void {
  if (!(error instanceof LicensingError && error.code === 'unavailable')) throw error
}

/** Resolves to `false`, and changes nothing, if the record is small or gone. */
async function begin(context: Context, deletion: DeletionRecord, act: Act): Promise<boolean> {
  const begun = await inTransaction<object | null>(
    context,
    async (tx, _emit, note) => {
      if ((await tx.beginDeletion(deletion, mostAtOnce)) !== 'begun') return null
      note(act)
      return {}
    },
    { alone: true },
  )
  return begun !== null
}

/**
 * Deletes a record in one transaction, with the entry of the act. Resolves to `false` if `remove` does, because the record is
 * gone.
 */
export async function deleteAtOnce(
  context: Context,
  act: Act,
  remove: (tx: StorageSession) => Promise<boolean>,
): Promise<boolean> {
  const done = await inTransaction<object | null>(
    unrecorded(context),
    async (tx, _emit, note) => {
      if (!(await remove(tx))) return null
      note(act)
      return {}
    },
    { alone: true },
  )
  return done !== null
}

/**
 * Deletes a record that has many dependents in pages. Nobody finds it once the first transaction is committed. Pages that
 * take long go on after this resolves. If they fail or the process ends, `finishDeletions` does the rest.
 *
 * The first transaction writes the entry of the act. The pages have none, because nobody finds what they remove.
 *
 * Resolves to `false`, and changes nothing, if one transaction should do it, or if the record is gone.
 */
export async function deleteInPages(
  context: Context,
  record: Pick<DeletionRecord, 'id' | 'appId' | 'kind'>,
  act: Act,
): Promise<boolean> {
  if (isPartOfWhole(context)) return false
  const deletion = { ...record, startedAt: context.runtime.now() }
  if (!(await begin(context, deletion, act))) return false
  const pages = finish(context, deletion).catch(leaveRest)
  // An HTTP request that waited for the last of a million licenses would be cut.
  await withTimeLimit(pages, patience, () => {})
  return true
}

/** Finishes the deletions that a process has begun and not ended: see `Licensing.finishDeletions`. */
export async function finishDeletions(context: Context): Promise<number> {
  let count = 0
  for (const deletion of await context.storage.listDeletions()) if (await finish(context, deletion)) count++
  return count
}
