import { base64url } from 'jose'
import { isBase64url, parseStrictly } from '../token/token.ts'
import { base32Character, typeIdSuffix } from '../typeid.ts'

/** The names in a token that nobody has verified. They only say where to look: a `jti` proves itself by its MAC. */
export interface UnverifiedNames {
  readonly aud?: string | undefined
  readonly iss?: string | undefined
  readonly jti?: string | undefined
  /** `undefined`: the token names no key. */
  readonly kid?: string | undefined
}

const audience = /"aud":"([a-z0-9-]{1,63})"/
const tokenId = new RegExp(`"jti":"(lic_${typeIdSuffix}${base32Character}{32})"`)
const keyId = /"kid":"([A-Za-z0-9_-]{43})"/
/** A `kid` of any other form. No key has it. */
const foreignKid = '(unknown)'

/** The text of a part as far as it goes. A last character alone has no whole byte. */
function textOf(part: string): string {
  try {
    return new TextDecoder().decode(base64url.decode(part.length % 4 === 1 ? part.slice(0, -1) : part))
  } catch {
    return ''
  }
}

/** The claims that a token states, by its own word; `null` if they are none. */
export function statedClaims(token: string): Readonly<Record<string, unknown>> | null {
  const [, payload = ''] = token.split('.', 3)
  try {
    return isBase64url(payload) ? parseStrictly(base64url.decode(payload)) : null
  } catch {
    return null
  }
}

/** The claims as far as they go, in a token that was cut off or changed. */
function partialClaims(token: string): Omit<UnverifiedNames, 'kid'> {
  const text = textOf(token.split('.', 2)[1] ?? '')
  return { aud: audience.exec(text)?.[1], jti: tokenId.exec(text)?.[1] }
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function kidIn(token: string): string | undefined {
  const header = textOf(token.split('.', 1)[0] ?? '')
  return keyId.exec(header)?.[1] ?? (header.includes('"kid"') ? foreignKid : undefined)
}

/** Reads the names in a token, also in one that was cut off or changed. */
export function namesIn(token: string): UnverifiedNames {
  const claims = statedClaims(token)
  const kid = kidIn(token)
  if (claims === null) return { ...partialClaims(token), kid }
  return { aud: textIn(claims.aud), iss: textIn(claims.iss), jti: textIn(claims.jti), kid }
}
