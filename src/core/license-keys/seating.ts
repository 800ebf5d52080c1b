import { entryOf } from '../acts/act.ts'
import { LicensingError } from '../errors.ts'
import type { AuthenticToken } from '../licenses/check-token.ts'
import { freePlace, licenseAct, releaseAct } from '../licenses/changes.ts'
import { seatClaims } from '../licenses/seats.ts'
import type { signOfLife } from '../licenses/seen.ts'
import { licenseEvent, licenseKeyEvent, releaseEvent } from '../runtime/events.ts'
import type {
  AuditEntryRecord,
  LicenseKeyPatch,
  LicenseKeyRecord,
  LicensePatch,
  LicenseRecord,
  SeatClaims,
  Seating,
} from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import { day, maxInstant } from '../time.ts'
import { makeRoom } from './capacity.ts'
import { licenseKeyAct } from './changes.ts'
import type { Turn } from './turn.ts'

/** The installation that wants a seat. */
export interface Newcomer {
  readonly installationId: string
  /** `undefined` keeps the name that it had. */
  readonly name: string | null | undefined
  /** A good token of the app, which may prove that the installation has another license. */
  readonly proof: AuthenticToken | null
  readonly seen: ReturnType<typeof signOfLife>
}

/** The seat of a newcomer, written. */
interface Occupied {
  readonly license: LicenseRecord
  readonly key: LicenseKeyRecord
  readonly seatsUsed: number
  readonly created: boolean
}

/** The claims with the tier, which an activation needs. */
type WholeClaims = Required<SeatClaims>

async function wholeClaims({ tx, key }: Turn): Promise<WholeClaims> {
  const claims = await seatClaims(tx, key)
  if (claims.tier === undefined)
    throw new LicensingError('missing_tier', 'The tier of the license key was deleted')
  return claims as WholeClaims
}

/** The first activation is noted. It may start the time of the license key. */
function started({ key, now }: Turn): LicenseKeyPatch {
  if (key.activatedAt !== null) return {}
  if (key.starts !== 'activation' || key.durationDays === null) return { activatedAt: now }
  return { activatedAt: now, expiresAt: Math.min(now + key.durationDays * day, maxInstant) }
}

/** Writes the license key if the activation changes it. It is held, so nobody else has changed it. */
async function keep(turn: Turn, patch: LicenseKeyPatch): Promise<LicenseKeyRecord | null> {
  const { key, tx, now } = turn
  if (Object.keys(patch).length === 0) return key
  return tx.updateLicenseKey(key.id, key.version, { ...patch, updatedAt: now })
}

/** The claims of a seat, issued now. `above` is the revision of a token that may be newer than the record. */
function issued(
  { key, now }: Turn,
  { name, seen, proof }: Newcomer,
  seat: LicenseRecord,
): LicensePatch & { readonly revision: number } {
  const above = proof?.jti.licenseId === seat.id ? proof.jti.revision : 0
  const revision = Math.max(seat.revision, above) + 1
  const dated = { expiresAt: key.expiresAt, issuedAt: now, updatedAt: now }
  return { ...dated, ...seen, ...(name !== undefined && { name }), revision }
}

/** The license that occupies the place makes way if it has ended, or if its token is shown. */
async function clearPlace(
  turn: Turn,
  { installationId, proof }: Newcomer,
  seat: LicenseRecord | null,
): Promise<boolean> {
  const { app, now, tx, emit, note } = turn
  const holder = await tx.findCurrentLicense(app.id, installationId)
  if (holder !== null && holder.id === seat?.id) return true
  if (holder === null || statusOf(holder, now) !== 'active') return freePlace(turn, installationId)
  // Installation ids are half public, so anybody with a license key could otherwise push a license off its machine.
  const isProven = proof?.jti.licenseId === holder.id && proof.jti.revision >= holder.minRevision
  if (!isProven)
    throw new LicensingError('conflict', 'The installation has another active license: show its token')
  const moved = { revokedAt: now, revokedReason: null, revokedCause: 'moved', current: false } as const
  const left = await tx.updateLicense(holder.id, holder.version, { ...moved, updatedAt: now })
  if (left === null) return false
  note(releaseAct(app, left))
  await emit(app, releaseEvent(left, now))
  return true
}

function newSeat(turn: Turn, newcomer: Newcomer, claims: WholeClaims): LicenseRecord {
  const { context, app, key, now } = turn
  return {
    id: context.runtime.newId('lic'),
    appId: app.id,
    ...claims,
    installationId: newcomer.installationId,
    current: true,
    expiresAt: key.expiresAt,
    revokedAt: null,
    revokedReason: null,
    revokedCause: null,
    issuedAt: now,
    revision: 1,
    minRevision: 1,
    version: 1,
    ...newcomer.seen,
    licenseKeyId: key.id,
    name: newcomer.name ?? null,
    metadata: {},
    createdAt: now,
    updatedAt: now,
  }
}

/** The entry that the write of the seat takes along. */
function activated(
  { context, app }: Turn,
  before: LicenseRecord | null,
  after: LicenseRecord,
): AuditEntryRecord | undefined {
  return entryOf(context, licenseAct(app, 'license.activated', before, after))
}

/** A seat comes back under its id, and every token from before its release is refused. */
async function revive(
  turn: Turn,
  newcomer: Newcomer,
  claims: WholeClaims,
  seat: LicenseRecord,
): Promise<LicenseRecord | null> {
  if (!(await clearPlace(turn, newcomer, seat))) return null
  const patch = issued(turn, newcomer, seat)
  const taken = { revokedAt: null, revokedReason: null, revokedCause: null } as const
  // A seat that was given back keeps its place until another license needs it.
  const place = seat.current ? {} : { current: true }
  const whole = { ...claims, ...patch, ...taken, ...place, minRevision: patch.revision }
  const entry = activated(turn, seat, { ...seat, ...whole })
  return turn.tx.updateLicense(seat.id, seat.version, whole, entry)
}

/** Most places are free, so only an occupied one is looked at. */
async function insert(turn: Turn, newcomer: Newcomer, claims: WholeClaims): Promise<LicenseRecord | null> {
  const seat = newSeat(turn, newcomer, claims)
  if (await turn.tx.insertLicense(seat, activated(turn, null, seat))) return seat
  if (!(await clearPlace(turn, newcomer, null))) return null
  return (await turn.tx.insertLicense(seat, activated(turn, null, seat))) ? seat : null
}

/** The installation has the seat already, so only its claims are issued anew. That is no act, so it has no entry in the audit log. */
async function renew(
  turn: Turn,
  newcomer: Newcomer,
  seat: LicenseRecord,
  taken: number,
): Promise<Occupied | null> {
  const { app, key, now, tx, emit } = turn
  const claims = await wholeClaims(turn)
  const patch = { ...claims, ...issued(turn, newcomer, seat) }
  const license = await tx.updateLicense(seat.id, seat.version, patch)
  if (license === null) return null
  await emit(app, licenseEvent('license.regenerated', license, now))
  return { license, key, seatsUsed: taken, created: false }
}

/**
 * Writes the seat of a newcomer, who found the seats in this state. Resolves to `null` if another transaction took the place
 * first.
 *
 * @throws {LicensingError} `missing_tier`, `seat_limit_reached`; `conflict` if another license has the place.
 */
export async function occupy(
  turn: Turn,
  newcomer: Newcomer,
  { seat, taken }: Seating,
): Promise<Occupied | null> {
  const { app, now, emit, note } = turn
  if (seat?.revokedAt === null) return renew(turn, newcomer, seat, taken)
  const claims = await wholeClaims(turn)
  const { used, patch } = await makeRoom(turn, taken)
  const key = await keep(turn, { ...patch, ...started(turn) })
  if (key === null) return null
  const within = { ...turn, key }
  const license = await (seat === null
    ? insert(within, newcomer, claims)
    : revive(within, newcomer, claims, seat))
  if (license === null) return null
  await emit(app, licenseEvent('license.activated', license, now))
  const isStarted = key.expiresAt !== turn.key.expiresAt
  if (isStarted) note(licenseKeyAct(app, 'license_key.updated', turn.key, key))
  if (isStarted) await emit(app, licenseKeyEvent('license_key.updated', key, used + 1, now))
  return { license, key, seatsUsed: used + 1, created: true }
}
