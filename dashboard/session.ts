import { signal, type Signal } from '@preact/signals'
import { base } from './place.ts'
import { words } from './words.ts'

/** The person who is signed in, as the server tells. */
export interface Person {
  readonly id: string
  readonly name: string | null
  readonly type: 'sk' | 'pk'
  readonly mode: 'live' | 'test'
  readonly apps: readonly string[] | null
  readonly scopes: readonly string[] | null
  readonly expires_at: string | null
}

/** `unknown` until the server has told. */
export type Session =
  | { readonly state: 'unknown' }
  /** The server gave no answer, or none that can be read. */
  | { readonly state: 'unreachable'; readonly error: Error }
  | { readonly state: 'out'; readonly signIn: 'key' | 'host'; readonly hasEnded: boolean }
  | { readonly state: 'in'; readonly signIn: 'key' | 'host'; readonly person: Person }

export const session: Signal<Session> = signal({ state: 'unknown' })

interface Told {
  readonly data?: { readonly person: Person | null; readonly sign_in: 'key' | 'host' }
  readonly error?: { readonly message: string }
}

/** A proxy may answer in the place of the server. */
async function read(response: Response): Promise<Told> {
  try {
    return (await response.json()) as Told
  } catch {
    throw new Error(words.noAnswer)
  }
}

async function ask(method: 'GET' | 'POST', credential?: object): Promise<void> {
  const body = credential === undefined ? {} : { body: JSON.stringify(credential) }
  const headers = credential === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(new URL('dashboard/session', base), { method, headers, ...body })
  const { data, error } = await read(response)
  if (data === undefined) throw new Error(error?.message ?? words.noAnswer)
  const { person, sign_in: signIn } = data
  session.value =
    person === null ? { state: 'out', signIn, hasEnded: false } : { state: 'in', signIn, person }
}

/** Asks the server who is signed in. Without an answer, a person who is signed in stays. */
export async function loadSession(): Promise<void> {
  try {
    await ask('GET')
  } catch (error) {
    if (session.value.state !== 'in') session.value = { state: 'unreachable', error: error as Error }
  }
}

/** All tabs have one cookie, so a tab must not go on under the name of a person who is not there any more. */
const tabs = new BroadcastChannel(`heartwood ${base.href}`)
tabs.addEventListener('message', () => void loadSession())

/** Signs in. The credential goes to the server once and stays nowhere. @throws {Error} with the server's words. */
export async function signInWith(
  credential: { readonly key: string } | { readonly link: string },
): Promise<void> {
  await ask('POST', credential)
  tabs.postMessage(null)
}

/** Shows the sign-in, because the server no longer knows the session. */
export function endSession(): void {
  const { value } = session
  if (value.state === 'in') session.value = { state: 'out', signIn: value.signIn, hasEnded: true }
}

/** @throws {Error} if the server did not end the session. */
export async function signOut(): Promise<void> {
  const response = await fetch(new URL('dashboard/session', base), { method: 'DELETE' })
  if (!response.ok) throw new Error((await read(response)).error?.message ?? words.noAnswer)
  tabs.postMessage(null)
  sessionStorage.clear()
  // All that the page knows of customers goes with it.
  location.replace(base.href + 'dashboard')
}

/** Whoever may write a noun may read it. */
const wider: Readonly<Record<string, string>> = { read: 'write', release: 'write' }

/** True if the person has a right. The server decides; this only hides what it would refuse. */
export function may(scope: string): boolean {
  if (session.value.state !== 'in') return false
  const { scopes, type, apps } = session.value.person
  // Otherwise a key that is bound could make a stronger one.
  if (scope === 'keys:write' && apps !== null) return false
  if (scopes === null) return type === 'sk' || (scope.endsWith(':read') && scope !== 'audit:read')
  const [noun = '', right = ''] = scope.split(':')
  return scopes.includes(scope) || scopes.includes(`${noun}:${wider[right]}`)
}

/** Whoever is signed in. */
export function person(): Person | null {
  return session.value.state === 'in' ? session.value.person : null
}

/** True for an sk_ key, and for a person of the host. A public key sees less of some nouns that its scopes name. */
export function isSecretKey(): boolean {
  return person()?.type === 'sk'
}

/** True if the person sees every app of the mode. Only such a person makes apps. */
export function seesAll(): boolean {
  return person()?.apps === null
}

/** True if the person learns when programs were last seen. */
export function maySeeContact(): boolean {
  return isSecretKey() && may('licenses:read')
}
