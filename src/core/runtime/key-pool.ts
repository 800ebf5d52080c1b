import { sparedCores, workQueue, type QueueLoad } from './work-queue.ts'

/** An RSA-4096 key pair: SubjectPublicKeyInfo and PKCS #8, both in PEM. */
export interface KeyPair {
  readonly publicKeyPem: string
  readonly privateKeyPem: string
}

/** Where key pairs come from. */
export interface KeyPool {
  /** A pair that was made ahead, else one made now. @throws {LicensingError} `unavailable` when too many are asked for. */
  take(): Promise<KeyPair>
  /** A pair made after it was asked for: for an answer to a leak, of which a stored one would be a part. */
  fresh(): Promise<KeyPair>
  /** Begins to make pairs ahead. */
  fill(): void
  load(): KeyPoolLoad
}

/** How busy the makers of key pairs are, and what they have ahead. */
export interface KeyPoolLoad extends QueueLoad {
  /** How many pairs are to be ready. */
  readonly size: number
  /** How many are. */
  readonly ready: number
}

/** How many callers may wait for a pair, at half a second to four seconds each. */
const maxWaiting = 32

/** Lets a process end that has nothing else to do. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const timer: Partial<ReturnType<typeof setTimeout>> = setTimeout(resolve, 0)
    timer.unref?.()
  })
}

/**
 * Keeps `size` pairs ready, in memory only. It is refilled one pair at a time, and only while nobody waits for one. No
 * process is kept alive by it for longer than the pair takes that is being made. At most two pairs are made at a time.
 *
 * @throws {TypeError} for a size of no use.
 */
export function keyPool(size: number, make: () => Promise<KeyPair>): KeyPool {
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
      // A generator that fails tells whoever asks for a pair next.
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
