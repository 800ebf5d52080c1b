import { commit } from '../transaction.ts'
import type { Context } from '../context.ts'
import { statusOf } from '../token/decision.ts'
import { LicensingError } from '../errors.ts'
import { newsOf, type LicenseEventType } from '../runtime/events.ts'
import { unsignedView } from './view.ts'
import { requireLicense } from '../lookup.ts'
import type { AppRecord, LicensePatch, LicenseRecord, NumericDate, StorageSession } from '../storage/index.ts'

/**
 * What to write, judged on the license as it was just read; `null` for nothing. Called again on the new state when
 * another request was faster.
 */
export type LicenseChange = (license: LicenseRecord) => LicensePatch | null | Promise<LicensePatch | null>

/** Each lost race means that another request got through; with the pauses, this many in a row need thousands of rivals. */
const maxAttempts = 64

/** Rivals that come back at once would keep meeting: after a few attempts each waits for a time of its own. */
async function pauseBefore(attempt: number): Promise<void> {
  if (attempt < 4) return
  const milliseconds = Math.random() * Math.min(100, 4 * attempt)
  await new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
}

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
  if (holder !== null && holder.id !== id && statusOf(holder, context.now()) === 'active')
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
  if (isReinstated || statusOf(next, context.now()) === 'active') return true
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
  return { ...patch, ...(current !== undefined && { current }), updatedAt: context.now() }
}

/** Writes the license, setting an expired or revoked holder of the place it takes aside. */
async function write(
  tx: StorageSession,
  license: LicenseRecord,
  patch: LicensePatch,
  now: NumericDate,
): Promise<LicenseRecord | null> {
  const installationId = patch.installationId ?? license.installationId
  if (patch.current === true) await tx.setAsideLicense(license.appId, installationId, now, license.id)
  return tx.updateLicense(license.id, license.version, patch)
}

/**
 * Changes a license by compare-and-set (`updateLicense`): of concurrent changes each is judged on the outcome of the one
 * before it, so none is lost and none is applied to a state it would have refused. Tells of it under `type`.
 *
 * @throws {LicensingError} `not_found`; `conflict` when the installation's place is held by an active license; whatever
 * `change` throws.
 */
export async function changeLicense(
  context: Context,
  app: AppRecord,
  id: string,
  type: (before: LicenseRecord) => LicenseEventType,
  change: LicenseChange,
): Promise<LicenseRecord> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    await pauseBefore(attempt)
    const license = await requireLicense(context, app, id)
    const patch = await change(license)
    if (patch === null) return license
    const whole = await completed(context, license, patch)
    const saved = await commit(
      context,
      async (tx, tell) => {
        const written = await write(tx, license, whole, context.now())
        if (written !== null) await tell(app, newsOf(type(license), written, context.now()))
        return written
      },
      (written) => unsignedView(context, app, written ?? license),
    )
    if (saved !== null) return saved
    if (whole.current === true)
      await checkPlace(context, app, patch.installationId ?? license.installationId, id)
  }
  throw lostTooOften()
}

/**
 * Writes a new license into its installation's place (`setAsideLicense`, then `insertLicense`): of concurrent writers
 * one wins. `make` is called again when customer or tier changed underneath.
 *
 * @throws {LicensingError} `conflict`, naming the active license that holds the place.
 */
export async function writeNewLicense(
  context: Context,
  app: AppRecord,
  make: () => Promise<LicenseRecord>,
): Promise<LicenseRecord> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    await pauseBefore(attempt)
    const license = await make()
    const isSaved = await commit(
      context,
      async (tx, tell) => {
        await tx.setAsideLicense(app.id, license.installationId, context.now())
        const isWritten = await tx.insertLicense(license)
        if (isWritten) await tell(app, newsOf('license.created', license, context.now()))
        return isWritten
      },
      () => unsignedView(context, app, license),
    )
    if (isSaved) return license
    await checkPlace(context, app, license.installationId, license.id)
  }
  throw lostTooOften()
}

/**
 * Deletes a license, and tells of the state it was in.
 *
 * @throws {LicensingError} `not_found`.
 */
export async function deleteLicense(context: Context, app: AppRecord, id: string): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    await pauseBefore(attempt)
    const license = await requireLicense(context, app, id)
    const deleted = await commit(
      context,
      async (tx, tell) => {
        const last = await tx.updateLicense(id, license.version, {})
        if (last === null || !(await tx.deleteLicense(id))) return null
        await tell(app, newsOf('license.deleted', last, context.now()))
        return last
      },
      (last) => last ?? {},
    )
    if (deleted !== null) return
  }
  throw lostTooOften()
}
