import { Type, type TUnsafe } from '@sinclair/typebox'
import { appSlug, instant, nullable, oneOf, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { scopes, type Scope } from '../scopes.ts'
import type { Mode } from './apps.ts'
import type { UpdateNote } from './audit-entries.ts'
import type { Page } from './page.ts'
import { described, hashed, id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

export interface ApiKeyRecord {
  readonly id: string
  readonly name: string | null
  /**
   * `sk` may write, `pk` may only read. A key with scopes is of a type of its own, which 0.1.0 does not know: that version
   * would take it for a key without scopes.
   */
  readonly type: 'sk' | 'pk' | 'scoped_sk' | 'scoped_pk'
  readonly mode: Mode
  /** The id of the app that it is bound to; `null` for a key to every app of its mode. */
  readonly appId: string | null
  /** The slug of the same app. */
  readonly app: string | null
  /** SHA-256 of the secret, in lower-case hexadecimal; of a scoped key, of a label and the secret. Unique. */
  readonly hash: string
  /** The last four characters of the secret, which tell keys apart in a list. */
  readonly lastFour: string
  readonly createdAt: NumericDate
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly lastUsedAt: NumericDate | null
  /** The rights of a scoped key; `null` for all rights of its type. */
  readonly scopes: readonly Scope[] | null
}

/** A list of scopes, each once and at least one. */
export function scopeList(meaning: string): TUnsafe<readonly Scope[]> {
  const rule = `must be a list of one or more different scopes: ${scopes.join(', ')}`
  const item = Type.String({ enum: scopes, pattern: `^(${scopes.join('|')})$`, rule })
  const limits = { minItems: 1, maxItems: scopes.length, uniqueItems: true }
  return Type.Unsafe<readonly Scope[]>(Type.Array(item, { description: meaning, ...limits, rule }))
}

export const apiKeyRecord: RecordSchema<ApiKeyRecord> = input<ApiKeyRecord>()(
  Type.Object({
    id: id('key', 'Id of the key'),
    name: nullable(text('Purpose of the key', 0, 255)),
    type: oneOf('sk may write, pk may only read; scoped_ if it has scopes', [
      'sk',
      'pk',
      'scoped_sk',
      'scoped_pk',
    ]),
    mode: oneOf('Mode of the apps that the key sees', ['live', 'test']),
    appId: nullable(id('app', 'App that the key is bound to; null for every app of its mode')),
    app: nullable(described('Slug of the app that the key is bound to', appSlug())),
    hash: hashed('SHA-256 of the secret', '^[0-9a-f]{64}$', 'must be a SHA-256 in lower-case hexadecimal'),
    lastFour: text('Last four characters of the secret', 4, 4),
    createdAt: instant('Time of creation'),
    expiresAt: nullable(instant('Time at which the key stops working')),
    revokedAt: nullable(instant('Time of the revocation')),
    lastUsedAt: nullable(instant('Time of the last use')),
    scopes: nullable(scopeList('Rights of a scoped key; null for all rights of its type')),
  }),
)

/** The fields of an API key that may change. */
export type ApiKeyPatch = Partial<Pick<ApiKeyRecord, 'name' | 'expiresAt' | 'revokedAt'>>

export interface ApiKeyFilter {
  readonly mode?: Mode | undefined
  /** Only scoped keys with none of these scopes. */
  readonly withoutScopes?: readonly Scope[] | undefined
}

export interface ApiKeyStorage {
  findApiKey(id: string): Promise<ApiKeyRecord | null>
  findApiKeyByHash(hash: string): Promise<ApiKeyRecord | null>
  insertApiKey(key: ApiKeyRecord): Promise<void>
  /** Writes `key` only into a storage without any API key. One of several concurrent callers wins. */
  insertFirstApiKey(key: ApiKeyRecord): Promise<boolean>
  /** For `note` see `updateCustomer`. */
  updateApiKey(id: string, patch: ApiKeyPatch, note?: UpdateNote<ApiKeyRecord>): Promise<ApiKeyRecord | null>
  /** Records the last use of each key by id. It never lowers a time. */
  touchApiKeys(lastUsedAt: ReadonlyMap<string, NumericDate>): Promise<void>
  /** Newest first. */
  listApiKeys(filter: ApiKeyFilter, page: Page): Promise<readonly ApiKeyRecord[]>
  countApiKeys(filter: ApiKeyFilter): Promise<number>
}
