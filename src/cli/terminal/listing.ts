import type { Listing, Paging } from '../../core/index.ts'
import { columns, widthsOf } from './columns.ts'
import { jsonOf, type AsJson, type Output } from './output.ts'

/** The two forms of a listed item: a row for people, an object for programs. */
export interface ListFormat<Item> {
  /** Names of the columns; empty for a list that a program reads. */
  readonly head: readonly string[]
  row(item: Item): readonly string[]
  /** Returns the item as the HTTP API returns it. */
  toJson(item: Item): object
}

const maxPerPage = 100

/** Reads a list page by page, up to `limit` items. Yields one empty page for an empty list. */
export async function* pagesOf<Item>(
  list: (paging: Paging) => Promise<Listing<Item>>,
  limit: number = Infinity,
): AsyncGenerator<readonly Item[]> {
  let left = limit
  let cursor: string | null = null
  do {
    const perPage = Math.min(maxPerPage, left)
    const listing: Listing<Item> = await list(cursor === null ? { perPage } : { perPage, cursor })
    yield listing.data
    left -= listing.data.length
    cursor = listing.nextCursor
  } while (cursor !== null && left > 0)
}

async function printColumns<Item>(
  pages: AsyncIterable<readonly Item[]>,
  { head, row }: ListFormat<Item>,
  output: Output,
): Promise<void> {
  let widths: readonly number[] | undefined
  for await (const page of pages) {
    const rows = page.map(row)
    if (widths === undefined && head.length > 0) rows.unshift(head)
    widths ??= widthsOf(rows)
    if (rows.length > 0) output.line(columns(rows, widths))
  }
}

/** Prints a JSON array, one item a line, so that memory never holds the whole list. */
async function printJson<Item>(
  pages: AsyncIterable<readonly Item[]>,
  { toJson }: ListFormat<Item>,
  output: Output,
): Promise<void> {
  let last: string | null = null
  for await (const page of pages)
    for (const item of page) {
      output.line(last === null ? '[' : `${last},`)
      last = `  ${jsonOf(toJson(item), 0)}`
    }
  output.line(last === null ? '[]' : `${last}\n]`)
}

/** Prints each page of a list as soon as it is read. */
export function printList<Item>(
  pages: AsyncIterable<readonly Item[]>,
  format: ListFormat<Item>,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  return json ? printJson(pages, format, output) : printColumns(pages, format, output)
}
