import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { activeKey } from '../keys/signing-keys.ts'
import { withSigningSlot } from '../keys/signing-queue.ts'
import { authenticateToken, type AuthenticToken } from '../licenses/check-token.ts'
import { heldLicense, type HeldLicense } from '../licenses/renewal.ts'
import { noFreeSeat } from '../licenses/seats.ts'
import { signOfLife } from '../licenses/seen.ts'
import { toLicense, toSigned } from '../licenses/view.ts'
import { countOutcome } from '../outcomes.ts'
import { retryUntilWon } from '../retry.ts'
import type { AppRecord, LicenseKeyRecord, LicenseRecord, NumericDate } from '../storage/index.ts'
import { isReleased, statusOf } from '../token/decision.ts'
import { inTransaction, lostIfGone, unrecorded } from '../transaction.ts'
import { announceFull, isFull } from './capacity.ts'
import { invalidLicenseKey, requireLicenseKey, type LicenseKeyCredential } from './credential.ts'
import { decideKey } from './decision.ts'
import { holderOf, withHolder } from './holder-actor.ts'
import { newActivation, type NewActivation } from './input.ts'
import { occupy, type Newcomer } from './seating.ts'
import type { Turn } from './turn.ts'

/** The license key of an activation, as its holder may see it. */
export interface ActivatedKey {
  readonly id: string
  readonly status: 'active' | 'expired' | 'revoked'
  readonly expiresAt: NumericDate | null
  readonly updatesUntil: NumericDate | null
  /** Seats that were sold. */
  readonly seats: number
  /** Seats that are taken, this one among them. */
  readonly seatsUsed: number
}

/** The seat of an installation as its holder sees it, with its token. */
export interface ActivatedLicense extends HeldLicense {
  readonly licenseKey: ActivatedKey
}

/** Result of `licensing.licenseKeys.activate`. */
export interface Activation {
  readonly license: ActivatedLicense
  /** True if a seat was taken; false if the installation had it already. */
  readonly created: boolean
}

/** Options of `licensing.licenseKeys.activate`. */
export interface ActivationOptions {
  /**
   * Called with the id of the license key as soon as its text is accepted, and before the rest of the input is checked. If it
   * throws, the activation ends with that error. It is the place for a rate limit.
   */
  readonly admit?: (licenseKeyId: string) => void | Promise<void>
  /** The program that activates, for example `desktop-app/2.3.1 (macos)`: the license's `seenClient`. */
  readonly client?: string
}

/** One call of `activate`. */
interface Request {
  readonly app: AppRecord
  readonly credential: LicenseKeyCredential
  readonly newcomer: Newcomer
  /** True if no person asked for it. */
  readonly isRenewal: boolean
}

/** The seat that an activation has written. */
interface Seated {
  readonly license: LicenseRecord
  readonly key: LicenseKeyRecord
  readonly seatsUsed: number
  readonly created: boolean
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the license key first')
}

/** @throws {LicensingError} the code of the decision, if it refuses. */
function requireGood(key: LicenseKeyRecord, now: NumericDate): void {
  const { code, reason } = decideKey(key, now)
  if (code !== null) throw new LicensingError(code, reason)
}

/**
 * Only the vendor brings back a seat that the vendor revoked, and no program by itself one that was given back.
 *
 * @throws {LicensingError} `license_revoked`, `license_released`.
 */
function requireRevivable(seat: LicenseRecord | null, { isRenewal }: Request): void {
  if (seat === null || seat.revokedAt === null) return
  if (!isReleased(seat.revokedCause))
    throw new LicensingError('license_revoked', 'The license has been revoked')
  if (isRenewal) throw new LicensingError('license_released', 'The license gave its seat back')
}

/** A token that proves nothing is no error. */
async function proofIn(
  context: Context,
  app: AppRecord,
  token: string | null | undefined,
): Promise<AuthenticToken | null> {
  if (token === null || token === undefined) return null
  return authenticateToken(context, app, token).catch((error: unknown) => {
    if (error instanceof LicensingError && error.code === 'invalid_token') return null
    throw error
  })
}

async function read(
  context: Context,
  credential: LicenseKeyCredential,
  activation: NewActivation,
  client: string | undefined,
): Promise<Request> {
  const { installationId, name, currentToken, renewal = false } = newActivation.parse(activation)
  const { app } = credential
  const proof = await proofIn(context, app, currentToken)
  const { kid } = await context.runtime.caches.activeKeys.get(app.id, () => activeKey(context, app.id))
  const seen = signOfLife(context.runtime.now(), kid, client)
  const newcomer = { installationId: installationId.toLowerCase(), name, proof, seen }
  return { app, credential, newcomer, isRenewal: renewal }
}

/** Refuses what needs no transaction and no place among the signers. */
async function refuseEarly(context: Context, request: Request): Promise<void> {
  const { app, credential, newcomer } = request
  const { key } = credential
  requireGood(key, context.runtime.now())
  const { seat, taken } = await context.storage.findSeating(key.id, newcomer.installationId)
  requireRevivable(seat, request)
  if (seat?.revokedAt === null || !(await isFull(context, key, taken))) return
  await announceFull(context, app, key)
  throw noFreeSeat(key, taken)
}

/** Takes the seat in one transaction that holds the license key. Resolves to `null` after a lost race. */
function takeSeat(context: Context, request: Request): Promise<Seated | null> {
  const { app, credential, newcomer } = request
  // A repeated activation is as good as the first, so an idempotency key stores its result afterwards.
  const named = unrecorded(withHolder(context, holderOf(credential)))
  const work = inTransaction<Seated | null>(named, async (tx, emit, note) => {
    const now = context.runtime.now()
    const key = await tx.holdLicenseKey(credential.key.id)
    if (key === null || !credential.opens(key, now)) throw invalidLicenseKey()
    requireGood(key, now)
    const seating = await tx.findSeating(key.id, newcomer.installationId)
    requireRevivable(seating.seat, request)
    const turn: Turn = { context: named, app, key, now, tx, emit, note }
    return occupy(turn, newcomer, seating)
  })
  return lostIfGone(context, work)
}

async function takeOrAnnounce(context: Context, request: Request): Promise<Seated> {
  try {
    return await retryUntilWon(() => takeSeat(context, request), { lost: lostTooOften })
  } catch (error) {
    if (error instanceof LicensingError && error.code === 'seat_limit_reached')
      await announceFull(context, request.app, request.credential.key)
    throw error
  }
}

function activatedKey(key: LicenseKeyRecord, seatsUsed: number, now: NumericDate): ActivatedKey {
  const { id, expiresAt, updatesUntil, seats } = key
  return { id, status: statusOf(key, now), expiresAt, updatesUntil, seats, seatsUsed }
}

/**
 * Gives an installation a seat of a license key, or the one that it has, with a fresh token. The signing slot is taken before
 * the write.
 */
export function activate(
  context: Context,
  app: string,
  licenseKey: unknown,
  activation: NewActivation,
  options: ActivationOptions = {},
): Promise<Activation> {
  return countOutcome(context, 'activate', async (onApp) => {
    const credential = await requireLicenseKey(context, app, licenseKey, 'licenses:write', onApp)
    await options.admit?.(credential.key.id)
    return activateWith(context, await read(context, credential, activation, options.client))
  })
}

async function activateWith(context: Context, request: Request): Promise<Activation> {
  await refuseEarly(context, request)
  return withSigningSlot(context, async (slot) => {
    const { license, key, seatsUsed, created } = await takeOrAnnounce(context, request)
    const view = await toLicense(context, request.app, license)
    const held = heldLicense(await toSigned(context, request.app, view, slot))
    return {
      license: { ...held, licenseKey: activatedKey(key, seatsUsed, context.runtime.now()) },
      created,
    }
  })
}
