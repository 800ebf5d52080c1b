import { base64url } from 'jose'

/**
 * The members of a part of a token. Nobody has verified them, so they serve for a choice of key and for advice alone.
 *
 * @param part 0 for the header, 1 for the claims.
 * @throws if the part is no JSON in base64url.
 */
export function unverifiedPart(token: string, part: 0 | 1): Readonly<Record<string, unknown>> {
  const bytes = base64url.decode(token.split('.')[part] ?? '')
  return Object(JSON.parse(new TextDecoder().decode(bytes))) as Record<string, unknown>
}
