import { Type } from '@sinclair/typebox'
import { instant, nullable, oneOf } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { KeyStatementRecord } from './key-statements.ts'
import { formed, id, sealed, thumbprint, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

const retirementReasons = ['rotated', 'compromised'] as const

/** The reason why a signing key was retired. */
export type RetirementReason = (typeof retirementReasons)[number]

/** The tombstone of a signing key: the time and the reason of its retirement. */
export interface Retirement {
  readonly retiredAt: NumericDate | null
  readonly retiredReason: RetirementReason | null
}

export interface SigningKeyRecord extends Retirement {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string
  readonly appId: string
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  /** PKCS #8, sealed; `null` once the key is retired. */
  readonly privateKey: string | null
  readonly createdAt: NumericDate
  /**
   * `null` for the active key. For a retired key, the time until which its tokens are still accepted: 0 if the rotation gave
   * no grace period, or a later one ended it.
   */
  readonly acceptedUntil: NumericDate | null
  /** `null` for the active key, and for a key that version 0.1.0 retired. */
  readonly retiredAt: NumericDate | null
  readonly retiredReason: RetirementReason | null
}

export const signingKeyRecord: RecordSchema<SigningKeyRecord> = input<SigningKeyRecord>()(
  Type.Object({
    kid: thumbprint('Thumbprint of the public key (RFC 7638)'),
    appId: id('app', 'App of the key'),
    publicKeyPem: formed(
      'Public key, SubjectPublicKeyInfo in PEM',
      '^-----BEGIN PUBLIC KEY-----\\n([A-Za-z0-9+/=]{1,64}\\n)+-----END PUBLIC KEY-----\\n$',
      'must be a public key in PEM, in lines of 64 characters',
    ),
    privateKey: nullable(sealed('Private key, PKCS #8; null once the key is retired')),
    createdAt: instant('Time of creation'),
    acceptedUntil: nullable(
      instant(
        'End of the grace period, 0 if there is none; null for the active key, of which an index allows one an app',
      ),
    ),
    retiredAt: nullable(instant('Time of the retirement; null for the active key, and if 0.1.0 retired it')),
    retiredReason: nullable(oneOf('Reason of the retirement', retirementReasons)),
  }),
)

export interface SigningKeyStorage {
  /** The key that signs, or `null` before the first. */
  findActiveKey(appId: string): Promise<SigningKeyRecord | null>
  /** The active key first, then the retired ones, newest first. */
  listSigningKeys(appId: string): Promise<readonly SigningKeyRecord[]>
  /**
   * Makes `next` the app's active key in one step, but only while `expectedKid` is the active one (`null`: there is none).
   * Resolves to `false` and changes nothing otherwise. Exactly one of several concurrent callers wins, and an app never has
   * two active keys.
   *
   * The private key of the old one is destroyed. Its public key stays as a tombstone with `retirement`, by default the time
   * of `next` and `rotated`. Its `acceptedUntil` becomes `acceptOldUntil`. With `null`, that of every retired key becomes 0.
   *
   * It writes `statements` in the same step, by default none. If the app has one with the same `seq`, the verb rejects with
   * `conflict`, and changes nothing.
   */
  swapActiveKey(
    appId: string,
    expectedKid: string | null,
    next: SigningKeyRecord,
    acceptOldUntil: NumericDate | null,
    retirement?: Retirement,
    statements?: readonly KeyStatementRecord[],
  ): Promise<boolean>
  /** Ends the grace period of these keys of an app: their `acceptedUntil` becomes 0. It leaves the active key as it is. */
  endGracePeriods(appId: string, kids: readonly string[]): Promise<void>
}
