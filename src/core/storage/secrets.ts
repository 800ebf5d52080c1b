import type { NumericDate } from './numeric-date.ts'

/** The first answer to a request under an idempotency key. */
export interface StoredResponseRecord {
  /** Whose key it is: the id of the API key, or a name of the embedder's. */
  readonly scope: string
  readonly key: string
  /** Of the request: the same key with another one is a mistake. */
  readonly fingerprint: string
  /** Sealed. */
  readonly answer: string
  readonly expiresAt: NumericDate
}

/** One page of the kept answers. Shorter than `limit` means it is the last. */
export interface StoredResponsePage {
  readonly limit: number
  /** Begins after the answer under this scope and key, whether or not it is still there. */
  readonly after?: Pick<StoredResponseRecord, 'scope' | 'key'>
}

/** Where a text stands that only a master key opens. */
export type SecretLocation =
  | { readonly kind: 'keyCheck' }
  | { readonly kind: 'tokenSecret'; readonly appId: string }
  | { readonly kind: 'privateKey'; readonly appId: string; readonly kid: string }
  | { readonly kind: 'storedResponse'; readonly scope: string; readonly key: string }

/** What sealing asks of a storage: the check record, the kept answers, and a way to a new master key. */
export interface SecretStorage {
  /** `null` also once it has expired as of `now`. */
  findStoredResponse(scope: string, key: string, now: NumericDate): Promise<StoredResponseRecord | null>
  /**
   * Resolves to `false`, writing nothing, when an answer that has not expired as of `now` is kept under the same scope and
   * key: of concurrent callers one wins. Forgets some that have expired on the way. After `false` inside a transaction,
   * give the transaction up.
   */
  insertStoredResponse(answer: StoredResponseRecord, now: NumericDate): Promise<boolean>
  /** Those that have expired too, until they are forgotten. By scope, then by key, in an order that stays the same. */
  listStoredResponses(page: StoredResponsePage): Promise<readonly StoredResponseRecord[]>
  countStoredResponses(): Promise<number>

  /** Keeps `sealed` if no check record stands yet, and resolves to the one that stands. Writes nothing otherwise. */
  claimKeyCheck(sealed: string): Promise<string>
  /**
   * Puts `next` in the place of `expected`. Resolves to `false`, writing nothing, when another text stands there, or none:
   * so what was sealed meanwhile is not overwritten, and what was destroyed does not come back. The secrets of a webhook
   * are changed by `updateWebhook`.
   */
  reseal(place: SecretLocation, expected: string, next: string): Promise<boolean>
}
