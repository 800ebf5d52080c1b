import type { Server } from './server.ts'
import { json, type Reply } from './reply.ts'
import { version } from './version.ts'

/** Whether the server and its storage answer: 200, or 503 when storage does not. */
export async function health({ licensing }: Server): Promise<Reply> {
  const isUp = await licensing.ping().then(
    () => true,
    () => false,
  )
  const state = isUp ? 'ok' : 'error'
  return json({ status: state, version, storage: state }, isUp ? 200 : 503)
}
