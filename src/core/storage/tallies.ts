import { Type } from '@sinclair/typebox'
import { instant, integer, oneOf } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { formed, id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The number of times that something happened in an app, within one hour or one day of UTC. */
export interface TallyRecord {
  readonly appId: string
  readonly span: 'hour' | 'day'
  /** The begin of the hour or day. */
  readonly startsAt: NumericDate
  /** `verify.ok`, `renew.token_expired`, `issued`. */
  readonly name: string
  readonly count: number
}

export const tallyRecord: RecordSchema<TallyRecord> = input<TallyRecord>()(
  Type.Object({
    appId: id('app', 'App in which it happened; the key of the table with the next three'),
    span: oneOf('Span of time that the row counts', ['hour', 'day']),
    startsAt: instant('Begin of the span, in UTC'),
    name: formed(
      'Name of what happened, such as `verify.ok`',
      '^[a-z_]{1,31}(\\.[a-z_]{1,31})?$',
      'must be one or two words of lowercase letters and underscores, with a dot between them',
    ),
    count: integer('Number of times', 0, Number.MAX_SAFE_INTEGER),
  }),
)

/** The tallies of one app and span that begin in a period. */
export interface TallyFilter {
  readonly appId: string
  readonly span: TallyRecord['span']
  /** Their begin is not earlier than this. */
  readonly from: NumericDate
  /** Their begin is earlier than this. */
  readonly before: NumericDate
}

export interface TallyStorage {
  /**
   * Adds each count to the one that is stored, all in one step: concurrent callers lose nothing. Tallies of apps that do not
   * exist, or are being deleted, are left out. No two of them have the same app, span, begin and name.
   */
  addTallies(tallies: readonly TallyRecord[]): Promise<void>
  /** In any order. */
  listTallies(filter: TallyFilter): Promise<readonly TallyRecord[]>
  /** Deletes at most `limit` tallies that pass the filter. Resolves to their number. */
  pruneTallies(filter: TallyFilter, limit: number): Promise<number>
}
