import { isText } from './input/parse.ts'
import type { Principal } from './principal.ts'
import type { ActorType } from './storage/index.ts'

/** The one who acts: the audit log keeps it with every change. */
export interface Actor {
  readonly type: ActorType
  /** The id of an API key, license, license key or user; `null` for an actor without one. */
  readonly id: string | null
  /** A name for people; `null` if there is none. */
  readonly label: string | null
}

/**
 * An actor as a host names it. A `user` has an id, and the others may have one.
 *
 * @example
 * ```ts
 * import type { Licensing, NamedActor } from 'heartwood'
 *
 * async function refund(licensing: Licensing, clerk: NamedActor, id: string): Promise<void> {
 *   await licensing.as(clerk).licenses.revoke('desktop-app', id, { reason: 'Refunded' })
 * }
 * ```
 */
export type NamedActor =
  | { readonly type: 'user'; readonly id: string; readonly label?: string | null }
  | {
      readonly type: 'cli' | 'embedder' | 'system'
      readonly id?: string | null
      readonly label?: string | null
    }

/** The program that embeds licensing, if it names nobody. */
export const embedder: Actor = { type: 'embedder', id: null, label: null }

/** The server itself, in work that nobody asked for. */
export const system: Actor = { type: 'system', id: null, label: null }

const namedTypes: readonly string[] = ['user', 'cli', 'embedder', 'system']
const longest = 255

function isName(value: unknown, least: number): boolean {
  return isText(value) && value.length >= least && value.length <= longest
}

/** @throws {TypeError} that names the wrong part, never its value. */
export function namedActor(given: NamedActor): Actor {
  const { type, id = null, label = null } = given
  if (!namedTypes.includes(type)) throw new TypeError(`actor.type must be one of ${namedTypes.join(', ')}`)
  if (id === null ? type === 'user' : !isName(id, 1))
    throw new TypeError(`actor.id must be a string of 1 to ${longest} characters`)
  if (label !== null && !isName(label, 0))
    throw new TypeError(`actor.label must be a string of at most ${longest} characters, or null`)
  return type === 'embedder' && id === null && label === null ? embedder : { type, id, label }
}

const requestId = /^[!-~]{1,128}$/

/** @throws {TypeError} unless the id is 1 to 128 printable ASCII characters without blanks. */
export function checkedRequestId(id: string): string {
  if (typeof id !== 'string' || !requestId.test(id))
    throw new TypeError('A request id must be 1 to 128 printable ASCII characters without blanks')
  return id
}

/** The holder of an API key, unless the host has named somebody. */
export function actorFor(actor: Actor, { id, name = null }: Principal): Actor {
  return actor === embedder ? { type: 'api_key', id, label: name } : actor
}
