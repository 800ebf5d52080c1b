import type { ImmediateReads } from '../../core/storage/immediate-reads.ts'

/** An app with its signing keys. */
type Issuer = NonNullable<ReturnType<ImmediateReads['findTokenIssuer']>>

/** Each app has two names. */
const maxNames = 2_000

/**
 * Remembers apps with their signing keys for as long as nothing in the database changes. Each look-up asks for the version of the
 * database first, so the next request after a commit of any process sees it.
 */
export class IssuerMemory {
  readonly #versionNow: () => number
  readonly #read: (appSlugOrId: string) => Issuer | null
  readonly #issuers = new Map<string, Issuer>()
  #version: number | undefined

  /** @param versionNow Differs from before if anything was committed since. */
  constructor(versionNow: () => number, read: (appSlugOrId: string) => Issuer | null) {
    this.#versionNow = versionNow
    this.#read = read
  }

  find(appSlugOrId: string): Issuer | null {
    const version = this.#versionNow()
    if (version !== this.#version) this.#issuers.clear()
    // Asked for before the read: a commit in between makes the next look-up read again.
    this.#version = version
    return this.#issuers.get(appSlugOrId) ?? this.#readAnew(appSlugOrId)
  }

  #readAnew(appSlugOrId: string): Issuer | null {
    const issuer = this.#read(appSlugOrId)
    if (this.#issuers.size >= maxNames) this.#issuers.clear()
    // An unknown name is not kept, because anybody may ask for any name.
    if (issuer !== null) this.#issuers.set(appSlugOrId, issuer)
    return issuer
  }
}
