import { createHash, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TokenVectors } from '../../scripts/token-vectors.ts'
import type { LicenseClaims } from '../../src/core/token/token.ts'
import type { Case, Verdict } from './languages.ts'

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8'))
}

/** A case with its name and the verdict that its file states. */
export interface NamedCase extends Case {
  readonly name: string
  readonly verdict: Verdict
}

/** The content of `vectors/license-tokens.json`. */
export const tokenVectors: TokenVectors = read('license-tokens.json') as TokenVectors

const pems = new Map(tokenVectors.keys.map(({ name, pem }) => [name, pem]))

/** The cases of `vectors/license-tokens.json`. */
export const vectorCases: readonly NamedCase[] = tokenVectors.vectors.map(
  ({ accept, revision, refuse, keys, ...rest }) => ({
    ...rest,
    keys: keys.map((name) => pems.get(name)!),
    verdict: refuse ?? { claims: { limits: {}, ...accept! }, revision: revision! },
  }),
)

/** The thumbprint of a public key (RFC 7638). */
export function kidOf(pem: string): string {
  const { kty, n, e } = createPublicKey(pem).export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
}

interface Forward {
  readonly audience: string
  readonly issuer: string
  readonly publicKeys: { readonly keys: readonly [object] }
  readonly accept: readonly { readonly name: string; readonly token: string }[]
  readonly refuse: readonly { readonly name: string; readonly token: string }[]
}

/** The cases of `vectors/forward.json`: tokens of later versions. An accepted one has a verdict that tells no claims. */
export function forwardCases(): readonly (Case & { readonly name: string; readonly accepted: boolean })[] {
  const { audience, issuer, publicKeys, accept, refuse } = read('forward.json') as Forward
  const key = createPublicKey({ key: { ...publicKeys.keys[0] }, format: 'jwk' })
  const pem = key.export({ type: 'spki', format: 'pem' }) as string
  const reader = { app: audience, issuer, keys: [pem], now: 1_769_170_000 }
  const caseOf = (accepted: boolean) => (vector: { readonly name: string; readonly token: string }) => ({
    ...{ ...reader, ...vector, accepted },
  })
  return [...accept.map(caseOf(true)), ...refuse.map(caseOf(false))]
}

/** The claims of a token, unverified. */
export function claimsIn(token: string): LicenseClaims {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as LicenseClaims
}
