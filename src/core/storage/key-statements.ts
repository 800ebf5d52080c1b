import { Type } from '@sinclair/typebox'
import { instant, integer, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** A statement about the signing keys of an app: see `trust.json`. It never changes. */
export interface KeyStatementRecord {
  readonly appId: string
  /** Rises by one, from 1. An app has one statement for each. */
  readonly seq: number
  /** The signed JSON. Every byte of it counts. */
  readonly payload: string
  /** The signatures as JSON (`signatures` of RFC 7515 section 7.2.1). */
  readonly signatures: string
  readonly createdAt: NumericDate
}

/** The longest payload or list of signatures. A client reads 4 MB of statements at most. */
const maxLength = 1024 * 1024

export const keyStatementRecord: RecordSchema<KeyStatementRecord> = input<KeyStatementRecord>()(
  Type.Object({
    appId: id('app', 'App of the statement'),
    seq: integer('Rises by one, from 1; the key of the table with app_id', 1, 2 ** 32 - 1),
    payload: text('The signed JSON', 2, maxLength),
    signatures: text('The signatures by RFC 7515 section 7.2.1, as JSON', 2, maxLength),
    createdAt: instant('Time of creation'),
  }),
)

export interface KeyStatementStorage {
  /** Every statement of an app, by `seq`. */
  listKeyStatements(appId: string): Promise<readonly KeyStatementRecord[]>
  /** Resolves to `false` and writes nothing if the app has a statement with this `seq`. One of several concurrent callers wins. */
  insertKeyStatement(statement: KeyStatementRecord): Promise<boolean>
}
