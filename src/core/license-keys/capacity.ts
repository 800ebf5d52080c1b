import type { Context } from '../context.ts'
import { releaseAct } from '../licenses/changes.ts'
import { noFreeSeat } from '../licenses/seats.ts'
import { licenseKeyEvent, releaseEvent } from '../runtime/events.ts'
import type { AppRecord, LicenseKeyPatch, LicenseKeyRecord, NumericDate } from '../storage/index.ts'
import { day } from '../time.ts'
import { hasReceivers, inTransaction, lostIfGone, unrecorded } from '../transaction.ts'
import type { Turn } from './turn.ts'
import { releaseCounted, releasesLeft } from './view.ts'

/** Seconds between two announcements that a license key is full. */
const quiet = 3_600

/** A seat that was last seen before this time may be given away; `null` if none may. */
function idleBefore({ idleDays }: LicenseKeyRecord, now: NumericDate): NumericDate | null {
  return idleDays === null ? null : now - idleDays * day
}

/** Only one seat is replaced at a time. A license key with more seats than were sold gives none away. */
function mayReplace(key: LicenseKeyRecord, used: number, now: NumericDate): boolean {
  return key.whenFull === 'replace_oldest' && used === key.seats && releasesLeft(key, now) !== 0
}

/** True if a new installation will find no seat. It reads outside any transaction, so it saves work and decides nothing. */
export async function isFull(
  { storage, runtime }: Context,
  key: LicenseKeyRecord,
  used: number,
): Promise<boolean> {
  const now = runtime.now()
  if (used < key.seats) return false
  const before = idleBefore(key, now)
  const lively = before === null ? used : used - (await storage.countSeats(key.id, before))
  return lively >= key.seats && !mayReplace(key, lively, now)
}

/** Gives away seats that were silent for too long, as many as are needed. Resolves to the number of taken seats. */
async function takeIdle({ app, key, now, tx, emit, note }: Turn, used: number): Promise<number> {
  const seenBefore = idleBefore(key, now)
  if (used < key.seats || seenBefore === null) return used
  const limit = used - key.seats + 1
  const lapsed = await tx.releaseSeats({ licenseKeyId: key.id, now, cause: 'lapsed', seenBefore, limit })
  for (const seat of lapsed) {
    note(releaseAct(app, seat))
    await emit(app, releaseEvent(seat, now))
  }
  return used - lapsed.length
}

/** Room for one more seat. */
interface Room {
  /** Taken seats, without the new one. */
  readonly used: number
  readonly patch: LicenseKeyPatch
}

/**
 * Makes room for one more seat beside the taken ones.
 *
 * @throws {LicensingError} `seat_limit_reached`: then the transaction undoes all.
 */
export async function makeRoom(turn: Turn, taken: number): Promise<Room> {
  const { app, key, now, tx, emit, note } = turn
  const used = await takeIdle(turn, taken)
  if (used < key.seats) return { used, patch: {} }
  if (!mayReplace(key, used, now)) throw noFreeSeat(key, used)
  const replaced = await tx.releaseSeats({ licenseKeyId: key.id, now, cause: 'replaced', limit: 1 })
  for (const seat of replaced) {
    note(releaseAct(app, seat))
    await emit(app, releaseEvent(seat, now))
  }
  return { used: used - replaced.length, patch: releaseCounted(key, now) }
}

/** Emits that an installation found no seat, once an hour at most. The refusal has undone its own transaction. */
export async function announceFull(
  context: Context,
  app: AppRecord,
  { id }: LicenseKeyRecord,
): Promise<void> {
  if (context.inHostTransaction || context.unit !== null) return
  if (!hasReceivers(context, app, 'license_key.seat_limit_reached')) return
  const key = await context.storage.findLicenseKey(app.id, id)
  const now = context.runtime.now()
  if (key === null || (key.toldFull !== null && now < key.toldFull + quiet)) return
  const announced = inTransaction(unrecorded(context), async (tx, emit) => {
    const told = await tx.updateLicenseKey(id, key.version, { toldFull: now })
    if (told === null) return null
    await emit(app, licenseKeyEvent('license_key.seat_limit_reached', told, await tx.countSeats(id), now))
    return {}
  })
  // After a lost race the next refusal announces it.
  await lostIfGone(context, announced)
}
