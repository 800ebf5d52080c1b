/** The content of `vectors/license-keys.json`. */
export interface LicenseKeyVectors {
  /** 32 bytes in hexadecimal. */
  readonly tokenSecret: string
  readonly keys: readonly {
    readonly uuid: string
    readonly revision: number
    readonly handle: string
    /** The 25 symbols. */
    readonly symbols: string
    readonly key: string
  }[]
  readonly typos: readonly {
    readonly kind: string
    readonly text: string
    readonly suggestions: readonly string[]
  }[]
  readonly spellings: readonly Spelling[]
}

interface Spelling {
  readonly name: string
  readonly text: string
  /** The key in its usual form; `null` for a text that is none, which then has suggestions. */
  readonly key: string | null
  /** The prefix that the reader knows. */
  readonly prefix?: string
  readonly suggestions?: readonly string[]
}
