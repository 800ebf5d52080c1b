import { LicensingError } from '../../core/errors.ts'
import type { LicenseRecord, SigningKeyRecord, StorageSession, TierRecord } from '../../core/storage/index.ts'
import { violationOf } from '../../storage/kysely/errors.ts'
import { explainRules } from '../terminal/explain.ts'
import type { Line } from './lines.ts'
import { recordShapes } from './record-shapes.ts'
import { kinds, noCounts, type Counts, type Entry, type Kind } from './records.ts'
import { Refusal } from '../refusal.ts'

/** A write that is under way, and the line that asked for it. */
interface Pending {
  readonly line: number
  readonly kind: Kind
  readonly done: Promise<boolean | void>
}

/** How an export is read. */
export interface ImportOptions {
  /** What is read is a backup of a database that was lost: tokens issued since then are in the field. */
  readonly restore: boolean
}

/** How far a restored license's revision and version are raised: past all that was issued and told since the backup. */
const lostRevisions = 100_000

/** So many writes are sent before their answers are waited for. */
const mostPending = 200

function isOneOf(kind: string): kind is Kind {
  return kinds.some((known) => known === kind)
}

/** A line as a record. @throws {Refusal} naming the line and the rule, and never what stands in it. */
function parseLine({ number, text }: Line): Entry {
  try {
    const document = JSON.parse(text) as object
    const [[kind = '', record] = [], another] = Object.entries(document)
    if (!isOneOf(kind) || another !== undefined) throw new TypeError('not one record')
    return [kind, recordShapes[kind].parse(record)] as unknown as Entry
  } catch (cause) {
    const isRule = cause instanceof LicensingError
    const reason = isRule ? explainRules(cause) : `must be an object of one of ${kinds.join(', ')}`
    throw new Refusal(`Line ${number}: ${reason}`, { cause })
  }
}

/** The license with a revision that no token has yet, so that no `jti` is given out a second time for other claims. */
function raised(license: LicenseRecord): LicenseRecord {
  return { ...license, revision: license.revision + lostRevisions, version: license.version + lostRevisions }
}

function doubled(line: number): Refusal {
  return new Refusal(`Line ${line}: what must be unique in it was in an earlier line`)
}

/** Writes the records of an export, line after line. */
export class Importer {
  readonly #session: StorageSession
  readonly #restore: boolean
  readonly #counts = noCounts()
  #pending: Pending[] = []
  /** The newest signing key of the app whose keys are being read. */
  #lastKey: SigningKeyRecord | null = null

  constructor(session: StorageSession, { restore }: ImportOptions) {
    this.#session = session
    this.#restore = restore
  }

  /** How many records there were so far. */
  get counts(): Counts {
    return this.#counts
  }

  /** @throws {Refusal} */
  async take(line: Line): Promise<void> {
    const entry = parseLine(line)
    const [kind] = entry
    // Only records of one kind do not depend on each other, and of signing keys and tiers not even those.
    const isFull = this.#pending.length >= mostPending
    if (isFull || this.#pending.at(-1)?.kind !== kind || kind === 'signingKey' || kind === 'tier')
      await this.finish()
    this.#counts[kind]++
    const done = this.#write(entry)
    done.catch(() => {})
    this.#pending.push({ line: line.number, kind, done })
  }

  /** Waits for every write. @throws {Refusal} for the first that failed. */
  async finish(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    const outcomes = await Promise.allSettled(pending.map(({ done }) => done))
    for (const [at, outcome] of outcomes.entries()) {
      const { line } = pending[at]!
      if (outcome.status === 'rejected') throw this.#failure(line, outcome.reason)
      if (outcome.value === false) throw doubled(line)
    }
  }

  #failure(line: number, error: unknown): unknown {
    if (violationOf(error) === 'unique') return doubled(line)
    if (!(error instanceof LicensingError) || error.code !== 'not_found') return error
    return new Refusal(`Line ${line}: refers to a record that is in no earlier line`, { cause: error })
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
        return session.insertLicense(this.#restore ? raised(record) : record)
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

  /** Each key takes the place of the one before, as it did when it was made. */
  async #writeKey(key: SigningKeyRecord): Promise<boolean> {
    const last = this.#lastKey?.appId === key.appId ? this.#lastKey : null
    this.#lastKey = key
    return this.#session.swapActiveKey(key.appId, last?.kid ?? null, key, last?.acceptedUntil ?? null)
  }
}
