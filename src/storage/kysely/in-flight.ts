import { LicensingError } from '../../core/errors.ts'

/** Who is at work in a storage, so that it is closed behind the last one. */
export interface Presence {
  /** @throws {LicensingError} `unavailable` once it is being closed. */
  enter(): void
  leave(): void
  /** Lets nobody in any more; resolves when all have left. */
  close(): Promise<void>
}

export function presence(): Presence {
  let inside = 0
  let isClosing = false
  let whenEmpty: (() => void) | undefined
  return {
    enter() {
      if (isClosing) throw new LicensingError('unavailable', 'The storage is closed')
      inside++
    },
    leave() {
      if (--inside === 0) whenEmpty?.()
    },
    async close() {
      isClosing = true
      if (inside > 0) await new Promise<void>((resolve) => (whenEmpty = resolve))
    },
  }
}

/** Where nobody waits for anybody: a transaction, which is over when its work is. */
export const anybody: Presence = { enter() {}, leave() {}, close: async () => {} }
