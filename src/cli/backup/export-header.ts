import { Type } from '@sinclair/typebox'
import { version } from '../../adapters/version.ts'
import { integer, text } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import { noCounts, type Counts } from './records.ts'

/** Raise it when an older Heartwood could not read the export. Every earlier format is still read: see `formats.ts`. */
const format = 4

/** The first line of an export. */
export interface ExportHeader {
  readonly format: number
  /** The version of the Heartwood that wrote the export. */
  readonly version: string
  /** RFC 3339. */
  readonly exportedAt: string
  /** The check record: only the master key that sealed the secrets of the export opens it. */
  readonly keyCheck: string
  readonly counts: Counts
}

const count = () => integer('', 0, Number.MAX_SAFE_INTEGER)

const countsShape = Type.Object(
  {
    app: count(),
    feature: count(),
    tier: count(),
    signingKey: count(),
    customer: count(),
    // Formats 1 to 3 know no statements.
    statement: Type.Optional(count()),
    // Formats 1 and 2 know no license keys.
    licenseKey: Type.Optional(count()),
    license: count(),
    notice: count(),
    webhook: count(),
    delivery: count(),
    apiKey: count(),
    // Formats 1 to 3 know no audit entries.
    auditEntry: Type.Optional(count()),
    auditChain: Type.Optional(count()),
    auditCheckpoint: Type.Optional(count()),
  },
  { rule: 'must count every kind' },
)

/** The kinds that an earlier format does not know. */
type Added = 'licenseKey' | 'statement' | 'auditEntry' | 'auditChain' | 'auditCheckpoint'

/** A header as a file has it. */
interface WrittenHeader extends Omit<ExportHeader, 'counts'> {
  readonly counts: Omit<Counts, Added> & Partial<Pick<Counts, Added>>
}

/** The schema of the first line. */
const headerShape: Input<WrittenHeader> = input<WrittenHeader>()(
  Type.Object({
    format: Type.Integer({
      minimum: 1,
      maximum: format,
      rule: `must be an integer from 1 to ${format}: a newer version of Heartwood wrote the export`,
    }),
    version: text('', 1, 63),
    exportedAt: text('', 1, 63),
    keyCheck: text('', 1, 1024),
    counts: countsShape,
  }),
)

/** Reads the first line of an export. @throws {LicensingError} `validation_error`. */
export function readHeader(written: unknown): ExportHeader {
  const header = headerShape.parse(written)
  return { ...header, counts: { ...noCounts(), ...header.counts } }
}

export function newHeader(keyCheck: string, counts: Counts): ExportHeader {
  return { format, version, exportedAt: new Date().toISOString(), keyCheck, counts }
}
