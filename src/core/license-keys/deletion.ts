import { actIn } from '../acts/act.ts'
import type { Context } from '../context.ts'
import { retryUntilWon } from '../retry.ts'
import { licenseKeyEvent } from '../runtime/events.ts'
import type { AppRecord } from '../storage/index.ts'
import { inTransaction, unrecorded } from '../transaction.ts'
import { findKnown, licenseKeyAct, licenseKeyNotFound } from './changes.ts'

/** Seats that one transaction deletes. */
const pageSize = 1_000
/** A license key with no more seats is deleted in one transaction. */
const mostAtOnce = 1_000

/** Each page is a commit, so each has an entry in the audit log. */
async function deleteSeatPage(context: Context, app: AppRecord, id: string): Promise<number> {
  const page = await inTransaction(unrecorded(context), async (tx, _emit, note) => {
    const count = await tx.deleteSeats(id, pageSize)
    const changes = { licenses_deleted: [null, count] as const }
    if (count > 0) note(actIn(app, 'licenses.deleted', ['license_key', id], changes))
    return { count }
  })
  return page.count
}

/** Whoever holds a revoked license key gets no new seat, so the pages come to an end. */
async function deleteManySeats(
  context: Context,
  app: AppRecord,
  id: string,
  revoke: () => Promise<unknown>,
): Promise<void> {
  const filter = { appId: app.id, licenseKeyId: id, now: context.runtime.now() }
  if ((await context.storage.countLicenses(filter)) <= mostAtOnce) return
  if (context.inHostTransaction || context.unit !== null) return
  await revoke()
  while ((await deleteSeatPage(context, app, id)) === pageSize);
}

/** Deletes a license key with its seats. Many of them go first, in pages, after `revoke` has ended the license key. */
export async function deleteLicenseKey(
  context: Context,
  app: AppRecord,
  id: string,
  revoke: () => Promise<unknown>,
): Promise<void> {
  await findKnown(context, app, id)
  await deleteManySeats(context, app, id, revoke)
  const work = () =>
    inTransaction(context, async (tx, emit, note) => {
      const held = await tx.holdLicenseKey(id)
      if (held === null) throw licenseKeyNotFound()
      const used = await tx.countSeats(id)
      await tx.deleteLicenseKey(id)
      note(licenseKeyAct(app, 'license_key.deleted', held, null))
      await emit(app, licenseKeyEvent('license_key.deleted', held, used, context.runtime.now()))
      return {}
    })
  await retryUntilWon(work)
}
