import type { VerifiedToken } from './key-ring.ts'
import type { Answer } from './renewal.ts'

/** How the last attempt to refresh ended. */
export interface Attempt {
  /** Whole seconds since 1970, by the program's clock. */
  readonly at: number
  readonly outcome: 'refreshed' | 'refused' | 'unreachable'
  /** The code of the server's refusal, or `unknown_key` or `foreign_token`; else `null`. */
  readonly code: string | null
  /** How many attempts in a row found no server. */
  readonly failures: number
  /** For how long the server asked to be left alone, in seconds. */
  readonly retryAfter: number | null
}

/** That the server called a license revoked. Holds until a newer token of it comes, or one of another license. */
export interface Tombstone {
  readonly licenseId: string
  readonly revision: number
  readonly at: number
}

/** What a program keeps between its starts. Anybody may have written it: no token in it counts before it is verified. */
export interface LicenseRecord {
  readonly token: string | null
  /** The newest token under a key that the program carries itself, when `token` is under a newer one. */
  readonly fallback: string | null
  /** The last characters of the token that the options gave, so that a new one is known from the old. */
  readonly given: string | null
  /** Fetched keys, as a JWK Set, where the options name them by thumbprint. */
  readonly keys: string | null
  /** The latest time that the program saw. */
  readonly seenAt: number
  readonly revoked: Tombstone | null
  readonly attempt: Attempt | null
}

export const emptyRecord: LicenseRecord = {
  token: null,
  fallback: null,
  given: null,
  keys: null,
  seenAt: 0,
  revoked: null,
  attempt: null,
}

const format = 1
const longest = 256 * 1024
const outcomes: readonly unknown[] = ['refreshed', 'refused', 'unreachable']

type Fields = Readonly<Record<string, unknown>>

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'
const isCountOrNull = (value: unknown): boolean => value === null || isCount(value)
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

function isTombstone(value: unknown): boolean {
  if (!isFields(value)) return value === null
  return typeof value.licenseId === 'string' && isCount(value.revision) && isCount(value.at)
}

function isAttempt(value: unknown): boolean {
  if (!isFields(value)) return value === null
  const { at, outcome, code, failures, retryAfter } = value
  return (
    isCount(at) &&
    outcomes.includes(outcome) &&
    isTextOrNull(code) &&
    isCount(failures) &&
    isCountOrNull(retryAfter)
  )
}

function isRecord(value: unknown): value is LicenseRecord {
  if (!isFields(value) || value.format !== format || !isCount(value.seenAt)) return false
  const texts = [value.token, value.fallback, value.given, value.keys ?? null]
  return texts.every(isTextOrNull) && isTombstone(value.revoked) && isAttempt(value.attempt)
}

/** Reads what a store gave back; `null` when it is damaged or of somebody else. */
export function parseRecord(text: string): LicenseRecord | null {
  try {
    const value: unknown = text.length > longest ? null : JSON.parse(text)
    if (!isRecord(value)) return null
    const { token, fallback, given, keys = null, seenAt, revoked, attempt } = value
    return { token, fallback, given, keys, seenAt, revoked, attempt }
  } catch {
    return null
  }
}

export function formatRecord(record: LicenseRecord): string {
  return JSON.stringify({ format, ...record })
}

/** What tells one given token from another. */
export function markOf(token: string): string {
  return token.slice(-16)
}

/** Whether the license of this token, or the only one there was, has been revoked as far as the program knows. */
export function isRevoked({ revoked }: LicenseRecord, held: VerifiedToken | null): boolean {
  if (revoked === null || held === null) return revoked !== null
  return revoked.licenseId === held.licenseId && held.revision <= revoked.revision
}

function sameLicense(held: VerifiedToken | null, next: VerifiedToken): held is VerifiedToken {
  return held !== null && held.licenseId === next.licenseId
}

/** Takes a token in. One of a lower revision never takes the place of a higher one of its license. */
export function withToken(
  record: LicenseRecord,
  held: VerifiedToken | null,
  next: VerifiedToken,
): LicenseRecord {
  if (sameLicense(held, next) && next.revision < held.revision) return record
  if (next.text === held?.text) return record
  const kept = sameLicense(held, next) ? (held.bundled ? held.text : record.fallback) : null
  return { ...record, token: next.text, fallback: next.bundled ? null : kept, attempt: null }
}

/** How one attempt ended, once the token in the server's answer has been verified. */
export type Outcome =
  Exclude<Answer, { outcome: 'token' }> | { readonly outcome: 'refreshed'; readonly next: VerifiedToken }

/** One attempt: what stood in the record when it began, by which token, when it ended, and how. */
export interface Settled {
  readonly before: LicenseRecord
  readonly asked: VerifiedToken
  readonly at: number
  readonly answer: Outcome
}

function refreshed(
  record: LicenseRecord,
  held: VerifiedToken | null,
  next: VerifiedToken,
  at: number,
): LicenseRecord {
  const attempt = { at, outcome: 'refreshed', code: null, failures: 0, retryAfter: null } as const
  // The server has just signed the time: whatever a wrong clock said before no longer counts.
  return { ...withToken(record, held, next), seenAt: next.claims.iat, attempt }
}

function revoke(record: LicenseRecord, asked: VerifiedToken, attempt: Attempt): LicenseRecord {
  const revoked = { licenseId: asked.licenseId, revision: asked.revision, at: attempt.at }
  return { ...record, token: null, fallback: null, revoked, attempt }
}

function isSame(one: Tombstone | null, other: Tombstone | null): boolean {
  return one?.licenseId === other?.licenseId && one?.revision === other?.revision && one?.at === other?.at
}

function unreachable({ attempt }: LicenseRecord, at: number, retryAfter: number | null): Attempt {
  const failures = (attempt?.failures ?? 0) + 1
  return { at, outcome: 'unreachable', code: attempt?.code ?? null, failures, retryAfter }
}

/**
 * The record after an attempt. It is held against what stands there by now, not only against what stood there when the
 * attempt began: an answer that was long on its way undoes neither a newer token, nor a revocation, nor that the license
 * was forgotten.
 */
export function settle(current: LicenseRecord, held: VerifiedToken | null, settled: Settled): LicenseRecord {
  const { before, asked, at, answer } = settled
  const overtaken = !sameLicense(held, asked) || held.revision > asked.revision
  if (overtaken || !isSame(current.revoked, before.revoked)) return current
  if (answer.outcome === 'refreshed') return refreshed(current, held, answer.next, at)
  const record = { ...current, seenAt: Math.max(current.seenAt, at) }
  if (answer.outcome === 'unreachable')
    return { ...record, attempt: unreachable(record, at, answer.retryAfter) }
  const attempt = { at, outcome: 'refused', code: answer.code, failures: 0, retryAfter: null } as const
  return answer.code === 'license_revoked' ? revoke(record, asked, attempt) : { ...record, attempt }
}
