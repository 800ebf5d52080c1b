import type { Context } from '../context.ts'
import { requireApp } from '../lookup.ts'
import { appGone } from './signing-keys.ts'
import type { KeyStatementRecord, NumericDate, RetirementReason, SigningKeyRecord } from '../storage/index.ts'
import type { KeyStatement } from '../token/statement.ts'

/** A signing key of an app, without its private half. Times are whole seconds since 1970. */
export interface SigningKey {
  /** The thumbprint of the public key (RFC 7638). */
  readonly kid: string
  /** `active` signs. Tokens under a key `in_grace` are accepted until `acceptedUntil`. Those under a `retired` one fail. */
  readonly state: 'active' | 'in_grace' | 'retired'
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  readonly createdAt: NumericDate
  /** The end of the grace period; `null` unless the key is in grace. */
  readonly acceptedUntil: NumericDate | null
  /** `null` for the active key, and for a key that version 0.1.0 retired. */
  readonly retiredAt: NumericDate | null
  /**
   * `compromised` if the rotation said so, or a later statement revokes the key; otherwise `rotated`. `null` where `retiredAt`
   * is. Reasons may be added.
   */
  readonly reason: RetirementReason | null
}

function toSigningKey(key: SigningKeyRecord, revoked: ReadonlySet<string>, now: NumericDate): SigningKey {
  const { kid, publicKeyPem, createdAt, retiredAt, retiredReason } = key
  const reason = retiredReason !== null && revoked.has(kid) ? 'compromised' : retiredReason
  const isInGrace = key.acceptedUntil !== null && key.acceptedUntil > now
  const state = key.acceptedUntil === null ? 'active' : isInGrace ? 'in_grace' : 'retired'
  const acceptedUntil = isInGrace ? key.acceptedUntil : null
  return { kid, state, publicKeyPem, createdAt, acceptedUntil, retiredAt, reason }
}

function revokedBy(statements: readonly KeyStatementRecord[]): ReadonlySet<string> {
  return new Set(statements.flatMap(({ payload }) => (JSON.parse(payload) as KeyStatement).revoked))
}

/** The states of an app's signing keys, in their order. */
export async function statesOf(
  context: Context,
  appId: string,
  keys: readonly SigningKeyRecord[],
): Promise<readonly SigningKey[]> {
  const revoked = revokedBy(await context.storage.listKeyStatements(appId))
  return keys.map((key) => toSigningKey(key, revoked, context.runtime.now()))
}

/** The signing keys of an app, the active one first, then the newest. Version 0.1.0 left none of its retired keys. */
export async function signingKeysOf(context: Context, app: string): Promise<readonly SigningKey[]> {
  const { id } = await requireApp(context, app, 'signing_keys:read')
  const keys = await context.storage.listSigningKeys(id)
  if (keys.length === 0) throw appGone()
  return statesOf(context, id, keys)
}
