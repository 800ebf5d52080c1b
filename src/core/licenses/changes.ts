import { type Act, actIn, entryOf } from '../acts/act.ts'
import { licenseChanges } from '../acts/records.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { requireLicense } from '../lookup.ts'
import { retryUntilWon } from '../retry.ts'
import { licenseEvent, releaseEvent, type LicenseEventType } from '../runtime/events.ts'
import type {
  AppRecord,
  AuditEntryRecord,
  LicenseKeyRecord,
  LicensePatch,
  LicenseRecord,
  NumericDate,
  StorageSession,
} from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import { type Emit, inTransaction, lostIfGone, type Note } from '../transaction.ts'
import { takeSeat } from './seats.ts'
import { toUnsigned, type SignedLicense } from './view.ts'

/** An act on a license, from one of its states to the next. */
export function licenseAct(
  app: AppRecord,
  action: string,
  before: LicenseRecord | null,
  after: LicenseRecord | null,
): Act {
  const id = after?.id ?? before?.id ?? null
  return actIn(app, action, ['license', id], licenseChanges(before, after))
}

/** The act of giving a seat back, or of taking it away. */
export function releaseAct(app: AppRecord, seat: LicenseRecord): Act {
  const before = { ...seat, revokedAt: null, revokedReason: null, revokedCause: null }
  return licenseAct(app, 'license.released', before, seat)
}

/** A change to a license, and the event that announces it. */
export interface LicenseChange {
  readonly patch: LicensePatch
  readonly event: LicenseEventType
  /** True for a renewal by the license's own token: nobody acts, so it has no entry in the audit log. */
  readonly isRenewal?: boolean
  /** The license key of which the license takes a seat again, as it was read with the license. */
  readonly takes?: LicenseKeyRecord | undefined
}

/**
 * Plans the change to a license as it was just read; `null` changes nothing. If another request was faster, the license is
 * read again and the change is planned anew.
 */
export type ChangePlan = (license: LicenseRecord) => LicenseChange | null | Promise<LicenseChange | null>

function slotOccupied(holder: LicenseRecord): LicensingError {
  return new LicensingError('conflict', `Installation already has an active license: ${holder.id}`, {
    details: { installationId: [`already has an active license: ${holder.id}`] },
  })
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the license first')
}

/** @throws {LicensingError} `conflict`, naming the other license, if an active one occupies the installation slot. */
async function checkSlot(
  context: Context,
  app: AppRecord,
  installationId: string,
  id: string,
): Promise<void> {
  const holder = await context.storage.findCurrentLicense(app.id, installationId)
  if (holder !== null && holder.id !== id && statusOf(holder, context.runtime.now()) === 'active')
    throw slotOccupied(holder)
}

/** @throws {LicensingError} `not_found` if the app is gone; `conflict` as {@link checkSlot} does. */
async function explainLoss(context: Context, app: AppRecord, license: LicenseRecord): Promise<void> {
  if ((await context.storage.findApp(app.id)) === null) throw new LicensingError('not_found', 'App not found')
  await checkSlot(context, app, license.installationId, license.id)
}

/**
 * An active or reinstated license takes its installation slot, and so does a seat that is taken; any other takes a free one.
 * `undefined`: no change.
 */
async function slotAfter(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<boolean | undefined> {
  const next = { ...license, ...patch }
  const isMoved = next.installationId !== license.installationId
  if (license.current && !isMoved) return undefined
  const isReinstated = license.revokedAt !== null && next.revokedAt === null
  const isTakenSeat = next.licenseKeyId !== null && next.revokedAt === null
  if (isReinstated || isTakenSeat || statusOf(next, context.runtime.now()) === 'active') return true
  return isMoved
    ? (await context.storage.findCurrentLicense(license.appId, next.installationId)) === null
    : undefined
}

async function completed(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<LicensePatch> {
  const current = await slotAfter(context, license, patch)
  return { ...patch, ...(current !== undefined && { current }), updatedAt: context.runtime.now() }
}

/** The transaction in which a license takes its place. */
interface Taking {
  readonly app: AppRecord
  readonly now: NumericDate
  readonly tx: StorageSession
  readonly emit: Emit
  readonly note: Note
}

/**
 * Frees a place from a license that has ended, if that is not `exceptId`. A taken seat loses its license key with the place, so
 * it has an entry and an event of its own. Resolves to `false` after a lost race.
 */
export async function freePlace(
  { app, now, tx, emit, note }: Taking,
  installationId: string,
  exceptId?: string,
): Promise<boolean> {
  const holder = await tx.findCurrentLicense(app.id, installationId)
  const isSeat = holder !== null && holder.licenseKeyId !== null && holder.revokedAt === null
  if (!isSeat || holder.id === exceptId || statusOf(holder, now) === 'active') {
    // A license that is being deleted is hidden, and still has its place.
    await tx.releaseInstallation(app.id, installationId, now, exceptId)
    return true
  }
  const lost = { revokedAt: now, revokedReason: null, revokedCause: 'replaced', current: false } as const
  const left = await tx.updateLicense(holder.id, holder.version, { ...lost, updatedAt: now })
  if (left === null) return false
  note(releaseAct(app, left))
  await emit(app, releaseEvent(left, now))
  return true
}

/** Frees the place that the license takes from one that has ended, then writes the license and the entry. */
async function write(
  taking: Taking,
  license: LicenseRecord,
  patch: LicensePatch,
  entry: AuditEntryRecord | undefined,
): Promise<LicenseRecord | null> {
  const installationId = patch.installationId ?? license.installationId
  if (patch.current === true && !(await freePlace(taking, installationId, license.id))) return null
  return taking.tx.updateLicense(license.id, license.version, patch, entry)
}

/** Resolves to `null` if another request changed the license first. */
async function applyChange(
  context: Context,
  app: AppRecord,
  license: LicenseRecord,
  { patch, event, takes, isRenewal = false }: LicenseChange,
): Promise<SignedLicense | null> {
  const whole = await completed(context, license, patch)
  // The result is made before the transaction, because its `jti` waits for cryptography.
  const next = { ...license, ...whole }
  const result = await toUnsigned(context, app, next)
  const now = context.runtime.now()
  const change = async (tx: StorageSession, emit: Emit, note: Note): Promise<SignedLicense | null> => {
    if (takes !== undefined && !(await takeSeat(tx, takes))) return null
    const entry = isRenewal ? undefined : entryOf(context, licenseAct(app, event, license, next))
    const written = await write({ app, now, tx, emit, note }, license, whole, entry)
    if (written === null) return null
    await emit(app, licenseEvent(event, written, now))
    return result
  }
  const isOneWrite = app.webhookUrl === null && whole.current !== true && takes === undefined
  const saved = await lostIfGone(context, inTransaction(context, change, { isOneWrite }))
  if (saved === null && whole.current === true)
    await checkSlot(context, app, result.installationId, license.id)
  return saved
}

/**
 * Changes a license by compare-and-set (`updateLicense`). Each of several concurrent changes is planned on the result of the
 * one before it. So no change is lost, and none is applied to a state that its plan would have refused.
 *
 * Resolves to the license, not yet signed.
 *
 * @param known The license, if the caller has just read it. A retry reads it again.
 * @throws {LicensingError} `not_found`; `conflict` if another active license occupies the installation slot; whatever `plan`
 * throws.
 */
export async function changeLicense(
  context: Context,
  app: AppRecord,
  id: string,
  plan: ChangePlan,
  known: LicenseRecord | null = null,
): Promise<SignedLicense> {
  let first = known
  const attempt = async (): Promise<SignedLicense | null> => {
    const license = first ?? (await requireLicense(context, app, id))
    first = null
    const change = await plan(license)
    return change === null ? toUnsigned(context, app, license) : applyChange(context, app, license, change)
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/** A new license, and the result of its creation, which an idempotency key stores. */
interface Creation {
  readonly license: LicenseRecord
  readonly result: SignedLicense
}

/**
 * Resolves to `null` if the license's installation slot is occupied.
 *
 * @param slot `ended`: an expired or revoked license gives its slot up first. Most slots are free, so that costs extra.
 */
async function insertNew(
  context: Context,
  app: AppRecord,
  { license, result }: Creation,
  slot: 'free' | 'ended',
): Promise<SignedLicense | null> {
  const now = context.runtime.now()
  const insert = async (tx: StorageSession, emit: Emit, note: Note): Promise<SignedLicense | null> => {
    const isFree = slot === 'free' || (await freePlace({ app, now, tx, emit, note }, license.installationId))
    if (!isFree) return null
    const entry = entryOf(context, licenseAct(app, 'license.created', null, license))
    if (!(await tx.insertLicense(license, entry))) return null
    await emit(app, licenseEvent('license.created', license, now))
    return result
  }
  const isOneWrite = app.webhookUrl === null && slot === 'free'
  return lostIfGone(context, inTransaction(context, insert, { isOneWrite }))
}

/**
 * Writes a new license into its installation slot (`insertLicense`, if need be after {@link freePlace}). One of several concurrent
 * writers wins. The others call `make` again, because customer or tier may have changed, or be gone.
 *
 * Resolves to the license, not yet signed.
 *
 * @throws {LicensingError} `conflict`, naming the active license that occupies the slot; `not_found` if the app is gone;
 * whatever `make` throws.
 */
export async function writeNewLicense(
  context: Context,
  app: AppRecord,
  make: () => Promise<LicenseRecord>,
): Promise<SignedLicense> {
  const attempt = async (): Promise<SignedLicense | null> => {
    const license = await make()
    const creation = { license, result: await toUnsigned(context, app, license) }
    const created =
      (await insertNew(context, app, creation, 'free')) ?? (await insertNew(context, app, creation, 'ended'))
    if (created === null) await explainLoss(context, app, license)
    return created
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/** Deletes a license. The event holds its last state. @throws {LicensingError} `not_found`. */
export async function deleteLicense(context: Context, app: AppRecord, id: string): Promise<void> {
  const attempt = async (): Promise<object | null> => {
    const license = await requireLicense(context, app, id)
    return inTransaction(context, async (tx, emit, note) => {
      const last = await tx.updateLicense(id, license.version, {})
      if (last === null || !(await tx.deleteLicense(id))) return null
      note(licenseAct(app, 'license.deleted', last, null))
      await emit(app, licenseEvent('license.deleted', last, context.runtime.now()))
      return {}
    })
  }
  await retryUntilWon(attempt, { lost: lostTooOften })
}
