/** Where a page begins: after the record with these sort keys. */
export interface Position {
  readonly id: string
  /** The sort key of tiers, which come by `position` first. */
  readonly position?: number
}

/** One page of a list. Shorter than `limit` means it is the last. */
export interface Page {
  /** At most this many records. */
  readonly limit: number
  /** Passes over so many records; not together with `after`. */
  readonly offset?: number
  /** Begins after this record, whether or not it still exists, at the same cost on every page. */
  readonly after?: Position
}
