import type { LicenseStore } from './store.ts'
import { later, within } from './timer.ts'

/** The longest wait for a read or a write, in milliseconds. */
const patience = 5_000
/** A read that gets no answer may be lost: after this time the client tries another. */
const pause = 60_000

/**
 * A store with a time limit on every wait, because an IndexedDB database or a network drive may never answer. After a wait
 * has ended in vain, all calls fail at once until the store answers.
 */
export class BoundedStore {
  readonly #store: LicenseStore
  readonly #recovered: (written: string | null) => void
  #overdue = 0
  #isWriting = false

  /** Calls `recovered` at a late answer. `written` is the text of a late write. */
  constructor(store: LicenseStore, recovered: (written: string | null) => void) {
    this.#store = store
    this.#recovered = recovered
  }

  /** @throws what the store throws, and without an answer in time. */
  read(): Promise<string | null> {
    return this.#bounded(() => this.#store.read(), null)
  }

  /**
   * No write begins before an earlier one has ended, because that one could replace the newer text.
   * @throws what the store throws, and without an answer in time.
   */
  async write(text: string): Promise<void> {
    if (this.#isWriting) throw new Error('The wait was given up')
    await this.#bounded(() => this.#writeAlone(text), text)
  }

  async #writeAlone(text: string): Promise<void> {
    this.#isWriting = true
    try {
      await this.#store.write(text)
    } finally {
      this.#isWriting = false
    }
  }

  async #bounded<T>(call: () => Promise<T>, text: string | null): Promise<T> {
    if (this.#overdue > 0) throw new Error('The wait was given up')
    const answer = call()
    return within(answer, patience, () => this.#await(answer, text))
  }

  #await(answer: Promise<unknown>, text: string | null): void {
    this.#overdue += 1
    let isOver = false
    const end = (): void => {
      if (!isOver) this.#overdue -= 1
      isOver = true
    }
    const cancel = later(end, pause)
    const settle = (): void => {
      cancel()
      end()
    }
    answer.then(settle, settle)
    answer.then(
      () => this.#recovered(text),
      () => undefined,
    )
  }
}
