import { emptyRecord, formatRecord, parseRecord, type LicenseRecord } from './record.ts'
import { alone, type LicenseStore } from './store.ts'

/** How the store is: `corrupt` content counts as none; an `unavailable` store neither reads nor writes. */
export type StoreCondition = 'empty' | 'kept' | 'corrupt' | 'unavailable'

/** Keeps the program's record, in the store and, when that fails, in memory. */
export class Keeper {
  readonly #store: LicenseStore
  #record: LicenseRecord = emptyRecord
  #written: string | null = null
  condition: StoreCondition = 'empty'

  constructor(store: LicenseStore) {
    this.#store = store
  }

  /** The record as it stands. */
  get record(): LicenseRecord {
    return this.#record
  }

  /** Reads the store. Where it cannot be read, or holds nothing to go by, what the program knows already stands. */
  async read(): Promise<LicenseRecord> {
    const text = await this.#readText()
    const record = typeof text === 'string' ? parseRecord(text) : null
    this.condition = conditionOf(text, record)
    this.#written = record === null ? null : (text ?? null)
    if (record !== null) this.#record = record
    return this.#record
  }

  /** Replaces the record by what `change` makes of the one that stands by then. */
  async change(change: (record: LicenseRecord) => LicenseRecord | Promise<LicenseRecord>): Promise<void> {
    const next = await change(await this.read())
    this.#record = next
    const text = formatRecord(next)
    if (text === this.#written) return
    try {
      await this.#store.write(text)
      this.#written = text
      this.condition = 'kept'
    } catch {
      this.condition = 'unavailable'
    }
  }

  async #readText(): Promise<string | null | undefined> {
    try {
      return await this.#store.read()
    } catch {
      return undefined
    }
  }

  /** Runs `work` while no other client of this store does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return alone(this.#store, work)
  }

  watch(changed: () => void): () => void {
    return this.#store.watch?.(changed) ?? (() => undefined)
  }
}

function conditionOf(text: string | null | undefined, record: LicenseRecord | null): StoreCondition {
  if (text === undefined) return 'unavailable'
  if (text === null) return 'empty'
  return record === null ? 'corrupt' : 'kept'
}
