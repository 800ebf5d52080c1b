import { readJti, type LicenseClaims } from '../../src/core/token/token.ts'
import { headerOf, own, signed, type VectorKey } from './signing.ts'

/** A token, the reader that gets it, and the result: claims that it accepts, or the code of its refusal. */
export interface Vector {
  readonly name: string
  readonly app: string
  readonly issuer: string
  /** The names of the keys that the reader trusts, in their order. */
  readonly keys: readonly string[]
  /** Whole seconds since 1970. */
  readonly now: number
  /** The release date of the program; absent if it has none. */
  readonly releasedAt?: number
  readonly token: string
  readonly accept?: LicenseClaims
  /** The number in the `jti` of an accepted token. */
  readonly revision?: number
  readonly refuse?: string
}

/** The reader of a vector, as far as it is not the usual one. */
export interface Reader {
  readonly app?: string
  readonly issuer?: string
  readonly keys?: readonly VectorKey[]
  readonly now?: number
  readonly releasedAt?: number
}

export const issued = 1_769_162_400
export const day = 86_400
export const now: number = issued + 3600

/** The claims of most vectors. */
export const claims: LicenseClaims = {
  sub: 'a1b2c3d4-e5f6-4a7b-8c9d-000000000001',
  aud: 'desktop-app',
  iss: 'license-server',
  iat: issued,
  exp: issued + 30 * day,
  jti: 'lic_01kfgt0000e008000000000004000000bsdj310p9tc2ensp0txqagdk6e',
  lic_id: '019be1a0-0000-7000-8000-000000000004',
  tier: 'pro',
  customer_id: 'cus_01kfgt0000e008000000000003',
  features: ['api_access', 'custom_integration'],
}

/** The text of the usual payload. */
export const payload: string = JSON.stringify(claims)

const usual = { app: claims.aud, issuer: claims.iss, keys: [own], now }

function vector(name: string, token: string, reader: Reader): Omit<Vector, 'accept' | 'revision' | 'refuse'> {
  const { keys, ...rest } = { ...usual, ...reader }
  return { name, ...rest, keys: keys.map((key) => key.name), token }
}

/** A token that the usual key signed, with some claims changed; `undefined` takes a claim out. */
export function tokenWith(changes: Readonly<Record<string, unknown>>): string {
  return signed({ payload: { ...claims, ...changes }, key: own })
}

/** A token whose payload is this text, or these bytes. */
export function tokenOf(text: string | Uint8Array): string {
  return signed({ payload: text, key: own })
}

/** A token with some members of the header changed; `undefined` takes one out. */
export function tokenUnder(changes: Readonly<Record<string, unknown>>): string {
  return signed({ header: { ...headerOf(own), ...changes }, payload, key: own })
}

/** The vector of a token that has to be accepted, with the claims of {@link claims} but for some. */
export function accepted(
  name: string,
  token: string,
  changes: Partial<Record<keyof LicenseClaims, unknown>> = {},
  reader: Reader = {},
): Vector {
  const accept = JSON.parse(JSON.stringify({ ...claims, ...changes })) as LicenseClaims
  return { ...vector(name, token, reader), accept, revision: readJti(accept.jti)!.revision }
}

export function refused(name: string, token: string, reader: Reader = {}, code = 'invalid_token'): Vector {
  return { ...vector(name, token, reader), refuse: code }
}
