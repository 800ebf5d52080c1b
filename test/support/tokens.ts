import { base64url, importPKCS8, importSPKI, type CryptoKey } from 'jose'
import { verifyToken, type LicenseClaims, type Licensing } from '../../src/core/index.ts'

/**
 * The start of every token of ours, to its `typ`: statements about keys have another. `eyJ` alone can come up by chance in long
 * base64.
 */
export const tokenStart = 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpX'

const imported = new Map<string, Promise<CryptoKey>>()

/** The private key of a PEM, imported once. */
function privateKey(pem: string): Promise<CryptoKey> {
  const key = imported.get(pem) ?? importPKCS8(pem, 'RS256')
  imported.set(pem, key)
  return key
}

const bytesOf = (text: string | Uint8Array): Uint8Array<ArrayBuffer> =>
  typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text)

/** Signs any header and payload by RS256, even malformed ones. */
export async function signRaw(
  header: string | Uint8Array,
  payload: string | Uint8Array,
  privateKeyPem: string,
): Promise<string> {
  const input = `${base64url.encode(bytesOf(header))}.${base64url.encode(bytesOf(payload))}`
  const signature = await crypto.subtle.sign(
    'RSASSA-PKCS1-v1_5',
    await privateKey(privateKeyPem),
    bytesOf(input),
  )
  return `${input}.${base64url.encode(new Uint8Array(signature))}`
}

/** Signs claims under a well-formed header, like a thief of the private key. */
export function forge(
  claims: object,
  privateKeyPem: string,
  header: object = { alg: 'RS256', typ: 'JWT' },
): Promise<string> {
  return signRaw(JSON.stringify(header), JSON.stringify(claims), privateKeyPem)
}

function part(token: string, at: number): string {
  return new TextDecoder().decode(base64url.decode(token.split('.')[at]!))
}

/** The signed text of a token's header. */
export function headerText(token: string): string {
  return part(token, 0)
}

/** The signed text of a token's payload. */
export function payloadText(token: string): string {
  return part(token, 1)
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): LicenseClaims {
  return JSON.parse(payloadText(token)) as LicenseClaims
}

/** Verifies a token offline by an app's public key alone, like the licensed program. */
export async function verifyOffline(
  token: string,
  publicKeyPem: string,
  expected = { audience: 'desktop-app', issuer: 'license-server' },
): Promise<LicenseClaims> {
  const publicKey = await importSPKI(publicKeyPem, 'RS256')
  const { kid } = JSON.parse(headerText(token)) as { kid: string }
  return verifyToken(token, [{ kid, publicKey }], expected)
}

/** The server's verdict on a token: `ok` or an error code. */
export async function verdictOf(licensing: Licensing, app: string, token: unknown): Promise<string> {
  const { valid, code } = await licensing.verification.verifyToken(app, token)
  return valid ? 'ok' : `${code}`
}
