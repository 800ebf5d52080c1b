import type { ReadonlySignal } from '@preact/signals'
import type { ApiKey } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { useKnown, type Known } from './data.ts'
import { keyWords } from './api-key-words.ts'
import { newest, type Newest } from './newest.ts'
import { base } from './place.ts'
import type { HeldSecret } from './secret.tsx'
import { days, now } from './times.ts'

export const keysName = 'api-keys'

/** The API has no page of one key, and a shop has few: the page reads them all. */
const mostKeys = 500

export function useKeys(): ReadonlySignal<Known<Newest<ApiKey>>> {
  return useKnown(keysName, (signal) => {
    const { apiKeys } = licensing.withOptions({ signal })
    return newest((paging) => apiKeys.list(paging), mostKeys)
  })
}

export type KeyState = 'working' | 'expired' | 'revoked'

export function stateOf({ revokedAt, expiresAt }: ApiKey): KeyState {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now() ? 'expired' : 'working'
}

/** The parts of the list that one looks for. */
export const keyTabs = {
  working: (key: ApiKey): boolean => stateOf(key) === 'working',
  ending: (key: ApiKey): boolean =>
    stateOf(key) === 'working' && key.expiresAt !== null && key.expiresAt - now() < days(30),
  unused: (key: ApiKey): boolean => stateOf(key) === 'working' && key.lastUsedAt === null,
  over: (key: ApiKey): boolean => stateOf(key) !== 'working',
} as const

export type KeyTab = keyof typeof keyTabs

export function nameOf({ name }: ApiKey): string {
  return name || keyWords.unnamed
}

export function reachOf({ app, mode }: ApiKey): string {
  return app ?? keyWords.everyApp(mode)
}

/** The text of a key for the moment in which somebody takes it. */
export function heldKey({ secret, prefix, lastFour }: ApiKey & { readonly secret: string }): HeldSecret {
  return { text: secret, ends: [prefix, lastFour] }
}

/** Makes a link that signs a person in. The server may give it relative to the address of the call. */
export async function invite(id: string): Promise<HeldSecret> {
  const { url } = await licensing.apiKeys.invite(id)
  const { href } = new URL(url, new URL(`api/v1/api-keys/${id}/invite`, base))
  const at = href.indexOf('#/in/') + 5
  return { text: href, ends: [href.slice(0, at), ''] }
}
