import type { Listing, Paging } from '../src/core/index.ts'

/** The beginning of a list. */
export interface Newest<T> {
  readonly items: readonly T[]
  /** The number of all items, of which `items` may be a part. */
  readonly total: number
  readonly isWhole: boolean
}

/** Reads a list page by page, up to a number of items. */
export async function newest<T>(
  list: (paging: Paging) => Promise<Listing<T>>,
  most: number,
): Promise<Newest<T>> {
  const { data, total = 0, nextCursor } = await list({ perPage: 100 })
  const items = [...data]
  let cursor = nextCursor
  while (cursor !== null && items.length < most) {
    const page = await list({ perPage: 100, cursor })
    items.push(...page.data)
    cursor = page.nextCursor
  }
  return { items, total, isWhole: cursor === null }
}
