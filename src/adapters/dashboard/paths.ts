import { getAlone } from '../http/errors.ts'
import { pathAndQuery } from '../http/path.ts'
import type { Reply } from '../http/reply.ts'
import type { HttpService, SocketAddress } from '../http/service.ts'
import { fileReply, pageReply } from './page.ts'
import { sessionReply } from './session-path.ts'

/** Replies to a request of any method. */
type Responder = (request: Request, socketAddress: SocketAddress) => Promise<Reply>

const readAlone =
  (reply: Responder): Responder =>
  (request, socketAddress) =>
    request.method === 'GET' || request.method === 'HEAD' ? reply(request, socketAddress) : getAlone()

/** The one segment below `/dashboard`. A framework may match more of them. */
function fileName(request: Request): string {
  return /\/dashboard\/([^/]+)$/.exec(pathAndQuery(request)[0])?.[1] ?? ''
}

/** The responders of the dashboard, by path; `*` is one segment. None if the dashboard is off. */
export function dashboardPaths(service: HttpService): readonly (readonly [string, Responder])[] {
  const { people } = service
  if (people === null) return []
  return [
    ['/dashboard', readAlone(pageReply)],
    ['/dashboard/', readAlone(pageReply)],
    [
      '/dashboard/session',
      (request, socketAddress) => sessionReply({ service, people, request, socketAddress }),
    ],
    ['/dashboard/*', readAlone((request) => fileReply(request, fileName(request)))],
  ]
}
