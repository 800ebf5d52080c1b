interface Change {
  undo(): void
  redo(): void
}

/**
 * The changes of the open transaction, in order. The tables hold the state of the transaction. A read outside undoes the
 * changes, reads, and does them again. So a rollback costs as much as the changes, and needs no copy of the tables.
 */
export class Journal {
  #changes: Change[] = []

  note(change: Change): void {
    this.#changes.push(change)
  }

  /** Runs `work` whole: if it throws, its changes are undone. */
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
