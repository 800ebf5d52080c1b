import type { Listing, Paging } from '../../core/index.ts'
import type { AsJson, Output } from './output.ts'
import { columns, widthsOf } from './table.ts'

/** How items are shown. */
export interface Table<Item> {
  readonly head: readonly string[]
  row(item: Item): readonly string[]
  /** What a program reads, as the HTTP API answers it. */
  answer(item: Item): object
}

const mostPerPage = 100

/** Every item of a list, or the first `limit` of them, page by page. There is always a first page. */
export async function* pagesOf<Item>(
  list: (paging: Paging) => Promise<Listing<Item>>,
  limit: number = Infinity,
): AsyncGenerator<readonly Item[]> {
  let left = limit
  let cursor: string | null = null
  do {
    const paging: Paging = { perPage: Math.min(mostPerPage, left), ...(cursor !== null && { cursor }) }
    const listing: Listing<Item> = await list(paging)
    yield listing.data
    left -= listing.data.length
    cursor = listing.nextCursor
  } while (cursor !== null && left > 0)
}

async function printTable<Item>(
  pages: AsyncIterable<readonly Item[]>,
  { head, row }: Table<Item>,
  output: Output,
): Promise<void> {
  let widths: readonly number[] | undefined
  for await (const page of pages) {
    const rows = page.map(row)
    if (widths === undefined) rows.unshift(head)
    widths ??= widthsOf(rows)
    if (rows.length > 0) output.line(columns(rows, widths))
  }
}

/** An array of an item a line, so that a long one is never held as a whole. */
async function printJson<Item>(
  pages: AsyncIterable<readonly Item[]>,
  { answer }: Table<Item>,
  output: Output,
): Promise<void> {
  let last: string | null = null
  for await (const page of pages)
    for (const item of page) {
      output.line(last === null ? '[' : `${last},`)
      last = `  ${JSON.stringify(answer(item))}`
    }
  output.line(last === null ? '[]' : `${last}\n]`)
}

/** Prints a list as it is read. */
export function printList<Item>(
  pages: AsyncIterable<readonly Item[]>,
  table: Table<Item>,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  return json ? printJson(pages, table, output) : printTable(pages, table, output)
}
