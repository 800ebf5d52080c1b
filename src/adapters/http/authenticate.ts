import type { Licensing } from '../../core/licensing.ts'
import type { Principal } from '../../core/principal.ts'
import { HttpError } from './errors.ts'

const bearer = /^Bearer ([\x21-\x7e]+)$/i

/**
 * The principal of a request's API key, which it sends as a bearer token (RFC 6750 section 2.1).
 *
 * @throws {HttpError} `unauthorized`, with one message for every cause.
 */
export async function authenticate(licensing: Licensing, request: Request): Promise<Principal> {
  const [, secret] = bearer.exec(request.headers.get('authorization') ?? '') ?? []
  const principal = secret === undefined ? null : await licensing.apiKeys.authenticate(secret)
  if (principal === null) throw new HttpError('unauthorized', 'Invalid or missing API key')
  return principal
}
