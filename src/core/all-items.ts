import type { Listing, Paging } from './paging.ts'

/** The filter of a list: its query without the page. */
export type FilterOf<Query extends Paging> = Omit<Query, keyof Paging>

/** The most that a page may have. */
const largestPage = 100

/** Walks a whole list by cursor. `list` reads one page. */
export async function* allItems<Item>(
  list: (paging: Paging) => Promise<Listing<Item>>,
  perPage: number = largestPage,
): AsyncGenerator<Item, void, undefined> {
  let paging: Paging | null = { perPage }
  while (paging !== null) {
    const { data, nextCursor }: Listing<Item> = await list(paging)
    yield* data
    paging = nextCursor === null ? null : { perPage, cursor: nextCursor }
  }
}
