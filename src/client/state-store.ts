import { BoundedStore } from './bounded-store.ts'
import { emptyRecord, formatRecord, parseRecord, type StoredState } from './record.ts'
import type { ProgramState } from './state.ts'
import { alone, type LicenseStore } from './store.ts'
import type { TrustedKeys, VerifiedToken } from './trusted-keys.ts'

/**
 * Says how the store is. `empty`: it holds nothing yet. `kept`: it holds the license. `corrupt`: it holds something that
 * is no license, and the client takes that for nothing. `unavailable`: it cannot be read, cannot be written, or does not
 * answer.
 *
 * @example
 * ```ts
 * import type { StoreCondition } from 'heartwood/client'
 *
 * const survivesRestart = (condition: StoreCondition): boolean => condition === 'kept'
 * console.log(survivesRestart('unavailable')) // false
 * ```
 */
export type StoreCondition = 'empty' | 'kept' | 'corrupt' | 'unavailable'

const mostReads = 4

/** Owns the program's state. It alone replaces the state, and verifies it with every read. */
export class StateStore {
  readonly #store: LicenseStore
  readonly #bounded: BoundedStore
  readonly #keys: TrustedKeys
  #state: ProgramState = {
    record: emptyRecord,
    held: null,
    condition: 'empty',
    isUnread: false,
    seenAt: 0,
  }
  /** The text of the store at the last read or write; `undefined` before the first. */
  #text: string | null | undefined = undefined
  /** True after a failed write: the record in memory is newer than the store's. */
  #isAhead = false
  /** The text of the last failed write, which the store may yet complete. */
  #unconfirmed: string | null = null
  /** Sequence numbers let us drop a read that a later read or write has overtaken. */
  #sequence = 0
  #applied = 0
  #writing = 0
  #changed = (): void => undefined

  constructor(store: LicenseStore, keys: TrustedKeys) {
    this.#store = store
    this.#bounded = new BoundedStore(store, (written) => this.#recover(written))
    this.#keys = keys
  }

  get state(): ProgramState {
    return this.#state
  }

  noteTime(now: number): ProgramState {
    if (now > this.#state.seenAt) this.#state = { ...this.#state, seenAt: now }
    return this.#state
  }

  /** If the store has no record to offer, the one in memory stays and is verified anew: keys may have come. */
  async read(): Promise<ProgramState> {
    const sequence = ++this.#sequence
    const text = await this.#readText()
    const isUnread = text === undefined
    const isOld = isUnread || this.#isBehind(text)
    const found = typeof text === 'string' && !isOld ? parseRecord(text) : null
    // Version 0.1.0 drops the activation when it writes, so the memory of this program brings it back.
    const record =
      found === null ? this.#state.record : { activation: this.#state.record.activation, ...found }
    const held = await this.#verify(record)
    if (sequence < this.#applied || this.#writing > 0) return this.#state
    this.#applied = sequence
    if (!isOld) {
      this.#text = text
      this.#isAhead = false
      this.#unconfirmed = null
    }
    const condition = isOld ? 'unavailable' : conditionOf(text, found)
    this.#replace({ ...this.#state, record, held, condition, isUnread })
    return this.#state
  }

  #isBehind(text: string | null): boolean {
    return this.#isAhead && (text === this.#text || text === this.#unconfirmed)
  }

  async #readText(): Promise<string | null | undefined> {
    try {
      return await this.#bounded.read()
    } catch {
      return undefined
    }
  }

  async #verify(record: StoredState): Promise<VerifiedToken | null> {
    await this.#keys.follower?.recall(record)
    return (await this.#keys.verify(record.token)) ?? this.#keys.verify(record.fallback)
  }

  /** Adds the fetched keys that the store may hold, so that a start needs no network. */
  #replace(state: ProgramState): void {
    this.#state = { ...state, record: this.#keys.follower?.withKeys(state.record) ?? state.record }
  }

  /** `reduce` runs at once on the state that stands by then, so that no other change comes between. */
  async change(reduce: (state: ProgramState) => ProgramState): Promise<void> {
    await this.#readTwiceAlike()
    this.#replace(reduce(this.#state))
    await this.#write(formatRecord(this.#state.record))
  }

  /** Reads again directly before a write, because not every store keeps others out. */
  async #readTwiceAlike(): Promise<void> {
    await this.read()
    for (let reads = 1; reads < mostReads; reads += 1) {
      const text = this.#text
      await this.read()
      if (text === this.#text) return
    }
  }

  async #write(text: string): Promise<void> {
    if (text === this.#text && this.#state.condition === 'kept') return
    this.#writing += 1
    const isWritten = await this.#writeText(text)
    this.#writing -= 1
    if (isWritten) this.#text = text
    this.#unconfirmed = isWritten ? null : (this.#unconfirmed ?? text)
    this.#isAhead = !isWritten
    this.#state = { ...this.#state, condition: isWritten ? 'kept' : 'unavailable' }
    this.#applied = ++this.#sequence
  }

  async #writeText(text: string): Promise<boolean> {
    try {
      await this.#bounded.write(text)
      return true
    } catch {
      return false
    }
  }

  /** After a late answer. A late write may have put an older record into the store: the newer one follows it. */
  #recover(written: string | null): void {
    if (written !== null) {
      this.#text = written
      this.#isAhead = formatRecord(this.#state.record) !== written
    }
    const following = this.#isAhead ? this.change((state) => state) : Promise.resolve()
    following.then(this.#changed).catch(() => undefined)
  }

  /** Runs `work` while no other client of this store does, or when it has waited until `signal`. */
  alone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return alone(this.#store, work, signal)
  }

  /** Calls `changed` at another program's write and at a late answer. Other changes are read from time to time. */
  watch(changed: () => void): () => void {
    this.#changed = changed
    const stop = this.#watchStore(changed)
    return () => {
      this.#changed = () => undefined
      stop()
    }
  }

  #watchStore(changed: () => void): () => void {
    try {
      return this.#store.watch?.(changed) ?? (() => undefined)
    } catch {
      return () => undefined
    }
  }
}

function conditionOf(text: string | null | undefined, found: StoredState | null): StoreCondition {
  if (text === null) return 'empty'
  return found === null ? 'corrupt' : 'kept'
}
