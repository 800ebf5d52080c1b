import { importSPKI } from 'jose'
import { decide } from '../../src/core/token/decision.ts'
import { LicensingError } from '../../src/core/errors.ts'
import { readJti, verifyToken, type LicenseClaims, type VerificationKey } from '../../src/core/token/token.ts'
import { kidOf } from './vectors.ts'
import type { Case, Verdict } from './languages.ts'

const imported = new Map<string, Promise<VerificationKey>>()

async function importKey(pem: string): Promise<VerificationKey> {
  return { kid: kidOf(pem), publicKey: await importSPKI(pem, 'RS256') }
}

function keyOf(pem: string): Promise<VerificationKey> {
  const key = imported.get(pem) ?? importKey(pem)
  imported.set(pem, key)
  return key
}

const known = [
  ...['sub', 'aud', 'iss', 'iat', 'exp', 'jti', 'lic_id', 'tier', 'customer_id', 'features', 'limits'],
  'updates_until',
]

/** The claims that a verifier hands out. No limits are an empty object. */
export function knownClaims(claims: LicenseClaims): LicenseClaims {
  const members = Object.entries(claims).filter(([name]) => known.includes(name))
  return { limits: {}, ...(Object.fromEntries(members) as unknown as LicenseClaims) }
}

/** The verdict of core on a token: its signature and claims, then the time. */
export async function judgeByCore({ token, app, issuer, keys, now, releasedAt }: Case): Promise<Verdict> {
  try {
    const expected = { audience: app, issuer }
    const claims = await verifyToken(token, await Promise.all(keys.map(keyOf)), expected)
    const { code } = decide({ token: claims, now, releasedAt })
    return code ?? { claims: knownClaims(claims), revision: readJti(claims.jti)!.revision }
  } catch (error) {
    if (error instanceof LicensingError) return error.code
    throw error
  }
}

/** The verdict with half surrogate pairs made alike, because the lines between the programs cannot hold them. */
export function comparable(verdict: Verdict | undefined): unknown {
  const text = JSON.stringify(verdict ?? null).replaceAll(/(?:\\ud[89a-f][0-9a-f]{2}|[\ufffd?])+/g, '?')
  return JSON.parse(text)
}
