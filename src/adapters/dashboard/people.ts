import type { Licensing } from '../../core/licensing.ts'
import type { Principal } from '../../core/principal.ts'
import type { Session } from '../../core/sessions/sessions.ts'
import { findCookies, setCookie, type FoundCookie } from './cookie.ts'
import { principalOf, type DashboardOptions, type DashboardUser } from './options.ts'

/** A person who is signed in. */
export interface Person {
  readonly principal: Principal
  readonly name: string | null
  /** The host's own id of the person; `null` for an API key. */
  readonly userId: string | null
  /** The slugs of the apps that the person sees; `null` for every app of the mode. */
  readonly apps: readonly string[] | null
  /** The end of the session; `null` if the host decides. */
  readonly expiresAt: number | null
  /** `Set-Cookie`, if the session has a new text. */
  readonly cookie: string | null
}

/** The people who are signed in to the dashboard of one server. */
export interface People {
  /** True if the host signs people in, so that keys and links do not. */
  readonly areOfHost: boolean
  /** The person who sent a request; `null` for nobody. */
  find(request: Request): Promise<Person | null>
}

/** The person of a session. The cookie lives as long as the session may. */
export function personOf(
  { key, text, isFresh, expiresAt, secondsLeft }: Session,
  { sessions }: Licensing,
  place: FoundCookie['place'],
): Person {
  return {
    principal: key,
    name: key.name,
    userId: null,
    apps: key.app === null ? null : [key.app],
    expiresAt,
    cookie: isFresh ? setCookie(place, sessions.name, text, secondsLeft) : null,
  }
}

async function findSession(licensing: Licensing, request: Request): Promise<Person | null> {
  for (const { text, place } of findCookies(request)) {
    const session = await licensing.sessions.find(text, place)
    if (session !== null) return personOf(session, licensing, place)
  }
  return null
}

function personOfHost(user: DashboardUser): Person {
  const { id, name, apps } = user
  return { principal: principalOf(user), name, userId: id, apps, expiresAt: null, cookie: null }
}

/** Finds people by their sessions, or as the host does. */
export function peopleOf(licensing: Licensing, { authenticate }: DashboardOptions): People {
  if (authenticate === undefined)
    return { areOfHost: false, find: (request) => findSession(licensing, request) }
  return {
    areOfHost: true,
    find: async (request) => {
      const user = (await authenticate(request)) ?? null
      return user === null ? null : personOfHost(user)
    },
  }
}
