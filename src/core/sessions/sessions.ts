import { isGoodKey } from '../api-keys/api-keys.ts'
import { toAuthenticated, type AuthenticatedKey } from '../api-keys/view.ts'
import type { Context } from '../context.ts'
import { isText } from '../input/parse.ts'
import type { NumericDate } from '../storage/index.ts'
import { redeem } from './invitation.ts'
import { isUsedUp, newNonce, openObject, sealObject, useUp } from './sealed.ts'

/** A person who is signed in to the dashboard with an API key. */
export interface Session {
  /** The key, with its present rights. */
  readonly key: AuthenticatedKey
  /** The text that the browser keeps. */
  readonly text: string
  /** True if the text is a new one, which the browser must keep in place of the old. */
  readonly isFresh: boolean
  /** The end at the latest: 12 hours after the sign-in, or that of the key. */
  readonly expiresAt: NumericDate
  /** The seconds until then. */
  readonly secondsLeft: number
}

/**
 * The sessions of the dashboard. A session is a sealed text around the id of an API key, and ends with the key. `place` is where
 * the browser keeps the text: a text from one place does not open at another.
 */
export interface Sessions {
  /** Tells the texts of this storage from those of other servers on the same host, because cookies do not know ports. */
  readonly name: string
  /** Begins a session with the secret of a key; `null` if the key is unknown, revoked or expired. */
  begin(secret: string, place: string): Promise<Session | null>
  /** Begins a session with a link, which is then used up; `null` if it is unknown, over or used up, or its key is. */
  redeem(link: string, place: string): Promise<Session | null>
  /** The session of a text; `null` if it is none, has ended or has rested for 30 minutes, or if its key is no longer good. */
  find(text: string, place: string): Promise<Session | null>
  /** Ends the session of a text on every server. */
  end(text: string, place: string): Promise<void>
}

/** The content of a text. */
interface SealedSession {
  readonly nonce: string
  readonly keyId: string
  readonly startedAt: NumericDate
  readonly seenAt: NumericDate
}

/** Seconds after which a person signs in again. */
const longest = 12 * 60 * 60
/** Seconds without a request, after which a session is over. */
const rest = 30 * 60
/** Seconds between two texts of a session. A new one with each request would only cost. */
const freshFor = 60

function purposeAt(place: string): string {
  return `dashboard-session ${place}`
}

/** The key, if it is good. Its last use is noted, as that of a request with its secret is. */
async function goodKey({ storage, runtime }: Context, id: string): Promise<AuthenticatedKey | null> {
  const key = await storage.findApiKey(id)
  const now = runtime.now()
  if (key === null || !isGoodKey(key, now)) return null
  runtime.lastUsed.note(key.id, now)
  return toAuthenticated(key)
}

function endOf({ startedAt }: SealedSession, { expiresAt }: AuthenticatedKey): NumericDate {
  return Math.min(startedAt + longest, expiresAt ?? Infinity)
}

function spanOf(
  context: Context,
  content: SealedSession,
  key: AuthenticatedKey,
): Pick<Session, 'expiresAt' | 'secondsLeft'> {
  const expiresAt = endOf(content, key)
  return { expiresAt, secondsLeft: expiresAt - context.runtime.now() }
}

function freshSession(
  context: Context,
  key: AuthenticatedKey,
  content: SealedSession,
  place: string,
): Session {
  const text = sealObject(context, purposeAt(place), content)
  return { key, text, isFresh: true, ...spanOf(context, content, key) }
}

async function begin(context: Context, keyId: string | null, place: string): Promise<Session | null> {
  const key = keyId === null ? null : await goodKey(context, keyId)
  if (key === null) return null
  const now = context.runtime.now()
  return freshSession(context, key, { nonce: newNonce(), keyId: key.id, startedAt: now, seenAt: now }, place)
}

/** The content of a text whose time is not over. */
function openSession(context: Context, text: string, place: string): SealedSession | null {
  const content = openObject<SealedSession>(context, purposeAt(place), text)
  if (content === null) return null
  const now = context.runtime.now()
  const isOver = now >= content.startedAt + longest || now >= content.seenAt + rest
  return isOver ? null : content
}

function nameOf({ nonce }: SealedSession): string {
  return `session ${nonce}`
}

async function find(context: Context, text: string, place: string): Promise<Session | null> {
  const content = openSession(context, text, place)
  if (content === null || (await isUsedUp(context, nameOf(content)))) return null
  const key = await goodKey(context, content.keyId)
  if (key === null) return null
  const now = context.runtime.now()
  if (now < content.seenAt + freshFor) return { key, text, isFresh: false, ...spanOf(context, content, key) }
  return freshSession(context, key, { ...content, seenAt: now }, place)
}

async function end(context: Context, text: string, place: string): Promise<void> {
  const content = openSession(context, text, place)
  if (content !== null) await useUp(context, nameOf(content), content.startedAt + longest)
}

export function bindSessions(
  context: Context,
  authenticate: (secret: string) => Promise<AuthenticatedKey | null>,
): Sessions {
  return {
    name: context.runtime.sealer.id,
    begin: async (secret, place) => {
      const key = isText(secret) ? await authenticate(secret) : null
      return begin(context, key?.id ?? null, place)
    },
    redeem: async (link, place) => begin(context, isText(link) ? await redeem(context, link) : null, place),
    find: (text, place) => find(context, text, place),
    end: (text, place) => end(context, text, place),
  }
}
