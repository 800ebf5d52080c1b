import { sparedCores, workQueue, type QueueLoad } from './work-queue.ts'

/** An RSA-4096 key pair. It is stored with lines of 64 characters, each ended by a line feed, in whatever form it comes. */
export interface KeyPair {
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  /** PKCS #8 in PEM. */
  readonly privateKeyPem: string
}

/** The source of key pairs. */
export interface KeyPool {
  /** A pair that was made ahead, otherwise a new one. @throws {LicensingError} `unavailable` if too many callers wait. */
  take(): Promise<KeyPair>
  /** Always generates now. Rotations use this: a pooled key may have leaked together with the active one. */
  fresh(): Promise<KeyPair>
  /** Begins to make pairs ahead. */
  fill(): void
  load(): KeyPoolLoad
}

/** The load of the key pool. */
export interface KeyPoolLoad extends QueueLoad {
  /** Number of pairs that the pool keeps ready. */
  readonly size: number
  /** Number of pairs that are ready now. */
  readonly ready: number
}

/** Callers that may wait for a pair, at half a second to four seconds each. */
const maxWaiting = 32

/** An idle timer, so that a process with nothing else to do can end. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const timer: Partial<ReturnType<typeof setTimeout>> = setTimeout(resolve, 0)
    timer.unref?.()
  })
}

/**
 * Keeps `size` pairs ready, in memory only. The pool refills one pair at a time, while nobody waits for one. It keeps a process
 * alive only until the present pair is made. At most two pairs are made at the same time.
 *
 * @throws {TypeError} for a size out of range.
 */
export function keyPool(size: number = 0, make: () => Promise<KeyPair>): KeyPool {
  if (!Number.isSafeInteger(size) || size < 0) throw new TypeError('keyPool must be an integer, zero or more')
  const queue = workQueue(Math.min(2, sparedCores()), maxWaiting)
  const ready: KeyPair[] = []
  let isFilling = false
  const refill = async (): Promise<void> => {
    isFilling = true
    try {
      while (ready.length < size && queue.isIdle()) {
        ready.push(await queue.run(make))
        await pause()
      }
    } catch {
      // The next caller who asks for a pair gets the error.
    } finally {
      isFilling = false
    }
  }
  const fill = (): void => {
    if (!isFilling) void refill()
  }
  const fresh = (): Promise<KeyPair> => queue.run(make).finally(fill)
  const take = async (): Promise<KeyPair> => {
    const pair = ready.shift()
    if (pair === undefined) return fresh()
    fill()
    return pair
  }
  const load = (): KeyPoolLoad => ({ size, ready: ready.length, ...queue.load() })
  return { take, fresh, fill, load }
}
