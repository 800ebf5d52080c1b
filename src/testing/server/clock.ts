interface Alarm {
  readonly at: number
  readonly work: () => Promise<void>
}

/** Time that passes when a test says so, at once. */
export class VirtualClock {
  #milliseconds: number
  #skew = 0
  readonly #alarms = new Set<Alarm>()

  /** `start` in milliseconds since 1970. */
  constructor(start: number) {
    this.#milliseconds = start
  }

  /** The true time, which the server goes by, in milliseconds since 1970. */
  readonly now = (): number => this.#milliseconds

  /** What the clock of the program's computer shows, in milliseconds since 1970. */
  readonly programNow = (): number => this.#milliseconds + this.#skew

  /** How far the program's clock is ahead of the true time, or behind it if negative, in seconds. */
  skewProgram(seconds: number): void {
    this.#skew = seconds * 1000
  }

  /** What a client takes as its `schedule`. */
  readonly schedule = (work: () => Promise<void>, milliseconds: number): (() => void) => {
    const alarm = { at: this.#milliseconds + milliseconds, work }
    this.#alarms.add(alarm)
    return () => void this.#alarms.delete(alarm)
  }

  /** Lets time pass, in seconds, with all that clients do meanwhile. */
  async advance(seconds: number): Promise<void> {
    const end = this.#milliseconds + seconds * 1000
    for (let alarm = this.#firstUntil(end); alarm !== undefined; alarm = this.#firstUntil(end)) {
      this.#alarms.delete(alarm)
      this.#milliseconds = Math.max(this.#milliseconds, alarm.at)
      await alarm.work()
    }
    this.#milliseconds = end
  }

  #firstUntil(end: number): Alarm | undefined {
    const due = [...this.#alarms].filter(({ at }) => at <= end)
    return due.toSorted((one, other) => one.at - other.at)[0]
  }
}
