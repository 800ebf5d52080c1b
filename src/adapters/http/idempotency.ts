import type { IdempotencyKey } from '../../core/idempotency.ts'
import { earlierFingerprintOf, fingerprintOf } from './fingerprint.ts'
import { pathAndQuery } from './path.ts'
import type { Reply } from './reply.ts'
import { runRoute, type Route, type RouteCall } from './route.ts'

/** The key belongs to the caller's API key, and to one method, path and body. */
async function keyOf(
  { signs, showsLicenseKey, body }: Route,
  call: RouteCall,
  key: string,
): Promise<IdempotencyKey> {
  // The app is identified by its id, because another app may take the slug of a deleted one.
  const request = [call.request.method, ...pathAndQuery(call.request), call.app]
  const earlierFingerprint = await earlierFingerprintOf([...request, body === undefined ? null : call.body])
  return {
    key,
    // Restricted licensing puts the id of the API key here.
    scope: '',
    fingerprint: await fingerprintOf([...request, call.body]),
    ...(earlierFingerprint !== null && { earlierFingerprint }),
    ...(signs && { license: { app: call.app, signs } }),
    ...(showsLicenseKey === true && { licenseKey: { app: call.app } }),
  }
}

/** Replies to a POST with an Idempotency-Key. The work is done once; within 24 hours a repetition gets the stored response. */
export async function replyOnce(route: Route, call: RouteCall, header: string): Promise<Reply> {
  const key = await keyOf(route, call, header)
  const work = (licensing: RouteCall['licensing']): Promise<object> =>
    runRoute(route, { ...call, licensing }) as Promise<object>
  const { result, replayed } = await call.licensing.idempotentCall(key, work)
  const reply = await route.respond(result, call)
  return replayed ? { ...reply, headers: { ...reply.headers, 'idempotent-replayed': 'true' } } : reply
}
