import { Type } from '@sinclair/typebox'
import { instant, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { hashed, sealed, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The first response to a request under an idempotency key. */
export interface StoredResponseRecord {
  /** The owner of the key: the id of an API key, or a name that the embedder chose. */
  readonly scope: string
  readonly key: string
  /** Identifies the request. The same key with another request is a mistake. */
  readonly fingerprint: string
  /** Sealed. */
  readonly answer: string
  readonly expiresAt: NumericDate
}

export const storedResponseRecord: RecordSchema<StoredResponseRecord> = input<StoredResponseRecord>()(
  Type.Object({
    scope: text(
      'Owner of the idempotency key: the id of an API key, or a name that the embedder chose',
      0,
      255,
    ),
    key: text('Idempotency key', 0, 255),
    fingerprint: hashed('SHA-256 of the request', '^', 'must be text'),
    answer: sealed('First response, without its license token'),
    expiresAt: instant('Time after which the response is deleted: 24 hours later'),
  }),
)

/** One page of the stored responses. A page with fewer than `limit` is the last one. */
export interface StoredResponsePage {
  readonly limit: number
  /** Begins after the response under this scope and key, even if it no longer exists. */
  readonly after?: Pick<StoredResponseRecord, 'scope' | 'key'> | undefined
}

export interface IdempotencyStorage {
  /** `null` also if it has expired as of `now`. */
  findStoredResponse(scope: string, key: string, now: NumericDate): Promise<StoredResponseRecord | null>
  /**
   * Resolves to `false` and writes nothing if a response under the same scope and key has not expired as of `now`. One of
   * several concurrent callers wins. It also deletes some expired responses. After `false` inside a transaction, give the
   * transaction up.
   */
  insertStoredResponse(response: StoredResponseRecord, now: NumericDate): Promise<boolean>
  /** By scope, then by key, in a stable order. It includes expired responses that are not deleted yet. */
  listStoredResponses(page: StoredResponsePage): Promise<readonly StoredResponseRecord[]>
  countStoredResponses(): Promise<number>
}
