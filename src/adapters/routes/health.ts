import { preflight } from '../http/cors.ts'
import { methodNotAllowed } from '../http/errors.ts'
import { json, type Reply } from '../http/reply.ts'
import type { HttpService } from '../http/service.ts'
import { version } from '../version.ts'

const methods = ['GET', 'HEAD', 'OPTIONS']

/** Replies with 200, or with 503 if storage does not respond. */
export async function healthReply({ licensing }: HttpService): Promise<Reply> {
  const isUp = await licensing.ping().then(
    () => true,
    () => false,
  )
  const state = isUp ? 'ok' : 'error'
  return json({ status: state, version, storage: state }, isUp ? 200 : 503)
}

/** Replies to every method except GET and HEAD. @throws {HttpError} `method_not_allowed`, except for OPTIONS. */
export async function otherHealthMethod({ origins }: HttpService, request: Request): Promise<Reply> {
  if (request.method !== 'OPTIONS') throw methodNotAllowed(methods)
  return preflight(request, methods, [{ method: 'GET', access: 'public' }], origins)
}
