import type { KeyFollower, KeyRequest } from './key-follower.ts'
import { KeySet } from './key-set.ts'
import {
  isTrustFile,
  type ClientSettings,
  type KeySource,
  type PlainKeys,
  type TrustSource,
} from './options.ts'
import { readBundledKeys } from './public-keys.ts'
import { readBody } from './response-body.ts'
import { until } from './timer.ts'
import { TrustFollower } from './trust-follower.ts'

/** The last of the 43 characters has two unused bits (RFC 4648 section 3.5). */
const thumbprint = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** True for `origin`, and for a list of thumbprints that keys can have (RFC 7638, SHA-256). */
function isPin(pin: unknown): boolean {
  if (!Array.isArray(pin)) return pin === 'origin'
  return pin.length > 0 && pin.every((kid) => typeof kid === 'string' && thumbprint.test(kid))
}

/** Gets the body of a route of the app. */
function requestOf({ appUrl, fetch }: ClientSettings, route: string): KeyRequest {
  const options = { redirect: 'error', credentials: 'omit', cache: 'no-cache' } as const
  return (signal, maxLength) =>
    until(signal, async () => {
      const response = await fetch(`${appUrl}/${route}`, { signal, ...options })
      return response.status === 200 ? readBody(response, maxLength) : ''
    })
}

/**
 * Opens the follower of the keys that a program does not carry.
 *
 * @throws {TypeError} for an unusable source or unusable keys, of which it repeats no value.
 */
export async function openFollower(
  settings: ClientSettings,
  source: KeySource | TrustSource,
): Promise<KeyFollower> {
  const { app, issuer, publicKeys } = settings
  const { from, pin } = Object(source) as KeySource
  const request = requestOf(settings, from)
  if ((from as string) === 'trust.json')
    return TrustFollower.begin(publicKeys, request, { audience: app, issuer })
  if (!['jwks.json', 'public-key'].includes(from) || !isPin(pin))
    throw new TypeError("refreshKeys must name a source in from, and thumbprints or 'origin' in pin")
  if (isTrustFile(publicKeys))
    throw new TypeError(
      "refreshKeys must be absent, or from must be 'trust.json', because publicKeys is a trust file",
    )
  return new KeySet({ from, pin }, request, await readBundledKeys(publicKeys as PlainKeys))
}
