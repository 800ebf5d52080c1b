import { Type } from '@sinclair/typebox'
import { instant, nullable } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { formed, id, sealed, thumbprint, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

export interface SigningKeyRecord {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string
  readonly appId: string
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  /** PKCS #8, sealed; `null` once the key is retired. */
  readonly privateKey: string | null
  readonly createdAt: NumericDate
  /** `null` for the active key. For a retired key, the time until which its tokens are still accepted. */
  readonly acceptedUntil: NumericDate | null
}

export const signingKeyRecord: RecordSchema<SigningKeyRecord> = input<SigningKeyRecord>()(
  Type.Object({
    kid: thumbprint('Thumbprint of the public key (RFC 7638)'),
    appId: id('app', 'App of the key'),
    publicKeyPem: formed(
      'Public key, SubjectPublicKeyInfo in PEM',
      '^-----BEGIN PUBLIC KEY-----\\n',
      'must be a public key in PEM',
    ),
    privateKey: nullable(sealed('Private key, PKCS #8; null once the key is retired')),
    createdAt: instant('Time of creation'),
    acceptedUntil: nullable(
      instant('End of the grace period; null for the active key, of which an index allows one an app'),
    ),
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
   * The private key of the old one is destroyed. With `acceptOldUntil`, its public key stays until that time. With `null`, the
   * public key goes too, and so does every other retired key of the app.
   */
  swapActiveKey(
    appId: string,
    expectedKid: string | null,
    next: SigningKeyRecord,
    acceptOldUntil: NumericDate | null,
  ): Promise<boolean>
}
