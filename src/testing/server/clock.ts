interface Alarm {
  readonly at: number
  readonly work: () => Promise<void>
}

/** A clock that moves only when the test moves it. */
export class VirtualClock {
  #milliseconds: number
  #skew = 0
  readonly #alarms = new Set<Alarm>()

  /** Starts at `start`, in milliseconds since 1970. */
  constructor(start: number) {
    this.#milliseconds = start
  }

  /** The true time, which the server uses, in milliseconds since 1970. */
  readonly now = (): number => this.#milliseconds

  /** The time on the program's computer, in milliseconds since 1970. */
  readonly programNow = (): number => this.#milliseconds + this.#skew

  /** Sets the program's clock ahead of the true time by `seconds`. A negative number sets it behind. */
  skewProgram(seconds: number): void {
    this.#skew = seconds * 1000
  }

  /** The `schedule` option of a client: runs `work` after `milliseconds` of true time. Returns a function that cancels. */
  readonly schedule = (work: () => Promise<void>, milliseconds: number): (() => void) => {
    const alarm = { at: this.#milliseconds + milliseconds, work }
    this.#alarms.add(alarm)
    return () => void this.#alarms.delete(alarm)
  }

  /** Moves the clock forward by `seconds`, and runs the clients' scheduled work on the way. */
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
    return due.sort((one, other) => one.at - other.at)[0]
  }
}
