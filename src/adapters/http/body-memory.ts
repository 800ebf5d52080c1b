import { HttpError } from './errors.ts'

/** The bytes of bodies that one server holds at the same time. */
const maxHeldBytes = 4 * 1024 * 1024

/** The bytes from which a body is large. The runtime keeps its garbage for long, because most of it is outside the heap. */
const largeBody = 16 * 1024

/** Bun alone offers its collector. Node and Deno count the memory outside the heap themselves. */
interface Collector {
  gc(isSynchronous: boolean): void
}

const { Bun: collector } = globalThis as { readonly Bun?: Collector }

/** The body of one request, as it counts in the memory of a server. */
export class HeldBody {
  readonly #memory: BodyMemory
  #bytes = 0
  #error: HttpError | null = null
  #stop: (error: HttpError) => void = () => {}

  constructor(memory: BodyMemory) {
    this.#memory = memory
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Calls `stop` with 503 `unavailable` if the body has to make room for others. */
  onRefusal(stop: (error: HttpError) => void): void {
    this.#stop = stop
  }

  /** Counts the bytes that the body has, or will have. @throws {HttpError} `unavailable`. */
  expect(bytes: number): void {
    if (this.#error === null && bytes > this.#bytes) {
      const more = bytes - this.#bytes
      this.#bytes = bytes
      this.#memory.take(this, more)
    }
    if (this.#error !== null) throw this.#error
  }

  refuse(): void {
    this.release()
    this.#error = new HttpError('unavailable', 'The server receives too many request bodies at the same time')
    this.#stop(this.#error)
  }

  /** The body is whole, so it no longer makes room for others. It counts until {@link release}. */
  keep(): void {
    this.#memory.keep(this)
  }

  /** Gives all bytes back. Later calls change nothing. */
  release(): void {
    const bytes = this.#bytes
    this.#bytes = 0
    this.#memory.giveBack(this, bytes)
  }
}

/**
 * Bounds the bytes of all request bodies that a server holds, from their announcement to the response. When they become too
 * many, the largest body that still arrives makes room, and of equals the latest. So slow senders of large bodies never shut
 * out the small ones.
 */
export class BodyMemory {
  readonly #arriving = new Set<HeldBody>()
  #held = 0
  #uncollected = 0

  take(body: HeldBody, bytes: number): void {
    this.#arriving.add(body)
    this.#held += bytes
    while (this.#held > maxHeldBytes && this.#arriving.size > 0) this.#largest().refuse()
  }

  keep(body: HeldBody): void {
    this.#arriving.delete(body)
  }

  giveBack(body: HeldBody, bytes: number): void {
    this.#arriving.delete(body)
    this.#held -= bytes
    if (bytes >= largeBody) this.#collect(bytes)
  }

  /** Otherwise a crowd sends hundreds of bodies before the runtime collects the first. */
  #collect(bytes: number): void {
    this.#uncollected += bytes
    if (this.#uncollected < maxHeldBytes) return
    this.#uncollected = 0
    collector?.gc(true)
  }

  #largest(): HeldBody {
    let largest: HeldBody | undefined
    for (const body of this.#arriving) if (body.bytes >= (largest?.bytes ?? 0)) largest = body
    return largest!
  }
}
