import { LicensingError } from '../../core/errors.ts'
import type { LicenseRecord, SigningKeyRecord, StorageSession, TierRecord } from '../../core/storage/index.ts'
import { explainRules } from '../terminal/explain.ts'
import type { Line } from './lines.ts'
import { inPresentFormat } from './formats.ts'
import { recordShapes } from './record-shapes.ts'
import { kinds, noCounts, type Counts, type Entry, type Kind } from './records.ts'
import { CliError } from '../errors.ts'

/** A write in progress and the line that it writes. */
interface Pending {
  readonly line: number
  readonly kind: Kind
  readonly done: Promise<boolean | void>
}

export interface ImportOptions {
  /** True if programs may hold tokens that the lost database issued after the backup. */
  readonly restore: boolean
}

/** Raises a restored license's revision and version beyond all that were issued or sent since the backup. */
const lostRevisions = 100_000

/** The most writes in progress at the same time. */
const maxPending = 200

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
    return [kind, recordShapes[kind].parse(inPresentFormat(kind, record, format))] as unknown as Entry
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const isRule = cause instanceof LicensingError
    const reason = isRule ? explainRules(cause) : `must be an object of one of ${kinds.join(', ')}`
    throw new CliError(`Line ${number}: ${reason}`, { cause })
  }
}

/** Gives the license a revision that no token has yet, so that no `jti` is issued twice for different claims. */
function withRaisedRevision(license: LicenseRecord): LicenseRecord {
  return { ...license, revision: license.revision + lostRevisions, version: license.version + lostRevisions }
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

  /** Begins to write a line. @throws {CliError} for this line, or for an earlier one that could not be written. */
  async add(line: Line): Promise<void> {
    const entry = parseLine(line, this.#format)
    const [kind] = entry
    // Records of one kind are independent of each other, except signing keys and tiers.
    const isFull = this.#pending.length >= maxPending
    if (isFull || this.#pending.at(-1)?.kind !== kind || kind === 'signingKey' || kind === 'tier')
      await this.finish()
    this.#counts[kind]++
    const done = this.#write(entry)
    done.catch(() => {})
    this.#pending.push({ line: line.number, kind, done })
  }

  /** Waits for every write. @throws {CliError} for the first failure. */
  async finish(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    const outcomes = await Promise.allSettled(pending.map(({ done }) => done))
    for (const [at, outcome] of outcomes.entries()) {
      const { line } = pending[at]!
      if (outcome.status === 'rejected') throw this.#failure(line, outcome.reason)
      if (outcome.value === false) throw duplicate(line)
    }
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
      case 'customer':
        return session.insertCustomer(record)
      case 'license':
        return session.insertLicense(this.#restore ? withRaisedRevision(record) : record)
      case 'notice':
        return session.insertExpiryNotice(record)
      case 'webhook':
        return (await session.insertWebhook(record)).secret === record.secret
      case 'delivery':
        return session.insertDelivery(record)
      case 'apiKey':
        return session.insertApiKey(record)
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
