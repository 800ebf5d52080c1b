interface Change {
  undo(): void
  redo(): void
}

/**
 * What the open transaction has written, in order. The tables hold the transaction's state; an outside read steps back
 * over the changes and forward again, so that a rollback costs what was written and never a copy of the tables.
 */
export class Journal {
  #changes: Change[] = []

  note(change: Change): void {
    this.#changes.push(change)
  }

  /** Runs `work` whole: when it throws, nothing of it stays. */
  atomic<T>(work: () => T): T {
    const before = this.#changes.length
    try {
      return work()
    } catch (error) {
      this.#undo(before)
      this.#changes.length = before
      throw error
    }
  }

  /** Runs `read` on the state before the first change. */
  committed<T>(read: () => T): T {
    this.#undo(0)
    try {
      return read()
    } finally {
      for (const change of this.#changes) change.redo()
    }
  }

  commit(): void {
    this.#changes = []
  }

  rollback(): void {
    this.#undo(0)
    this.#changes = []
  }

  #undo(downTo: number): void {
    for (let at = this.#changes.length; at > downTo; at--) this.#changes[at - 1]!.undo()
  }
}
