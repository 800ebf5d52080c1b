import { LicensingError } from '../../core/errors.ts'
import type { SigningKeyRecord, StorageSession, TierRecord } from '../../core/storage/index.ts'
import { batchesOf, batchSize, type BatchRecords } from '../../storage/batch.ts'
import { explainRules } from '../terminal/explain.ts'
import type { Line } from './lines.ts'
import { inPresentFormat } from './formats.ts'
import { parseRecord } from './record-shapes.ts'
import { kinds, noCounts, type Counts, type Entry, type Kind } from './records.ts'
import { CliError } from '../errors.ts'

/** The record of a line, which waits to be written. */
interface Pending {
  readonly line: number
  readonly entry: Entry
}

export interface ImportOptions {
  /** True if programs may hold tokens that the lost database issued after the backup. */
  readonly restore: boolean
}

/** Raises a restored license's revision and version beyond all that were issued or sent since the backup. */
const lostRevisions = 100_000

/** The length of the lines that wait to be written, in UTF-16 code units: their records must not fill the memory. */
const maxPendingLength = 4 * 1024 * 1024

/** The kinds that come in batches. The others are few, or depend on each other. */
const inBatches: { readonly [K in Kind]: K extends keyof BatchRecords ? true : false } = {
  app: false,
  feature: true,
  tier: false,
  signingKey: false,
  statement: false,
  customer: true,
  licenseKey: true,
  license: true,
  notice: true,
  webhook: false,
  delivery: true,
  apiKey: true,
  auditEntry: true,
  auditChain: false,
  auditCheckpoint: false,
}

function isInBatches(kind: Kind): kind is keyof BatchRecords {
  return inBatches[kind]
}

function isOneOf(kind: string): kind is Kind {
  return kinds.some((known) => known === kind)
}

/** Only a word can be the name of a kind: other text could be a secret, which no message shows. */
function unknownKind(line: number, kind: string): Error {
  if (!/^[a-zA-Z]{1,32}$/.test(kind)) return new TypeError('no kind of record')
  return new CliError(`Line ${line}: a newer version of Heartwood wrote it, with a record of kind ${kind}`)
}

/** @throws {CliError} that names the line and the broken rule, but never a value of the line. */
function parseLine({ number, text }: Line, format: number): Entry {
  try {
    const document = JSON.parse(text) as object
    const [[kind = '', record] = [], another] = Object.entries(document)
    if (another !== undefined) throw new TypeError('not one record')
    if (!isOneOf(kind)) throw unknownKind(number, kind)
    return [kind, parseRecord(kind, inPresentFormat(kind, record, format))] as unknown as Entry
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const isRule = cause instanceof LicensingError
    const reason = isRule ? explainRules(cause) : `must be an object of one of ${kinds.join(', ')}`
    throw new CliError(`Line ${number}: ${reason}`, { cause })
  }
}

/** Gives a license a revision that no token has yet, so that no `jti` is issued twice for different claims. */
function restored([kind, record]: Entry): Entry {
  if (kind !== 'license') return [kind, record] as Entry
  const { revision, version } = record
  return [kind, { ...record, revision: revision + lostRevisions, version: version + lostRevisions }]
}

function duplicate(line: number): CliError {
  return new CliError(`Line ${line}: repeats a unique value of an earlier line`)
}

/** Writes the records of an export, line by line. */
export class Importer {
  readonly #session: StorageSession
  readonly #restore: boolean
  readonly #format: number
  readonly #counts = noCounts()
  #pending: Pending[] = []
  #pendingLength = 0
  /** The previous signing key of the same app. */
  #lastKey: SigningKeyRecord | null = null

  /** `format` is that of the export. */
  constructor(session: StorageSession, { restore }: ImportOptions, format: number) {
    this.#session = session
    this.#restore = restore
    this.#format = format
  }

  /** The number of records so far. */
  get counts(): Counts {
    return this.#counts
  }

  /** Writes a line, or keeps it for a batch. @throws {CliError} for this line, or for an earlier one that is refused. */
  async add(line: Line): Promise<void> {
    const entry = parseLine(line, this.#format)
    const [kind] = entry
    if (this.#pending[0]?.entry[0] !== kind) await this.finish()
    this.#counts[kind]++
    this.#pending.push({ line: line.number, entry: this.#restore ? restored(entry) : entry })
    this.#pendingLength += line.text.length
    const isFull = this.#pending.length === batchSize || this.#pendingLength > maxPendingLength
    if (isFull || !isInBatches(kind)) await this.finish()
  }

  /** Writes the lines that wait. @throws {CliError} for the first that is refused. */
  async finish(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    this.#pendingLength = 0
    if (pending.length > 1 && (await this.#writeAll(pending))) return
    for (const { line, entry } of pending) {
      const isWritten = await this.#write(entry).catch((error: unknown) => {
        throw this.#failure(line, error)
      })
      if (isWritten === false) throw duplicate(line)
    }
  }

  /** Resolves to `false` and writes nothing if one of the lines is refused. */
  async #writeAll(pending: readonly Pending[]): Promise<boolean> {
    const kind = pending[0]!.entry[0]
    if (!isInBatches(kind)) return false
    return batchesOf(this.#session).insertBatch(kind, pending.map(({ entry }) => entry[1]) as never)
  }

  #failure(line: number, error: unknown): unknown {
    if (!(error instanceof LicensingError)) return error
    if (error.code === 'conflict') return duplicate(line)
    if (error.code !== 'not_found') return error
    return new CliError(`Line ${line}: refers to a record that no earlier line holds`, { cause: error })
  }

  async #write([kind, record]: Entry): Promise<boolean | void> {
    const session = this.#session
    switch (kind) {
      case 'app':
        this.#lastKey = null
        return session.insertApp(record)
      case 'feature':
        return session.insertFeature(record)
      case 'tier':
        return this.#writeTier(record)
      case 'signingKey':
        return this.#writeKey(record)
      case 'statement':
        return session.insertKeyStatement(record)
      case 'customer':
        return session.insertCustomer(record)
      case 'licenseKey':
        return session.insertLicenseKey(record)
      case 'license':
        return session.insertLicense(record)
      case 'notice':
        return session.insertExpiryNotice(record)
      case 'webhook':
        return (await session.insertWebhook(record)).secret === record.secret
      case 'delivery':
        return session.insertDelivery(record)
      case 'apiKey':
        return session.insertApiKey(record)
      case 'auditEntry':
        return session.insertAuditEntries([record])
      case 'auditChain':
        return session.insertAuditChain(record)
      case 'auditCheckpoint':
        return session.insertAuditCheckpoint(record)
    }
  }

  async #writeTier(tier: TierRecord): Promise<boolean> {
    if (!(await this.#session.insertTier(tier))) return false
    for (const slug of tier.features) {
      const feature = await this.#session.findFeature(tier.appId, slug)
      if (feature === null) throw new LicensingError('not_found', 'Feature not found')
      await this.#session.addTierFeature(tier.id, feature.id, tier.features.length)
    }
    return true
  }

  /** Replaces the previous key by this one, as the original rotation did. */
  async #writeKey(key: SigningKeyRecord): Promise<boolean> {
    const last = this.#lastKey?.appId === key.appId ? this.#lastKey : null
    this.#lastKey = key
    if (last === null) return this.#session.swapActiveKey(key.appId, null, key, null)
    const { kid, acceptedUntil, retiredAt, retiredReason } = last
    return this.#session.swapActiveKey(key.appId, kid, key, acceptedUntil, { retiredAt, retiredReason })
  }
}
