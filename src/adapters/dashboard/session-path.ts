import { Type } from '@sinclair/typebox'
import { exactlyOneOf } from '../../core/input/choice.ts'
import { text } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import type { Session } from '../../core/sessions/sessions.ts'
import { HeldBody } from '../http/body-memory.ts'
import { readBody } from '../http/body.ts'
import { HttpError, methodNotAllowed } from '../http/errors.ts'
import { empty, json, type Reply } from '../http/reply.ts'
import type { HttpService, SocketAddress } from '../http/service.ts'
import { fromWire, toWire } from '../http/wire.ts'
import { clearCookie, findCookies, placeFor, type Place } from './cookie.ts'
import { guards } from './page.ts'
import { personOf, type People, type Person } from './people.ts'
import { checkSentByPage } from './same-origin.ts'

/** The credential of a sign-in: exactly one of the two. */
interface SignIn {
  readonly key?: string
  readonly link?: string
}

const signIn: Input<SignIn> = input<SignIn>()(
  Type.Object(
    {
      key: Type.Optional(text('The secret of an API key', 1, 1_024)),
      link: Type.Optional(text('The end of a link that signs in', 1, 1_024)),
    },
    exactlyOneOf('key', 'link'),
  ),
)

/** A person as the page sees them. */
function toView({ principal, name, apps, expiresAt }: Person): object {
  const { id, type, mode, scopes } = principal
  return { id, name, type, mode, apps, scopes, expiresAt }
}

function stateReply(person: Person | null, { areOfHost }: People): Reply {
  const data = {
    person: person === null ? null : toWire(toView(person)),
    sign_in: areOfHost ? 'host' : 'key',
  }
  const cookie = person?.cookie ?? null
  return json({ data }, 200, { ...guards, ...(cookie !== null && { 'set-cookie': cookie }) })
}

async function readSignIn(service: HttpService, request: Request): Promise<SignIn> {
  const held = new HeldBody(service.bodies)
  try {
    return signIn.parse(fromWire(signIn, await readBody(request, held, service.bodyTimeoutMs)))
  } finally {
    held.release()
  }
}

/** Every cause has this one message. */
const refusals = {
  key: 'This is not a key of this server, or it has ended',
  link: 'This link has been used, is older than ten minutes, or its key has ended: ask for another',
}

function begin({ licensing }: HttpService, { key, link }: SignIn, place: Place): Promise<Session | null> {
  return key === undefined
    ? licensing.sessions.redeem(link!, place)
    : licensing.sessions.begin(key.trim(), place)
}

/** One request of the session's path, with the parts that it needs. */
interface SessionCall {
  readonly service: HttpService
  readonly people: People
  readonly request: Request
  readonly socketAddress: SocketAddress
}

/** Signs in. Only failures count, so an address that guesses is limited and a working key never is. */
async function replyToSignIn({ service, people, request, socketAddress }: SessionCall): Promise<Reply> {
  checkSentByPage(request)
  const place = placeFor(request)
  const given = await readSignIn(service, request)
  const session = await begin(service, given, place)
  if (session !== null) return stateReply(personOf(session, service.licensing, place), people)
  service.consumeLimit?.('failedKey', service.rateLimitKeyOf(request, socketAddress))
  throw new HttpError('unauthorized', given.key === undefined ? refusals.link : refusals.key)
}

/** Signs out, here and on every other server. */
async function replyToSignOut({ service, request }: SessionCall): Promise<Reply> {
  checkSentByPage(request)
  const cookies = findCookies(request)
  const ended = await Promise.all(
    cookies.map(async (cookie) => {
      const session = await service.licensing.sessions.find(cookie.text, cookie.place)
      if (session !== null) await service.licensing.sessions.end(cookie.text, cookie.place)
      return session === null ? null : clearCookie(cookie)
    }),
  )
  const [cookie] = ended.filter((text) => text !== null)
  return empty(204, { ...guards, ...(cookie !== undefined && { 'set-cookie': cookie }) })
}

/** Replies to `/dashboard/session`: tells who is signed in, signs in, and signs out. */
export async function sessionReply(call: SessionCall): Promise<Reply> {
  const { people, request } = call
  const { method } = request
  if (method === 'GET' || method === 'HEAD') return stateReply(await people.find(request), people)
  if (people.areOfHost) throw methodNotAllowed(['GET', 'HEAD'])
  if (method === 'POST') return replyToSignIn(call)
  if (method === 'DELETE') return replyToSignOut(call)
  throw methodNotAllowed(['DELETE', 'GET', 'HEAD', 'POST'])
}
