import { Type, type TInteger, type TOptional, type TString } from '@sinclair/typebox'
import { base64url } from 'jose'
import { integer, text } from './input/fields.ts'
import type { IdPrefix } from './ids.ts'
import { invalidInput } from './input/parse.ts'
import type { Page, Position } from './storage/index.ts'

/** Which part of a list is wanted. `cursor` and `page` exclude each other. */
export interface Paging {
  /** From 1; default 1. */
  readonly page?: number
  /** 1 to 100; default 20. */
  readonly perPage?: number
  /** The `nextCursor` of an earlier answer: goes on after it, at the same cost on every page. */
  readonly cursor?: string
}

/** One page of a list. */
export interface Listing<Item> {
  readonly data: readonly Item[]
  /** How many there are in all, and the page's number; both absent when walking by cursor. */
  readonly total?: number
  readonly page?: number
  readonly perPage: number
  /** Where the list goes on; `null` on the last page. */
  readonly nextCursor: string | null
}

/** The schema of {@link Paging}, spread into the input of a list. */
export const pagingFields: {
  page: TOptional<TInteger>
  perPage: TOptional<TInteger>
  cursor: TOptional<TString>
} = {
  page: Type.Optional(integer('Page number, from 1', 1, 1_000_000_000)),
  perPage: Type.Optional(integer('Items a page', 1, 100)),
  cursor: Type.Optional(text('The next_cursor of an earlier answer; not together with page', 1, 512)),
}

/** What a list is read from. */
export interface Listed<Item> {
  /** What its ids begin with: a cursor of another list is none of this one's. */
  readonly prefix: IdPrefix
  list(page: Page): Promise<readonly Item[]>
  count(): Promise<number>
  /** The sort keys of an item: a cursor is made of them, so that it holds when the item itself is deleted. */
  position(item: Item): Position
}

function writeCursor({ id, position }: Position): string {
  return base64url.encode(JSON.stringify(position === undefined ? [id] : [id, position]))
}

/** A cursor only says where to go on: the list's own filter says what may be seen. */
function readCursor(cursor: string, prefix: IdPrefix): Position {
  try {
    const [id, position, ...more]: unknown[] = JSON.parse(new TextDecoder().decode(base64url.decode(cursor)))
    // Tiers alone have a second sort key.
    const isPosition = prefix === 'tier' ? Number.isSafeInteger(position) : position === undefined
    const isId = typeof id === 'string' && id.startsWith(`${prefix}_`) && /^[a-z]+_[0-9a-z]+$/.test(id)
    if (isId && isPosition && more.length === 0)
      return position === undefined ? { id } : { id, position: position as number }
  } catch {
    // falls through: the answer is the same
  }
  throw invalidInput({ cursor: ['must be the next_cursor of an earlier answer'] })
}

function startOf(
  { page = 1, cursor }: Paging,
  perPage: number,
  prefix: IdPrefix,
): Pick<Page, 'offset' | 'after'> {
  return cursor === undefined ? { offset: (page - 1) * perPage } : { after: readCursor(cursor, prefix) }
}

/** Reads one page, and one item more to see whether the list goes on. */
export async function readPage<Item>(paging: Paging, from: Listed<Item>): Promise<Listing<Item>> {
  const { page, perPage = 20, cursor } = paging
  if (page !== undefined && cursor !== undefined)
    throw invalidInput({ cursor: ['must not be given together with page'] })
  const items = await from.list({ limit: perPage + 1, ...startOf(paging, perPage, from.prefix) })
  const data = items.slice(0, perPage)
  const last = data.at(-1)
  const nextCursor = items.length > perPage && last !== undefined ? writeCursor(from.position(last)) : null
  if (cursor !== undefined) return { data, perPage, nextCursor }
  return { data, total: await from.count(), page: page ?? 1, perPage, nextCursor }
}

/** The same page with each item as its reader sees it. */
export async function mapListing<From, To>(
  listing: Listing<From>,
  map: (item: From) => To | Promise<To>,
): Promise<Listing<To>> {
  return { ...listing, data: await Promise.all(listing.data.map(map)) }
}

/**
 * Walks a whole list in pages of `limit`. `list` receives the last item of the page before, and reads on after it.
 * A page that is shorter than `limit` is the last one.
 */
export async function* eachPage<Item>(
  limit: number,
  list: (page: { readonly limit: number; readonly after?: Item }) => Promise<readonly Item[]>,
): AsyncGenerator<readonly Item[], void, undefined> {
  let last: Item | undefined
  do {
    const page: readonly Item[] = await list(last === undefined ? { limit } : { limit, after: last })
    if (page.length > 0) yield page
    last = page.length < limit ? undefined : page.at(-1)
  } while (last !== undefined)
}
