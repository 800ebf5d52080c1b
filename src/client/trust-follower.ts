import { maxTrustLength } from '../core/token/statement-limits.ts'
import type { ExpectedToken } from '../core/token/token.ts'
import { KeyChain } from './key-chain.ts'
import type { KeyFollower, KeyRequest } from './key-follower.ts'
import { isTrustFile, type PlainKeys, type PublicKeys } from './options.ts'
import { readBundledKeys, type TrustedKey } from './public-keys.ts'
import type { StoredState } from './record.ts'
import { fieldOf } from './renewal.ts'

function parse(file: PublicKeys): unknown {
  try {
    return typeof file === 'string' ? JSON.parse(file) : file
  } catch {
    return null
  }
}

/** Follows the statements that the server serves as `trust.json`, from the keys that the program carries. */
export class TrustFollower implements KeyFollower {
  readonly #chain: KeyChain
  readonly #request: KeyRequest
  /** The keys that the program carries. */
  readonly bundled: readonly TrustedKey[]
  isAstray = false
  onConflict?: (seq: number) => void
  #recalled: unknown = null
  #recalling: Promise<unknown> = Promise.resolve()

  private constructor(chain: KeyChain, request: KeyRequest, bundled: readonly TrustedKey[]) {
    this.#chain = chain
    this.#request = request
    this.bundled = bundled
  }

  /** Begins at keys of the program, or at its own trust file. @throws {TypeError} for unusable keys. */
  static async begin(
    publicKeys: PublicKeys,
    request: KeyRequest,
    expected: ExpectedToken,
  ): Promise<TrustFollower> {
    const isFile = isTrustFile(publicKeys)
    const bundled = isFile ? [] : await readBundledKeys(publicKeys as PlainKeys)
    const chain = new KeyChain(expected, bundled)
    if (isFile) await chain.carry(parse(publicKeys))
    return new TrustFollower(chain, request, isFile ? chain.keys : bundled)
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
    await this.#request(signal, maxTrustLength)
      .then((body) => this.follow(JSON.parse(body)))
      .catch(() => undefined)
  }
}
