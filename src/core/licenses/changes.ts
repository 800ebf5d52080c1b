import { inTransaction } from '../transaction.ts'
import type { Context } from '../context.ts'
import { statusOf } from '../token/decision.ts'
import { LicensingError } from '../errors.ts'
import { licenseEvent, type LicenseEventType } from '../runtime/events.ts'
import { toUnsigned, type SignedLicense } from './view.ts'
import { requireLicense } from '../lookup.ts'
import { retryUntilWon } from '../retry.ts'
import type { AppRecord, LicensePatch, LicenseRecord, NumericDate, StorageSession } from '../storage/index.ts'

/** A change to a license, and the event that announces it. */
export interface LicenseChange {
  readonly patch: LicensePatch
  readonly event: LicenseEventType
}

/**
 * Plans the change to a license as it was just read; `null` to change nothing. If another request was faster, the license is
 * read again and the change is planned anew.
 */
export type ChangePlan = (license: LicenseRecord) => LicenseChange | null | Promise<LicenseChange | null>

function placeTaken(holder: LicenseRecord): LicensingError {
  return new LicensingError('conflict', `Installation already has an active license: ${holder.id}`, {
    details: { installationId: [`already has an active license: ${holder.id}`] },
  })
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the license first')
}

/** @throws {LicensingError} `conflict`, naming it, when another license holds the place and is active. */
async function checkPlace(
  context: Context,
  app: AppRecord,
  installationId: string,
  id: string,
): Promise<void> {
  const holder = await context.storage.findCurrentLicense(app.id, installationId)
  if (holder !== null && holder.id !== id && statusOf(holder, context.runtime.now()) === 'active')
    throw placeTaken(holder)
}

/** Whether the license, as changed, gets its installation's place: an active or reinstated one always, another a free one. */
async function placeFor(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<boolean | undefined> {
  const next = { ...license, ...patch }
  const moved = next.installationId !== license.installationId
  if (license.current && !moved) return undefined
  const isReinstated = license.revokedAt !== null && next.revokedAt === null
  if (isReinstated || statusOf(next, context.runtime.now()) === 'active') return true
  return moved
    ? (await context.storage.findCurrentLicense(license.appId, next.installationId)) === null
    : undefined
}

/** The patch with the place that goes with it, and the time. */
async function completed(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<LicensePatch> {
  const current = await placeFor(context, license, patch)
  return { ...patch, ...(current !== undefined && { current }), updatedAt: context.runtime.now() }
}

/** Writes the license, setting an expired or revoked holder of the place it takes aside. */
async function write(
  tx: StorageSession,
  license: LicenseRecord,
  patch: LicensePatch,
  now: NumericDate,
): Promise<LicenseRecord | null> {
  const installationId = patch.installationId ?? license.installationId
  if (patch.current === true) await tx.releaseInstallation(license.appId, installationId, now, license.id)
  return tx.updateLicense(license.id, license.version, patch)
}

/** Writes one planned change. Resolves to `null` if another request changed the license first. */
async function applyChange(
  context: Context,
  app: AppRecord,
  license: LicenseRecord,
  { patch, event }: LicenseChange,
): Promise<SignedLicense | null> {
  const whole = await completed(context, license, patch)
  // Made before the transaction, because its `jti` waits for cryptography.
  const result = await toUnsigned(context, app, { ...license, ...whole })
  const saved = await inTransaction(context, async (tx, emit) => {
    const written = await write(tx, license, whole, context.runtime.now())
    if (written === null) return null
    await emit(app, licenseEvent(event, written, context.runtime.now()))
    return result
  })
  if (saved === null && whole.current === true)
    await checkPlace(context, app, result.installationId, license.id)
  return saved
}

/**
 * Changes a license by compare-and-set (`updateLicense`): of concurrent changes each is judged on the outcome of the one
 * before it, so none is lost and none is applied to a state it would have refused. Resolves to the license, not yet signed.
 *
 * @throws {LicensingError} `not_found`; `conflict` when the installation's place is held by an active license; whatever
 * `plan` throws.
 */
export async function changeLicense(
  context: Context,
  app: AppRecord,
  id: string,
  plan: ChangePlan,
): Promise<SignedLicense> {
  const attempt = async (): Promise<SignedLicense | null> => {
    const license = await requireLicense(context, app, id)
    const change = await plan(license)
    return change === null ? toUnsigned(context, app, license) : applyChange(context, app, license, change)
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/**
 * Writes a new license into its installation's place (`releaseInstallation`, then `insertLicense`): of concurrent writers
 * one wins. `make` is called again when customer or tier changed underneath.
 *
 * @throws {LicensingError} `conflict`, naming the active license that holds the place.
 */
export async function writeNewLicense(
  context: Context,
  app: AppRecord,
  make: () => Promise<LicenseRecord>,
): Promise<SignedLicense> {
  const attempt = async (): Promise<SignedLicense | null> => {
    const license = await make()
    const result = await toUnsigned(context, app, license)
    const saved = await inTransaction(context, async (tx, emit) => {
      await tx.releaseInstallation(app.id, license.installationId, context.runtime.now())
      if (!(await tx.insertLicense(license))) return null
      await emit(app, licenseEvent('license.created', license, context.runtime.now()))
      return result
    })
    if (saved === null) await checkPlace(context, app, license.installationId, license.id)
    return saved
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/**
 * Deletes a license. The event holds the state it was in.
 *
 * @throws {LicensingError} `not_found`.
 */
export async function deleteLicense(context: Context, app: AppRecord, id: string): Promise<void> {
  const attempt = async (): Promise<object | null> => {
    const license = await requireLicense(context, app, id)
    return inTransaction(context, async (tx, emit) => {
      const last = await tx.updateLicense(id, license.version, {})
      if (last === null || !(await tx.deleteLicense(id))) return null
      await emit(app, licenseEvent('license.deleted', last, context.runtime.now()))
      return {}
    })
  }
  await retryUntilWon(attempt, { lost: lostTooOften })
}
