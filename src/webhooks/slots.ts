/** The most deliveries that may run at the same time. */
export interface SlotLimits {
  readonly perApp: number
  readonly total: number
}

/** The slots in which the deliveries of this process run. An app never uses more than its share. */
export class Slots {
  readonly #limits: SlotLimits
  readonly #usedByApp = new Map<string, number>()
  /** The apps that found every slot in use, in the order of their requests. */
  readonly #waiting = new Set<string>()
  #used = 0

  constructor(limits: SlotLimits) {
    this.#limits = limits
  }

  /** Takes every slot that the app may have. Returns 0 if there is none. If all slots are in use, the app waits. */
  takeAll(appId: string): number {
    const { perApp, total } = this.#limits
    const free = Math.min(perApp - (this.#usedByApp.get(appId) ?? 0), total - this.#used)
    if (this.#used >= total) this.#waiting.add(appId)
    if (free <= 0) return 0
    this.#waiting.delete(appId)
    this.#change(appId, free)
    return free
  }

  release(appId: string, count: number): void {
    this.#change(appId, -count)
  }

  /** The app that has waited longest. */
  get firstWaiting(): string | undefined {
    return this.#waiting.values().next().value
  }

  #change(appId: string, by: number): void {
    this.#used += by
    const used = (this.#usedByApp.get(appId) ?? 0) + by
    if (used === 0) this.#usedByApp.delete(appId)
    else this.#usedByApp.set(appId, used)
  }
}
