import { day } from '../../core/time.ts'

/** The clock of a demo. It begins in the past, and goes on with the real time once the past is told. */
export class DemoClock {
  readonly #startedAt = Date.now()
  #daysAgo: number | null = 0

  /** Milliseconds since 1970. */
  now(): number {
    return this.#daysAgo === null ? Date.now() : this.#startedAt - this.#daysAgo * day * 1000
  }

  goTo(daysAgo: number): void {
    this.#daysAgo = daysAgo
  }

  goOn(): void {
    this.#daysAgo = null
  }
}
