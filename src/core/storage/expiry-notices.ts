import { Type } from '@sinclair/typebox'
import { instant, oneOf } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { LicenseRecord } from './licenses.ts'
import { id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The record of an event about the end of a license. It keeps the event from being emitted twice. */
export interface ExpiryNotice {
  readonly licenseId: string
  readonly type: 'license.expiring' | 'license.expired'
  /** The end that the event announced. */
  readonly expiresAt: NumericDate
}

export const expiryNotice: RecordSchema<ExpiryNotice> = input<ExpiryNotice>()(
  Type.Object({
    licenseId: id('lic', 'License of the notice'),
    type: oneOf('Type of the event', ['license.expiring', 'license.expired']),
    expiresAt: instant('End of the license that the event announced'),
  }),
)

/** Licenses that end, or have ended, in a span of time and have no notice yet. */
export interface EndingLicenses {
  readonly appId: string
  /** Their end is later than this. */
  readonly after: NumericDate
  /** Their end is not later than this. */
  readonly until: NumericDate
  /** Skips licenses that already have a notice of this type for their current end. */
  readonly withoutNotice: ExpiryNotice['type']
  readonly limit: number
}

export interface ExpiryNoticeStorage {
  /**
   * Licenses that are not revoked and end in a span of time, the earliest end first. It skips the seats of license keys,
   * because their license keys are announced instead.
   */
  listEndingLicenses(ending: EndingLicenses): Promise<readonly LicenseRecord[]>
  /** Resolves to `false` and writes nothing if the same notice exists. It is deleted with the license. */
  insertExpiryNotice(notice: ExpiryNotice): Promise<boolean>
  /** The notices of these licenses, in any order. */
  listExpiryNotices(licenseIds: readonly string[]): Promise<readonly ExpiryNotice[]>
  /**
   * Records that the clock of a server shows `now`. Resolves to the time since which each reading was within `tolerance` of
   * the reading before it, in either direction. The first reading after a leap starts anew.
   */
  recordClockReading(now: NumericDate, tolerance: number): Promise<NumericDate>
}
