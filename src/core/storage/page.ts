/** The sort keys of a record. A page begins after the record that has them. */
export interface Position {
  readonly id: string
  /**
   * Tiers have it, because a list of tiers is in the order of `position`, then of `id`. So do licenses in the order of a time:
   * `null` for a license without end.
   */
  readonly position?: number | null
}

/** One page of a list. A page with fewer records than `limit` is the last one. */
export interface Page {
  /** The greatest number of records in the page. */
  readonly limit: number
  /** Skips this many records. It excludes `after`. */
  readonly offset?: number | undefined
  /** Begins after this record, even if it no longer exists. Every page costs the same. */
  readonly after?: Position | undefined
}
