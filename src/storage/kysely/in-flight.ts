import { LicensingError } from '../../core/errors.ts'

/** Counts the calls that are under way, so that closing can wait for them. */
export class InFlight {
  readonly #what: string
  #count = 0
  #isClosing = false
  #whenEmpty: (() => void) | undefined

  /** @param what The subject and predicate of the error for late calls. */
  constructor(what: string) {
    this.#what = what
  }

  /** For a call that is over before anything else can run. @throws {LicensingError} `unavailable` once it is closing. */
  check(): void {
    if (this.#isClosing) throw new LicensingError('unavailable', this.#what)
  }

  /** @throws {LicensingError} `unavailable` once it is closing. */
  enter(): void {
    this.check()
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
