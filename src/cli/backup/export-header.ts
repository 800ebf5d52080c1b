import { Type } from '@sinclair/typebox'
import { version } from '../../adapters/version.ts'
import { integer, text } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import type { Counts } from './records.ts'

/** Raised when an older Heartwood could not read what is written. */
const format = 1

/** The first line of an export. */
export interface ExportHeader {
  readonly format: number
  /** Of the Heartwood that wrote it. */
  readonly version: string
  /** RFC 3339. */
  readonly exportedAt: string
  /** What only the master key opens that sealed the secrets of the export. */
  readonly keyCheck: string
  readonly counts: Counts
}

const count = () => integer('', 0, Number.MAX_SAFE_INTEGER)
const ofEvents = { license: count(), notice: count(), webhook: count(), delivery: count() }
const ofKinds = { app: count(), feature: count(), tier: count(), signingKey: count(), customer: count() }

/** The form of the first line. */
export const headerShape: Input<ExportHeader> = input<ExportHeader>()(
  Type.Object({
    format: Type.Integer({
      minimum: format,
      maximum: format,
      rule: `must be ${format}: another Heartwood wrote it`,
    }),
    version: text('', 1, 63),
    exportedAt: text('', 1, 63),
    keyCheck: text('', 1, 1024),
    counts: Type.Object({ ...ofKinds, ...ofEvents, apiKey: count() }, { rule: 'must count every kind' }),
  }),
)

export function newHeader(keyCheck: string, counts: Counts): ExportHeader {
  return { format, version, exportedAt: new Date().toISOString(), keyCheck, counts }
}
