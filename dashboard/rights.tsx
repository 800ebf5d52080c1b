import type { JSX } from 'preact'
import { session } from './session.ts'

/** True for a secret key. A public key sees less of some nouns that its scopes name. */
export function isSecretKey(): boolean {
  return session.value.state === 'in' && session.value.person.type === 'sk'
}

/** True for a person who sees every app of the mode. Only such a person makes apps. */
export function isUnbound(): boolean {
  return session.value.state === 'in' && session.value.person.apps === null
}

/** Says why an act is not offered. */
export function Lack({ children }: { readonly children: string }): JSX.Element {
  return <p class="note">{children}</p>
}
