import { AsyncLocalStorage } from 'node:async_hooks'

/** A transaction of a storage with one writer, and the one around it of another storage. */
interface Opened {
  readonly writer: OneWriter
  readonly around: Opened | undefined
  isOpen: boolean
}

const inside = new AsyncLocalStorage<Opened>()

/**
 * The transactions of a storage that has one writer. A write beside the open transaction waits for its end. If the transaction
 * waits for the write, both would wait for ever.
 */
export class OneWriter {
  /** Runs the work of a transaction. Whatever it calls, and whatever that calls, counts as inside. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    const opened: Opened = { writer: this, around: inside.getStore(), isOpen: true }
    try {
      return await inside.run(opened, work)
    } finally {
      opened.isOpen = false
    }
  }

  /** @throws {TypeError} inside an open transaction of the same storage. */
  requireOutside(): void {
    for (let opened = inside.getStore(); opened !== undefined; opened = opened.around)
      if (opened.isOpen && opened.writer === this)
        throw new TypeError(
          'Inside a transaction use only its tx: a write through the storage itself would wait for the transaction',
        )
  }
}
