import { base64url, exportJWK, importPKCS8 } from 'jose'
import {
  isRsaJwk,
  protectedHeader,
  thumbprintOf,
  type RsaJwk,
  type StatementSignature,
} from '../token/statement.ts'

/** Signs the payload of a statement with RS256. The same key gives the same bytes. */
export async function signStatement(
  payload: string,
  kid: string,
  privateKey: CryptoKey,
): Promise<StatementSignature> {
  const header = protectedHeader(kid)
  const input = new TextEncoder().encode(`${header}.${base64url.encode(payload)}`)
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, input)
  return { protected: header, signature: base64url.encode(new Uint8Array(signature)) }
}

interface RecoveryKey {
  readonly privateKey: CryptoKey
  readonly jwk: RsaJwk
}

/** @throws {TypeError} unless it is a private RSA key whose public half programs read. */
async function readRecoveryKey(privateKeyPem: string): Promise<RecoveryKey> {
  const fault = 'A recovery key must be a private RSA key in PEM (PKCS #8)'
  const privateKey = await importPKCS8(privateKeyPem, 'RS256', { extractable: true }).catch(
    (cause: unknown) => {
      throw new TypeError(fault, { cause })
    },
  )
  const { kty, n, e } = await exportJWK(privateKey)
  const jwk = { kty, n, e }
  if (!isRsaJwk(jwk)) throw new TypeError(`${fault}, with 2048 to 16384 bits and 65537 as exponent`)
  return { privateKey, jwk }
}

/**
 * The thumbprint (RFC 7638) of a recovery key, as `licensing.recovery.set` takes it.
 *
 * @throws {TypeError} unless it is a private RSA key in PEM (PKCS #8).
 *
 * @example
 * ```ts
 * import { generateRsaKeyPair, recoveryKeyId } from 'heartwood'
 *
 * const { privateKeyPem } = await generateRsaKeyPair()
 * console.log((await recoveryKeyId(privateKeyPem)).length) // 43
 * ```
 */
export async function recoveryKeyId(privateKeyPem: string): Promise<string> {
  return thumbprintOf((await readRecoveryKey(privateKeyPem)).jwk)
}

/**
 * Signs a statement with a recovery key, for the option `recover`. The signature carries the public half, which no record holds
 * until then.
 *
 * @throws {TypeError} unless it is a private RSA key in PEM (PKCS #8).
 *
 * @example
 * ```ts
 * import { signWithRecoveryKey, type Licensing, type Rotation } from 'heartwood'
 *
 * function rotateAfterTheft(licensing: Licensing, recoveryKeyPem: string): Promise<Rotation> {
 *   return licensing.rotateKeys('desktop-app', {
 *     compromised: true,
 *     recover: async (payload) => [await signWithRecoveryKey(payload, recoveryKeyPem)],
 *   })
 * }
 * ```
 */
export async function signWithRecoveryKey(
  payload: string,
  privateKeyPem: string,
): Promise<StatementSignature> {
  const { privateKey, jwk } = await readRecoveryKey(privateKeyPem)
  const signed = await signStatement(payload, await thumbprintOf(jwk), privateKey)
  return { protected: signed.protected, header: { jwk }, signature: signed.signature }
}
