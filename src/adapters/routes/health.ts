import { preflight } from '../http/cors.ts'
import { methodNotAllowed } from '../http/errors.ts'
import { checkPath } from '../http/path.ts'
import { json, type Reply } from '../http/reply.ts'
import type { Server } from '../http/server.ts'
import { version } from '../version.ts'

const methods = ['GET', 'HEAD', 'OPTIONS']

/** Whether the server and its storage answer: 200, or 503 when storage does not. */
export async function health({ licensing }: Server, request: Request): Promise<Reply> {
  checkPath(request)
  const isUp = await licensing.ping().then(
    () => true,
    () => false,
  )
  const state = isUp ? 'ok' : 'error'
  return json({ status: state, version, storage: state }, isUp ? 200 : 503)
}

/** The answer to every method but GET and HEAD. @throws {HttpError} */
export async function healthRefusal({ origins }: Server, request: Request): Promise<Reply> {
  checkPath(request)
  if (request.method !== 'OPTIONS') throw methodNotAllowed(methods)
  return preflight(request, methods, [{ method: 'GET', access: 'public' }], origins)
}
