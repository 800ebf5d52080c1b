import type { ClientSettings } from './options.ts'
import {
  attemptOf,
  emptyRecord,
  type RefreshAttempt,
  type StoredActivation,
  type StoredState,
  type Tombstone,
} from './record.ts'
import type { RenewalResult } from './renewal.ts'
import type { StoreCondition } from './state-store.ts'
import type { VerifiedToken } from './trusted-keys.ts'

/** Everything that the client knows about the license at one moment. Only the state store replaces it. */
export interface ProgramState {
  readonly record: StoredState
  /** The newest token of the record that verifies. */
  readonly held: VerifiedToken | null
  readonly condition: StoreCondition
  /** True if the last read failed. */
  readonly isUnread: boolean
  /** The latest time that this run of the program saw; the record has that of earlier runs. */
  readonly seenAt: number
}

/** The latest time that is known to have passed. */
export function latestTime({ record, seenAt }: ProgramState): number {
  return Math.max(record.seenAt, seenAt)
}

/** True if the server revoked the held license or, without a token, the last one. */
export function isRevoked({ record: { revoked }, held }: ProgramState): boolean {
  if (revoked === null || held === null) return revoked !== null
  return revoked.licenseId === held.licenseId && held.revision <= revoked.revision
}

/** The last characters identify a token, and reveal nothing of use. */
function markOf(token: string): string {
  return token.slice(-16)
}

/** The stored or configured token that cannot be verified before a newer key has been fetched. */
export function tokenAwaitingKey(
  state: ProgramState,
  configured: string | null,
  awaitsKey: (token: string) => boolean,
): string | null {
  const { record, held } = state
  const { token } = record
  if (token !== null && token !== held?.text && awaitsKey(token)) return token
  const isWanted = configured !== null && wantsToken(state, configured)
  return isWanted && awaitsKey(configured) ? configured : null
}

function isSameLicense(held: VerifiedToken | null, next: VerifiedToken): held is VerifiedToken {
  return held !== null && held.licenseId === next.licenseId
}

/** Takes a token in. A lower revision never replaces a higher one of the same license. */
export function withToken(state: ProgramState, next: VerifiedToken): ProgramState {
  const { record, held } = state
  if (isSameLicense(held, next) && next.revision < held.revision) return state
  if (next.text === held?.text) return state
  const kept = isSameLicense(held, next) ? (held.bundled ? held.text : record.fallback) : null
  const fallback = next.bundled ? null : kept
  return { ...state, held: next, record: { ...record, token: next.text, fallback, attempt: null } }
}

/** The time falls back to what is signed, because a wrong clock may have shown more. Tokens alone prove a time. */
function withSignedTime(state: ProgramState, iat: number): ProgramState {
  return { ...state, seenAt: 0, record: { ...state.record, seenAt: iat } }
}

function isNewer({ held }: ProgramState, next: VerifiedToken): boolean {
  if (held === null) return true
  const isSame = held.licenseId === next.licenseId
  return isSame ? next.revision > held.revision : next.claims.iat >= held.claims.iat
}

/** Takes in a token that the user entered. A newer one also corrects the time that a wrong clock has shown. */
export function withEnteredToken(state: ProgramState, next: VerifiedToken): ProgramState {
  const taken = withToken(state, next)
  if (!isNewer(state, next)) return taken
  return withSignedTime(taken, Math.max(next.claims.iat, state.held?.claims.iat ?? 0))
}

/** True if the configured token is new or, otherwise, if there is no other. */
export function wantsToken({ record, held }: ProgramState, configured: string): boolean {
  return held === null || record.given !== markOf(configured)
}

/** Takes the configured token in, and remembers which one it was. */
export function withConfiguredToken(state: ProgramState, next: VerifiedToken): ProgramState {
  const isNew = state.record.given !== markOf(next.text)
  const taken = isNew ? withEnteredToken(state, next) : withToken(state, next)
  return { ...taken, record: { ...taken.record, given: markOf(next.text) } }
}

export function withTime(state: ProgramState, now: number): ProgramState {
  const { record } = state
  return { ...state, record: { ...record, seenAt: Math.max(record.seenAt, now) } }
}

/** Forgets the license, and the time with it, except for what is signed. */
export function withoutLicense(state: ProgramState): ProgramState {
  const { given, keys, others, seenAt, activation } = state.record
  // The installation keeps its id, so that it comes back to its own seat.
  const kept = activation && { ...activation, licenseKey: null }
  const record = { ...emptyRecord, given, keys, activation: kept, others }
  const forgotten = { ...state, held: null, record }
  return withSignedTime(forgotten, state.held?.claims.iat ?? seenAt)
}

/** The license key by which the program activates itself: the option, otherwise the stored one. */
export function keyOf(
  { licenseKey }: Pick<ClientSettings, 'licenseKey'>,
  { record }: ProgramState,
): string | null {
  return licenseKey ?? record.activation?.licenseKey ?? null
}

export function withActivation(state: ProgramState, activation: StoredActivation): ProgramState {
  return { ...state, record: { ...state.record, activation } }
}

/** Ends a license on this computer: a revocation, or `released` if its seat was given back. */
export function withEnd(
  state: ProgramState,
  ended: VerifiedToken,
  at: number,
  released: boolean,
): ProgramState {
  const { licenseId } = ended
  const revoked = { licenseId, revision: revokedUpTo(state, ended), at, released }
  return {
    ...state,
    held: null,
    record: { ...state.record, token: null, fallback: null, revoked, attempt: null },
  }
}

/** A renewal that has ended: `before` is the revocation on record when it began, `asked` is the token that it showed. */
export interface FinishedRenewal {
  readonly before: Tombstone | null
  /** `null` for an activation without a token. */
  readonly asked: VerifiedToken | null
  readonly at: number
  readonly result: RenewalResult
}

function refreshed(state: ProgramState, next: VerifiedToken, at: number): ProgramState {
  const attempt = { at, outcome: 'refreshed', code: null, failures: 0, retryAfter: null } as const
  const taken = withToken(state, next)
  // The server has just signed the time, so whatever a wrong clock showed before no longer counts.
  return { ...taken, record: { ...taken.record, seenAt: next.claims.iat, attempt } }
}

type Outage = Extract<RenewalResult, { readonly outcome: 'unreachable' }>

function unreachable(state: ProgramState, at: number, { retryAfter, code }: Outage): ProgramState {
  const last = attemptOf(state.record)
  const failures = (last?.failures ?? 0) + 1
  const attempt = {
    at,
    outcome: 'unreachable',
    code: code ?? last?.code ?? null,
    failures,
    retryAfter,
  } as const
  return { ...state, record: { ...state.record, attempt } }
}

/** An older token that was entered again must not lower the mark: the newer ones are revoked still. */
function revokedUpTo({ record: { revoked } }: ProgramState, { licenseId, revision }: VerifiedToken): number {
  return revoked?.licenseId === licenseId ? Math.max(revoked.revision, revision) : revision
}

type Refusal = Extract<RenewalResult, { readonly outcome: 'refused' }>

function refused(
  state: ProgramState,
  { asked, at }: FinishedRenewal,
  { code, isOther }: Refusal,
): ProgramState {
  const attempt: RefreshAttempt = { at, outcome: 'refused', code, failures: 0, retryAfter: null }
  const released = code === 'license_released'
  const isEnd = asked !== null && !isOther && (released || code === 'license_revoked')
  const next = isEnd ? withEnd(state, asked, at, released) : state
  return { ...next, record: { ...next.record, attempt } }
}

function isSame(one: Tombstone | null, other: Tombstone | null): boolean {
  return one?.licenseId === other?.licenseId && one?.revision === other?.revision && one?.at === other?.at
}

function isOvertaken({ record, held }: ProgramState, { before, asked }: FinishedRenewal): boolean {
  const hasOther =
    asked === null ? held !== null : !isSameLicense(held, asked) || held.revision > asked.revision
  return hasOther || !isSame(record.revoked, before)
}

function settled(state: ProgramState, renewal: FinishedRenewal): ProgramState {
  const { at, result } = renewal
  if (isOvertaken(state, renewal)) return state
  if (result.outcome === 'refreshed') return refreshed(state, result.next, at)
  const timed = withTime(state, at)
  if (result.outcome === 'refused') return refused(timed, renewal, result)
  return unreachable(timed, at, result)
}

/**
 * The state after a renewal. The result is applied to the state that stands now, not to the one that it began with. A late
 * response therefore cannot undo a newer token, a revocation, or a license that was forgotten.
 */
export function settle(state: ProgramState, renewal: FinishedRenewal): ProgramState {
  // The server's time also replaces what a wrong clock showed during this run.
  return settled(renewal.result.outcome === 'refreshed' ? { ...state, seenAt: 0 } : state, renewal)
}
