import type { ApiKey } from '../src/core/index.ts'
import { holds, presets, scopes, type Preset, type Scope } from '../src/core/scopes.ts'
import { keyWords } from './api-key-words.ts'
import { isSecretKey, may, person, seesAll } from './session.ts'

/** True if the person may manage keys, as far as the page knows. The server also refuses a key with an end. */
export function mayManageKeys(): boolean {
  return isSecretKey() && seesAll() && may('keys:write')
}

/** True if the person may do all that a key with these scopes may do. The server decides; this only offers no more. */
export function mayGive(wanted: readonly Scope[] | null): boolean {
  const own = person()?.scopes ?? null
  return own === null || (wanted !== null && wanted.every((scope) => holds(own as readonly Scope[], scope)))
}

export const presetNames: readonly Preset[] = ['support', 'payments', 'auditor']

export function presetOf({ type, scopes: held }: Pick<ApiKey, 'type' | 'scopes'>): Preset | null {
  const wanted = held?.join()
  return (
    presetNames.find((name) => presets[name].type === type && presets[name].scopes.join() === wanted) ?? null
  )
}

/** The rights of a key in a few words. */
export function rightsOf(key: Pick<ApiKey, 'type' | 'scopes'>): string {
  if (key.scopes === null) return key.type === 'sk' ? keyWords.everything : keyWords.readsEverything
  const preset = presetOf(key)
  return preset === null ? keyWords.rights(key.scopes.length) : keyWords.presets[preset]
}

/** The scopes that the person may choose from, in their order. */
export function givenScopes(): readonly Scope[] {
  return scopes.filter((scope) => mayGive([scope]))
}
