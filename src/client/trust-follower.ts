import type { ExpectedToken } from '../core/token/token.ts'
import { KeyChain } from './key-chain.ts'
import type { KeyFollower, KeyRequest } from './key-follower.ts'
import type { PublicTrustFile } from './options.ts'
import type { TrustedKey } from './public-keys.ts'
import type { StoredState } from './record.ts'
import { fieldOf } from './renewal.ts'

/** In bytes. A thousand statements are shorter. */
const maxLength = 4_000_000

/** Follows the statements that the server serves as `trust.json`, from the keys that the program carries. */
export class TrustFollower implements KeyFollower {
  readonly #chain: KeyChain
  readonly #request: KeyRequest
  isAstray = false
  onConflict?: (seq: number) => void
  #recalled: unknown = null
  #recalling: Promise<unknown> = Promise.resolve()

  constructor(chain: KeyChain, request: KeyRequest) {
    this.#chain = chain
    this.#request = request
  }

  /** Begins at keys of the program, or at its own trust file. @throws {TypeError} if the file does not hold. */
  static async begin(
    expected: ExpectedToken,
    request: KeyRequest,
    bundled: readonly TrustedKey[],
    file: PublicTrustFile | null,
  ): Promise<TrustFollower> {
    const chain = new KeyChain(expected, bundled)
    if (file !== null) await chain.carry(file)
    return new TrustFollower(chain, request)
  }

  get keys(): readonly TrustedKey[] {
    return this.#chain.keys
  }

  awaits(): boolean {
    return true
  }

  refuses(kid: string, iat: number): boolean {
    return this.#chain.refuses(kid, iat)
  }

  async recall({ others }: StoredState): Promise<void> {
    const kept = others['trust']
    const mark = fieldOf(kept, 'hash') ?? kept
    if (mark !== this.#recalled) {
      this.#recalled = mark
      this.#recalling = this.#chain.offer(kept)
    }
    await this.#recalling
  }

  withKeys(record: StoredState): StoredState {
    const trust = this.#chain.stored
    return trust === null ? record : { ...record, others: { ...record.others, trust } }
  }

  async follow(file: unknown): Promise<void> {
    const offered = await this.#chain.offer(file)
    if (offered === null) return
    this.isAstray = offered.isAstray
    if (offered.conflict !== null) this.onConflict?.(offered.conflict)
  }

  async fetch(signal: AbortSignal): Promise<void> {
    await this.#request(signal, maxLength)
      .then((body) => this.follow(JSON.parse(body)))
      .catch(() => undefined)
  }
}
