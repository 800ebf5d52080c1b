import type { IdempotencyKey } from '../../core/idempotency.ts'
import { pathAndQuery } from './path.ts'
import type { Reply } from './reply.ts'
import type { Call, Route } from './route.ts'

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The key belongs to the API key that shows it, and to one method, path and body. */
async function keyOf(route: Route, call: Call, key: string): Promise<IdempotencyKey> {
  // The app by its id: another one may come to the same slug.
  const asked = [call.request.method, ...pathAndQuery(call.request), call.app, call.body]
  const fingerprint = await sha256(JSON.stringify(asked))
  const { signs } = route
  const license = signs && { license: { app: call.app, signs } }
  return { key, scope: call.principal?.id ?? '', fingerprint, ...license }
}

/** Answers a POST under an Idempotency-Key: the work is done once, and its answer given again within 24 hours. */
export async function answerOnce(route: Route, call: Call, header: string): Promise<Reply> {
  const key = await keyOf(route, call, header)
  const work = (licensing: Call['licensing']): Promise<object> =>
    route.run({ ...call, licensing }) as Promise<object>
  const { result: answer, replayed } = await call.licensing.idempotent(key, work)
  const reply = await route.answer(answer, call)
  return replayed ? { ...reply, headers: { ...reply.headers, 'idempotent-replayed': 'true' } } : reply
}
