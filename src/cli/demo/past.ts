import type { DemoClock } from './clock.ts'

/** The past of a demo: acts at days before today. They happen in the order of time, as ids and lists expect. */
export class Past {
  readonly #acts: { readonly daysAgo: number; readonly act: () => Promise<unknown> }[] = []

  /** An act of the past may plan further ones, at its own day or later. */
  plan(daysAgo: number, act: () => Promise<unknown>): void {
    this.#acts.push({ daysAgo, act })
  }

  async happen(clock: DemoClock): Promise<void> {
    for (;;) {
      const furthest = Math.max(...this.#acts.map(({ daysAgo }) => daysAgo))
      const at = this.#acts.findIndex(({ daysAgo }) => daysAgo === furthest)
      const [next] = at === -1 ? [] : this.#acts.splice(at, 1)
      if (next === undefined) return
      clock.goTo(next.daysAgo)
      await next.act()
    }
  }
}
