import { type Act, actIn, entryOf } from '../acts/act.ts'
import { licenseKeyChanges } from '../acts/records.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { retryUntilWon } from '../retry.ts'
import { licenseKeyEvent, type LicenseKeyEventType } from '../runtime/events.ts'
import type { AppRecord, LicenseKeyPatch, LicenseKeyRecord, StorageSession } from '../storage/index.ts'
import { type Emit, inTransaction, lostIfGone, type Note } from '../transaction.ts'
import { toLicenseKey, type LicenseKeyWithText } from './view.ts'

/** A transaction, and the ways to record its events and its acts. */
export type Session = readonly [tx: StorageSession, emit: Emit, note: Note]

/** An act on a license key, from one of its states to the next. */
export function licenseKeyAct(
  app: AppRecord,
  action: string,
  before: LicenseKeyRecord | null,
  after: LicenseKeyRecord | null,
): Act {
  const id = after?.id ?? before?.id ?? null
  return actIn(app, action, ['license_key', id], licenseKeyChanges(before, after))
}

/** The act of showing the text of a license key. */
export function revealed(app: AppRecord, { id }: LicenseKeyRecord): Act {
  return actIn(app, 'license_key.revealed', ['license_key', id], null)
}

/** A change to a license key and its seats. */
export interface LicenseKeyChange {
  readonly patch: LicenseKeyPatch
  /** The event that announces it; `null` for none. */
  readonly event: LicenseKeyEventType | null
  /** Changes the seats, after the license key. If that is revoked, it resolves to the number of revoked seats. */
  readonly seats?: (tx: StorageSession, changed: LicenseKeyRecord) => Promise<number | void>
}

/** Plans the change to a license key in its present state; `null` changes nothing. */
export type LicenseKeyPlan = (
  key: LicenseKeyRecord,
  session: StorageSession,
) => Promise<LicenseKeyChange | null>

export function licenseKeyNotFound(): LicensingError {
  return new LicensingError('not_found', 'License key not found')
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the license key first')
}

/** The license key with this id. @throws {LicensingError} `not_found`. */
export async function findKnown(context: Context, app: AppRecord, id: string): Promise<LicenseKeyRecord> {
  const key = await context.storage.findLicenseKey(app.id, id)
  if (key === null) throw licenseKeyNotFound()
  return key
}

function taken(field: string, what: string): LicensingError {
  return new LicensingError('conflict', `${what} is already taken`, {
    details: { [field]: ['is already taken'] },
  })
}

/** @throws {LicensingError} `conflict` that names the field that another license key has, if one still does. */
export async function checkTaken(
  { storage }: Context,
  { id: appId }: AppRecord,
  id: string,
  { externalId, aliasHash }: Pick<LicenseKeyPatch, 'externalId' | 'aliasHash'>,
): Promise<void> {
  const byName = externalId ? await storage.findLicenseKeyByExternalId(appId, externalId) : null
  if (byName !== null && byName.id !== id) throw taken('externalId', 'External id')
  const byAlias = aliasHash ? await storage.findLicenseKeyByAlias(appId, aliasHash) : null
  if (byAlias !== null && byAlias.id !== id) throw taken('key', 'The key of the shop')
}

/** Writes a change to a held license key. Resolves to `null` if its alias or external id is taken. */
export async function writeHeld(
  context: Context,
  app: AppRecord,
  held: LicenseKeyRecord,
  change: LicenseKeyChange,
  [tx, emit, note]: Session,
): Promise<LicenseKeyRecord | null> {
  const now = context.runtime.now()
  const changed = await tx.updateLicenseKey(held.id, held.version, { ...change.patch, updatedAt: now })
  if (changed === null) return null
  note(licenseKeyAct(app, change.event ?? 'license_key.updated', held, changed))
  const seats = (await change.seats?.(tx, changed)) ?? 0
  const used = await tx.countSeats(changed.id)
  const revokedSeats = change.event === 'license_key.revoked' ? seats : 0
  if (change.event !== null)
    await emit(app, { ...licenseKeyEvent(change.event, changed, used, now), revokedSeats })
  const isOver = change.patch.seats !== undefined && used > changed.seats && held.seats > changed.seats
  if (isOver) await emit(app, licenseKeyEvent('license_key.over_seats', changed, used, now))
  return changed
}

/**
 * Changes a license key and its seats in one transaction that holds the license key (`holdLicenseKey`). So concurrent changes
 * and activations come one after the other. A plan that changes nothing writes nothing.
 *
 * @throws {LicensingError} `not_found`; `conflict` if the external id or the shop's key is taken; whatever `plan` throws.
 */
export async function changeLicenseKey(
  context: Context,
  app: AppRecord,
  id: string,
  plan: LicenseKeyPlan,
): Promise<LicenseKeyWithText> {
  const attempt = async (): Promise<LicenseKeyWithText | null> => {
    const known = await findKnown(context, app, id)
    const intended = await plan(known, context.storage)
    if (intended === null) return toLicenseKey(context, app, known)
    const work = async (...session: Session): Promise<LicenseKeyWithText | null> => {
      const [tx] = session
      const held = await tx.holdLicenseKey(id)
      if (held === null) throw licenseKeyNotFound()
      const change = await plan(held, tx)
      const changed = change === null ? held : await writeHeld(context, app, held, change, session)
      return changed && toLicenseKey(context, app, changed, tx)
    }
    const done = await lostIfGone(context, inTransaction(context, work))
    if (done === null) await checkTaken(context, app, id, intended.patch)
    return done
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/**
 * Inserts a new license key. `make` is called again if its handle, alias or external id was taken meanwhile.
 *
 * @throws {LicensingError} `conflict` if the external id or the shop's key is taken; whatever `make` throws.
 */
export async function insertLicenseKey(
  context: Context,
  app: AppRecord,
  make: () => Promise<LicenseKeyRecord>,
): Promise<LicenseKeyWithText> {
  const attempt = async (): Promise<LicenseKeyWithText | null> => {
    const key = await make()
    const result = await toLicenseKey(context, app, key)
    const insert = async (tx: StorageSession, emit: Emit): Promise<LicenseKeyWithText | null> => {
      const entry = entryOf(context, licenseKeyAct(app, 'license_key.created', null, key))
      if (!(await tx.insertLicenseKey(key, entry))) return null
      await emit(app, licenseKeyEvent('license_key.created', key, 0, context.runtime.now()))
      return result
    }
    const isOneWrite = app.webhookUrl === null
    const done = await lostIfGone(context, inTransaction(context, insert, { isOneWrite }))
    if (done === null) await checkTaken(context, app, key.id, key)
    return done
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}
