import type { AppFilter } from './apps.ts'

/** A kind of record that the search finds. */
export type SearchKind = 'app' | 'tier' | 'feature' | 'customer' | 'license' | 'license_key'

export interface SearchRequest {
  /** Only these apps, and what belongs to them. */
  readonly apps: AppFilter
  readonly kinds: readonly SearchKind[]
  /** An id, a slug or an external id, exactly. */
  readonly text: string
  /** The id of a license that the text stands for in another form; `null` if it stands for none. */
  readonly licenseId: string | null
  /** The text as a UUID in lower case; `null` if it is none. */
  readonly installationId: string | null
  /** The beginning of a customer's `foldedEmail`. */
  readonly emailPrefix: string
  /** The beginning of a customer's name, after `foldName`. */
  readonly namePrefix: string
  readonly limit: number
}

/** A record that the search found. */
export interface SearchHit {
  readonly kind: SearchKind
  readonly id: string
  readonly appId: string
  /** The slug of the app. */
  readonly app: string
  /**
   * The texts by which people know the record; a `null` is left out. App, tier and feature: name. Customer: e-mail, name. License: tier,
   * name, installation id. License key: tier, name, external id.
   */
  readonly names: readonly string[]
}

export interface SearchStorage {
  /**
   * Finds at most `limit` records: those with this id, slug or external id, the licenses of this installation, and then the
   * customers whose e-mail or name begins with a prefix. A record that is being deleted is not found. A record may come twice.
   * In a database, the time does not grow with the number of records that match.
   */
  search(request: SearchRequest): Promise<readonly SearchHit[]>
}

/** Characters. PostgreSQL indexes no more than 2,704 bytes, and folding makes up to 18 characters of one. */
const longestFolded = 100

/**
 * The form in which names are compared, on every storage. Compatibility forms (NFKC), case and the number of blanks do not
 * count, and ß is ss. It ends after 100 characters.
 */
export function foldName(name: string): string {
  const folded = name.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
  const characters = [...folded.replace(/\s+/gu, ' ').trim()]
  return characters.slice(0, longestFolded).join('')
}
