import { emptyRecord, formatRecord, parseRecord, type LicenseRecord } from './record.ts'
import { alone, type LicenseStore } from './store.ts'

/** How the store is: `corrupt` content counts as none; an `unavailable` store does not read, or does not write. */
export type StoreCondition = 'empty' | 'kept' | 'corrupt' | 'unavailable'

type Change = (record: LicenseRecord) => LicenseRecord | Promise<LicenseRecord>

/** How often a change is made anew because somebody else has written meanwhile. */
const mostTries = 4

/** Keeps the program's record, in the store and, when that fails, in memory. */
export class Keeper {
  readonly #store: LicenseStore
  #record: LicenseRecord = emptyRecord
  /** What the store held when it last answered. */
  #text: string | null | undefined = undefined
  /** Whether the record could not be written: what stands in the store then is older than it. */
  #isAhead = false
  /** Reads and writes are counted, so that an answer which others have overtaken is known to be old. */
  #turn = 0
  #latest = 0
  #writing = 0
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
    const turn = ++this.#turn
    const text = await this.#readText()
    if (turn > this.#latest && this.#writing === 0) {
      this.#latest = turn
      this.#take(text)
    }
    return this.#record
  }

  #take(text: string | null | undefined): void {
    const isOld = text === undefined || (this.#isAhead && text === this.#text)
    const record = typeof text === 'string' && !isOld ? parseRecord(text) : null
    this.condition = isOld ? 'unavailable' : conditionOf(text, record)
    if (isOld) return
    this.#isAhead = false
    this.#text = text
    if (record !== null) this.#record = record
  }

  async #readText(): Promise<string | null | undefined> {
    try {
      return await this.#store.read()
    } catch {
      return undefined
    }
  }

  /** Replaces the record by what `change` makes of the one that stands by then; it may be asked more than once. */
  async change(change: Change): Promise<void> {
    const next = await this.#changed(change)
    this.#record = next
    await this.#write(formatRecord(next))
  }

  /** Looks again directly before writing: not every store keeps others out meanwhile. */
  async #changed(change: Change): Promise<LicenseRecord> {
    let next = await change(await this.read())
    for (let tries = 1; tries < mostTries; tries += 1) {
      const text = this.#text
      const record = await this.read()
      if (text === this.#text) break
      next = await change(record)
    }
    return next
  }

  async #write(text: string): Promise<void> {
    if (text === this.#text && this.condition === 'kept') return
    this.#writing += 1
    try {
      await this.#store.write(text)
      this.#text = text
      this.#isAhead = false
      this.condition = 'kept'
    } catch {
      this.#isAhead = true
      this.condition = 'unavailable'
    }
    this.#writing -= 1
    this.#latest = ++this.#turn
  }

  /** Runs `work` while no other client of this store does, or when it has waited until `signal`. */
  alone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return alone(this.#store, work, signal)
  }

  /** A store that cannot tell of changes is looked at from time to time. */
  watch(changed: () => void): () => void {
    try {
      return this.#store.watch?.(changed) ?? (() => undefined)
    } catch {
      return () => undefined
    }
  }
}

function conditionOf(text: string | null | undefined, record: LicenseRecord | null): StoreCondition {
  if (text === null) return 'empty'
  return record === null ? 'corrupt' : 'kept'
}
