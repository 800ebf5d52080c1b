import type { JWK } from 'jose'
import type { KeyFollower, KeyRequest } from './key-follower.ts'
import type { KeySource, PlainKeys } from './options.ts'
import { isKeySet, readEach, type TrustedKey } from './public-keys.ts'
import type { StoredState } from './record.ts'

/** Reads the usable keys. A server of a later version may serve keys of another kind beside them (RFC 7517 section 5). */
async function usable(given: PlainKeys): Promise<readonly TrustedKey[]> {
  const read = await Promise.allSettled(readEach(given))
  return read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** A later server may list keys for other uses, which a reader ignores (RFC 7517 section 5). */
function signsTokens(jwk: unknown): boolean {
  const { kty, alg = 'RS256', use = 'sig' } = Object(jwk) as JWK
  return kty === 'RSA' && alg === 'RS256' && use === 'sig'
}

function keysOfText(text: string, from: KeySource['from']): Promise<readonly TrustedKey[]> {
  if (from === 'public-key') return usable(text)
  const value: unknown = JSON.parse(text)
  return isKeySet(value) ? usable({ keys: value.keys.filter(signsTokens) }) : Promise.resolve([])
}

function trusted(keys: readonly TrustedKey[], { pin }: KeySource): readonly TrustedKey[] {
  return pin === 'origin' ? keys : keys.filter(({ kid }) => pin.includes(kid))
}

/** Reads the keys that the pin trusts from a response. @throws if it holds no key: it is then not the server's. */
async function readServedKeys(body: string, source: KeySource): Promise<readonly TrustedKey[]> {
  const keys = await keysOfText(body, source.from)
  if (keys.length === 0) throw new TypeError('The response holds no usable key')
  return trusted(keys, source)
}

/** Writes keys as a JWK Set. Anybody may change it in the store, so they count by their thumbprints alone. */
function formatKeys(keys: readonly TrustedKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
}

/** Reads the text of {@link formatKeys}. Gives no key that somebody has changed, and none without thumbprints. */
async function readKeptKeys(text: string, source: KeySource): Promise<readonly TrustedKey[]> {
  if (source.pin === 'origin') return []
  return trusted(await keysOfText(text, 'jwks.json'), source)
}

/** Follows a key set that the server serves: trusts those of its keys that the pin names. */
export class KeySet implements KeyFollower {
  readonly #source: KeySource
  readonly #request: KeyRequest
  readonly bundled: readonly TrustedKey[]
  readonly isAstray = false
  /** A key once trusted stays so while the program runs: a response without it takes no license away. */
  keys: readonly TrustedKey[] = []
  #recalled: string | null = null
  #recalling: Promise<void> = Promise.resolve()
  /** The keys in the form that the store may hold; `null` if it may hold none. */
  #storable: string | null = null

  constructor(source: KeySource, request: KeyRequest, bundled: readonly TrustedKey[]) {
    this.#source = source
    this.bundled = bundled
    this.#request = request
  }

  awaits(kid: string): boolean {
    const { pin } = this.#source
    return pin === 'origin' || pin.includes(kid)
  }

  refuses(): boolean {
    return false
  }

  recall({ keys }: StoredState): Promise<void> {
    if (keys === null) return Promise.resolve()
    if (keys !== this.#recalled) {
      this.#recalled = keys
      this.#recalling = readKeptKeys(keys, this.#source).then(
        (kept) => this.#add(kept),
        () => undefined,
      )
    }
    return this.#recalling
  }

  withKeys(record: StoredState): StoredState {
    return { ...record, keys: this.#storable ?? record.keys }
  }

  /** Statements name keys that the pin does not. */
  async follow(): Promise<void> {}

  /** A body that is no key set (a captive portal's page, say) changes nothing. */
  async fetch(signal: AbortSignal): Promise<void> {
    await this.#request(signal)
      .then((body) => readServedKeys(body, this.#source))
      .then((keys) => this.#add(keys))
      .catch(() => undefined)
  }

  #add(keys: readonly TrustedKey[]): void {
    const known = [...this.bundled, ...this.keys]
    const fresh = keys.filter(({ kid }) => known.every((key) => key.kid !== kid))
    if (fresh.length === 0) return
    this.keys = [...this.keys, ...fresh]
    if (this.#source.pin !== 'origin') this.#storable = formatKeys(this.keys)
  }
}
