import type { TrustedKey } from './public-keys.ts'
import type { StoredState } from './record.ts'

/** Gets the body of the route from which keys come. Rejects without a response. */
export type KeyRequest = (signal: AbortSignal, maxLength?: number) => Promise<string>

/** Trusts keys beyond those that the program carries. The client imports the followers on demand. */
export interface KeyFollower {
  /** The keys that the program carries. */
  readonly bundled: readonly TrustedKey[]
  /** Further keys that are trusted now. A change gives another array. */
  readonly keys: readonly TrustedKey[]
  /** True if the server's statements lead elsewhere than those that the program follows. */
  readonly isAstray: boolean
  /** Called with the first `seq` at which other statements contradict those that the program follows. */
  onConflict?: (seq: number) => void
  /** True if the key would be trusted once it is fetched. */
  awaits(kid: string): boolean
  /** True if this key, of the program's own too, may not have signed a token at this time. */
  refuses(kid: string, iat: number): boolean
  /** Takes back keys from the store. Two reads at once both wait until the keys are there. Never rejects. */
  recall(record: StoredState): Promise<void>
  /** The record with the keys that the store may hold, so that a start needs no network. */
  withKeys(record: StoredState): StoredState
  /** Takes the statements of a license file. Never rejects. */
  follow(trust: unknown): Promise<void>
  /** Fetches keys. Never rejects: a body of another kind (a captive portal's page, say) changes nothing. */
  fetch(signal: AbortSignal): Promise<void>
}
