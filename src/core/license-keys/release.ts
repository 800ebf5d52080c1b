import type { Actor } from '../actor.ts'
import { actIn, entryOf } from '../acts/act.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { readId } from '../ids.ts'
import { authenticateRenewal, TokenCredential } from '../licenses/check-token.ts'
import { releaseAct } from '../licenses/changes.ts'
import { licenseId, requireApp, requireLicense } from '../lookup.ts'
import { retryUntilWon } from '../retry.ts'
import { releaseEvent } from '../runtime/events.ts'
import type { AppRecord, LicenseKeyRecord, LicenseRecord, StorageSession } from '../storage/index.ts'
import { inTransaction, lostIfGone, unrecorded } from '../transaction.ts'
import { findKnown, licenseKeyNotFound, type Session } from './changes.ts'
import { invalidLicenseKey, requireLicenseKey, type LicenseKeyCredential } from './credential.ts'
import { holderOf, withHolder } from './holder-actor.ts'
import { seatExceptions, type SeatExceptions } from './input.ts'
import { releaseCounted, releasesLeft } from './view.ts'

/** The credential of a holder who gives a seat back: exactly one of the two. */
export type HolderCredential =
  | {
      /** The text of a license key, or the credential that `licenseKeys.authenticate` made of it. It frees any of its seats. */
      readonly licenseKey: unknown
      readonly currentToken?: never
    }
  | {
      /** A token of the seat itself, or the credential that `licenses.authenticate` made of it. It may have expired. */
      readonly currentToken: unknown
      readonly licenseKey?: never
    }

/** Result of `licensing.licenseKeys.release`. */
export interface Release {
  readonly released: true
  /** Releases that holders may still make this year; `null`: any number. */
  readonly releasesLeft: number | null
}

/** Result of `licensing.licenseKeys.releaseAll`. */
export interface BulkRelease {
  /** The number of seats that were given back. */
  readonly released: number
}

/** One call of `release`. */
interface Request {
  readonly app: AppRecord
  readonly licenseId: string
  /** The license key that the caller showed. */
  readonly shown: LicenseKeyCredential | null
  /** The license or the license key of a holder, whose releases are counted; `null` for the vendor. */
  readonly holder: Actor | null
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the license key first')
}

function licenseNotFound(): LicensingError {
  return new LicensingError('not_found', 'License not found')
}

async function tokenRequest(context: Context, app: string, id: string, token: unknown): Promise<Request> {
  await requireApp(context, app, 'licenses:release')
  const credential = token instanceof TokenCredential ? token : await authenticateRenewal(context, app, token)
  const own = credential.token.jti.licenseId
  if (own !== readId('lic', id))
    throw new LicensingError('token_mismatch', 'The token belongs to another license')
  const holder = { type: 'license', id: own, label: null } as const
  return { app: credential.app, licenseId: own, shown: null, holder }
}

async function requestOf(
  context: Context,
  app: string,
  id: string,
  holder: HolderCredential | undefined,
): Promise<Request> {
  if (holder?.currentToken !== undefined) return tokenRequest(context, app, id, holder.currentToken)
  if (holder === undefined) {
    const record = await requireApp(context, app, 'licenses:release')
    return { app: record, licenseId: licenseId(id), shown: null, holder: null }
  }
  const shown = await requireLicenseKey(context, app, holder.licenseKey, 'licenses:release')
  return { app: shown.app, licenseId: licenseId(id), shown, holder: holderOf(shown) }
}

/** The license key of the seat. @throws {LicensingError} `not_found` for a seat of another; `conflict` without one. */
function keyIdOf(license: LicenseRecord, { shown }: Request): string {
  const { licenseKeyId } = license
  if (shown !== null && shown.key.id !== licenseKeyId) throw licenseNotFound()
  if (licenseKeyId === null) throw new LicensingError('conflict', 'The license has no license key')
  return licenseKeyId
}

/** Counts the release of a holder. @throws {LicensingError} `release_limit_reached`. */
async function counted(
  context: Context,
  tx: StorageSession,
  key: LicenseKeyRecord,
  { holder }: Request,
): Promise<LicenseKeyRecord | null> {
  const now = context.runtime.now()
  if (holder === null) return key
  if (releasesLeft(key, now) === 0)
    throw new LicensingError('release_limit_reached', 'The releases of this year are used up')
  return tx.updateLicenseKey(key.id, key.version, { ...releaseCounted(key, now), updatedAt: now })
}

async function giveBack(
  context: Context,
  request: Request,
  licenseKeyId: string,
  [tx, emit]: Session,
): Promise<Release | null> {
  const now = context.runtime.now()
  const key = await tx.holdLicenseKey(licenseKeyId)
  if (key === null) throw licenseKeyNotFound()
  if (request.shown !== null && !request.shown.opens(key, now)) throw invalidLicenseKey()
  const seat = await tx.findLicense(request.app.id, request.licenseId)
  if (seat === null) throw licenseNotFound()
  if (seat.licenseKeyId !== licenseKeyId) return null
  // A repeated release is a lost answer, and a revoked license has no seat.
  if (seat.revokedAt !== null) return { released: true, releasesLeft: releasesLeft(key, now) }
  const spent = await counted(context, tx, key, request)
  const released = { revokedAt: now, revokedReason: null, revokedCause: 'released', updatedAt: now } as const
  const entry = entryOf(context, releaseAct(request.app, { ...seat, ...released }))
  const left = await tx.updateLicense(seat.id, seat.version, released, entry)
  if (spent === null || left === null) return null
  await emit(request.app, releaseEvent(left, now))
  return { released: true, releasesLeft: releasesLeft(spent, now) }
}

/** Gives the seat of one installation back. Repeated, it changes nothing and resolves to the same. */
export async function release(
  context: Context,
  app: string,
  id: string,
  holder?: HolderCredential,
): Promise<Release> {
  const request = await requestOf(context, app, id, holder)
  const named = withHolder(context, request.holder)
  const attempt = async (): Promise<Release | null> => {
    const license = await requireLicense(context, request.app, request.licenseId)
    const keyId = keyIdOf(license, request)
    const work = inTransaction(named, (...session) => giveBack(named, request, keyId, session))
    return lostIfGone(context, work)
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/** Seats that one transaction gives back, each with its event. */
const pageSize = 200

async function releasePage(
  context: Context,
  app: AppRecord,
  licenseKeyId: string,
  exceptIds: readonly string[],
): Promise<number> {
  const now = context.runtime.now()
  const page = await inTransaction(unrecorded(context), async (tx, emit, note) => {
    if ((await tx.holdLicenseKey(licenseKeyId)) === null) throw licenseKeyNotFound()
    const wanted = { licenseKeyId, now, cause: 'released', exceptIds, limit: pageSize } as const
    const released = await tx.releaseSeats(wanted)
    for (const seat of released) await emit(app, releaseEvent(seat, now))
    const seats = { seats_released: [null, released.length] as const }
    if (released.length > 0) note(actIn(app, 'licenses.released', ['license_key', licenseKeyId], seats))
    return released
  })
  return page.length
}

/** Gives all seats of a license key back, in pages. Each page is one step with one entry in the audit log, so the call may be repeated. */
export async function releaseAll(
  context: Context,
  app: AppRecord,
  id: string,
  options: SeatExceptions,
): Promise<BulkRelease> {
  const { except = [] } = seatExceptions.parse(options)
  const exceptIds = except.map((each) => readId('lic', each)).filter((each) => each !== null)
  const key = await findKnown(context, app, id)
  let released = 0
  for (;;) {
    const count = await releasePage(context, app, key.id, exceptIds)
    released += count
    if (count < pageSize) return { released }
  }
}
