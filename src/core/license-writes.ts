import type { Context } from './context.ts'
import { statusOf } from './decision.ts'
import { LicensingError } from './errors.ts'
import type { AppRecord, LicensePatch, LicenseRecord } from './storage.ts'

/**
 * What to write, judged on the license as it was just read; `null` for nothing. Called again on the new state when
 * another request was faster.
 */
export type LicenseChange = (license: LicenseRecord) => LicensePatch | null | Promise<LicensePatch | null>

/** Each lost race means that another request got through, so this many in a row needs as many rivals. */
const maxAttempts = 64

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

/** @throws {LicensingError} `not_found`. */
export async function findLicense(context: Context, app: AppRecord, id: string): Promise<LicenseRecord> {
  const license = await context.storage.findLicense(app.id, id)
  if (license === null) throw new LicensingError('not_found', 'License not found')
  return license
}

class LostRace extends Error {}

/** Runs guarded writes as one transaction, which is given up when one of them was lost. */
async function tryTransaction<Saved>(
  context: Context,
  write: (
    tx: Parameters<Parameters<Context['storage']['transaction']>[0]>[0],
  ) => Promise<Saved | null | false>,
): Promise<Saved | null> {
  try {
    return await context.storage.transaction(async (tx) => {
      const saved = await write(tx)
      if (saved === null || saved === false) throw new LostRace()
      return saved
    })
  } catch (error) {
    if (error instanceof LostRace) return null
    throw error
  }
}

/** Sets an expired or revoked holder of the installation's place aside and writes the license into it. */
async function takePlace(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<LicenseRecord | null> {
  const installationId = patch.installationId ?? license.installationId
  return tryTransaction(context, async (tx) => {
    await tx.setAsideLicense(license.appId, installationId, context.now(), license.id)
    return tx.updateLicense(license.id, license.version, patch)
  })
}

/** Whether the license, as changed, gets its installation's place: an active one always, another only a free one. */
async function placeFor(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<boolean | undefined> {
  const next = { ...license, ...patch }
  const moved = next.installationId !== license.installationId
  if (license.current && !moved) return undefined
  if (statusOf(next, context.now()) === 'active') return true
  return moved
    ? (await context.storage.findCurrentLicense(license.appId, next.installationId)) === null
    : undefined
}

async function write(
  context: Context,
  license: LicenseRecord,
  patch: LicensePatch,
): Promise<LicenseRecord | null> {
  const current = await placeFor(context, license, patch)
  if (current === undefined) return context.storage.updateLicense(license.id, license.version, patch)
  if (current) return takePlace(context, license, { ...patch, current })
  return context.storage.updateLicense(license.id, license.version, { ...patch, current })
}

/**
 * Changes a license by compare-and-set (`updateLicense`): of concurrent changes each is judged on the outcome of the one
 * before it, so none is lost and none is applied to a state it would have refused.
 *
 * @throws {LicensingError} `not_found`; `conflict` when the installation's place is held by an active license; whatever
 * `change` throws.
 */
export async function changeLicense(
  context: Context,
  app: AppRecord,
  id: string,
  change: LicenseChange,
): Promise<LicenseRecord> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const license = await findLicense(context, app, id)
    const patch = await change(license)
    if (patch === null) return license
    const saved = await write(context, license, { ...patch, updatedAt: context.now() })
    if (saved !== null) return saved
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
    const license = await make()
    const saved = await tryTransaction(context, async (tx) => {
      await tx.setAsideLicense(app.id, license.installationId, context.now())
      return (await tx.insertLicense(license)) && license
    })
    if (saved !== null) return saved
    await checkPlace(context, app, license.installationId, license.id)
  }
  throw lostTooOften()
}
