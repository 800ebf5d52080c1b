import { Type, type TUnsafe } from '@sinclair/typebox'
import { appSlug, description, name, nullable, oneOf, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { maxRecoveryKeys } from '../token/statement-limits.ts'
import type { RecoverySet } from '../token/statement.ts'
import type { UpdateNote } from './audit-entries.ts'
import type { Page } from './page.ts'
import { described, formed, id, noted, sealed, thumbprint, timestamps, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** `live` for sales, `test` for trials. An API key sees only the apps of its own mode. */
export type Mode = 'live' | 'test'

export interface AppRecord {
  readonly id: string
  readonly mode: Mode
  readonly name: string
  /** Unique in the whole storage; never changes. */
  readonly slug: string
  readonly description: string | null
  readonly webhookUrl: string | null
  /** The `iss` of every token of this app; never changes. */
  readonly issuer: string
  /** The secret that makes each `jti`, sealed. */
  readonly tokenSecret: string
  /** The letters before each license key; `null` for none. A test app always has `TEST`. */
  readonly keyPrefix: string | null
  /** The recovery set of its last statement about signing keys; `null` if it has none. */
  readonly recovery: RecoverySet | null
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** The recovery keys that sign after a theft. The threshold is at most their number, which the use case checks. */
function recoverySet(): TUnsafe<RecoverySet> {
  const set = Type.Object(
    {
      threshold: Type.Integer({ minimum: 1, maximum: maxRecoveryKeys }),
      kids: Type.Array(thumbprint('Thumbprint of a recovery key'), {
        minItems: 1,
        maxItems: maxRecoveryKeys,
        uniqueItems: true,
      }),
    },
    {
      description: 'Thumbprints of the recovery keys, and the number of them that must sign; null for none',
      additionalProperties: false,
      rule: `must hold kids, 1 to ${maxRecoveryKeys} different thumbprints, and threshold, at most their number`,
    },
  )
  return Type.Unsafe<RecoverySet>(set)
}

export const appRecord: RecordSchema<AppRecord> = input<AppRecord>()(
  Type.Object({
    id: id('app', 'Id of the app'),
    mode: oneOf('Mode of the key that created the app', ['live', 'test']),
    name: name(),
    slug: noted(
      'unique in the database',
      described('Name in URLs, and the audience of the app’s tokens', appSlug()),
    ),
    description: description(),
    webhookUrl: nullable(text('URL that receives license events', 1, 2048)),
    issuer: text('The iss of the app’s tokens', 1, 255),
    tokenSecret: sealed(
      'The secret that makes the jti of each token and the text of each license key of the app',
    ),
    keyPrefix: nullable(
      formed(
        'Letters before each license key',
        '^[A-Z0-9]{2,8}$',
        'must be 2 to 8 capital letters or digits',
      ),
    ),
    recovery: nullable(recoverySet()),
    ...timestamps(),
  }),
)

/** The fields of an app that may change. */
export type AppPatch = Partial<
  Pick<AppRecord, 'name' | 'description' | 'webhookUrl' | 'keyPrefix' | 'recovery' | 'updatedAt'>
>

export interface AppFilter {
  readonly mode?: Mode | undefined
  readonly id?: string | undefined
  /** Only apps with one of these slugs. */
  readonly slugs?: readonly string[] | undefined
}

export interface AppStorage {
  /** By slug, or by id: no slug looks like an id. */
  findApp(slugOrId: string): Promise<AppRecord | null>
  /** Resolves to `false` and writes nothing if the slug is taken. */
  insertApp(app: AppRecord): Promise<boolean>
  /**
   * Resolves to the app as it is after the change, or to `null` if there is no such app. For `note` see
   * `updateCustomer`.
   */
  updateApp(id: string, patch: AppPatch, note?: UpdateNote<AppRecord>): Promise<AppRecord | null>
  /** Deletes the app in one step with everything in it, its deliveries and the API keys bound to it. */
  deleteApp(id: string): Promise<boolean>
  /** Newest first (by id, descending). */
  listApps(filter: AppFilter, page: Page): Promise<readonly AppRecord[]>
  countApps(filter: AppFilter): Promise<number>
}
