import { LicensingError } from '../../core/errors.ts'

/** Counts the calls that are under way, so that closing can wait for them. */
export class InFlight {
  #count = 0
  #isClosing = false
  #whenEmpty: (() => void) | undefined

  /** @throws {LicensingError} `unavailable` once the storage is closing. */
  enter(): void {
    if (this.#isClosing) throw new LicensingError('unavailable', 'The storage is closed')
    this.#count++
  }

  leave(): void {
    if (--this.#count === 0) this.#whenEmpty?.()
  }

  /** Refuses new calls. Resolves when the last call has left. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#count > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve))
  }
}
