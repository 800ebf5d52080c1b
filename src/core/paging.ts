import { Type, type TInteger, type TOptional, type TString } from '@sinclair/typebox'
import { base64url } from 'jose'
import { isTypeId, type IdPrefix } from './ids.ts'
import { integer, text } from './input/fields.ts'
import { invalidInput } from './input/parse.ts'
import type { Page, Position } from './storage/index.ts'

/**
 * One page of a list, by number or by cursor.
 *
 * @example
 * ```ts
 * import type { App, Licensing, Paging } from 'heartwood'
 *
 * async function* allApps(licensing: Licensing): AsyncGenerator<App> {
 *   let paging: Paging | null = { perPage: 100 }
 *   while (paging !== null) {
 *     const { data, nextCursor } = await licensing.apps.list(paging)
 *     yield* data
 *     paging = nextCursor === null ? null : { perPage: 100, cursor: nextCursor }
 *   }
 * }
 * ```
 */
export interface Paging {
  /** Number of the page, from 1. Default 1. Not together with `cursor`. */
  readonly page?: number
  /** Items a page, 1 to 100. Default 20. */
  readonly perPage?: number
  /** The `nextCursor` of an earlier page. The list goes on after it, at the same cost on every page. */
  readonly cursor?: string
}

/** One page of a list. */
export interface Listing<Item> {
  readonly data: readonly Item[]
  /** Number of all items. Absent if the page was asked for by cursor. */
  readonly total?: number
  /** Number of this page. Absent if it was asked for by cursor. */
  readonly page?: number
  readonly perPage: number
  /** The `cursor` of the next page; `null` on the last page. */
  readonly nextCursor: string | null
}

/** The fields of {@link Paging}, for the schema of a list's query. */
export const pagingFields: {
  page: TOptional<TInteger>
  perPage: TOptional<TInteger>
  cursor: TOptional<TString>
} = {
  page: Type.Optional(integer('Page number, from 1', 1, 1_000_000_000)),
  perPage: Type.Optional(integer('Items a page', 1, 100)),
  cursor: Type.Optional(text('The next_cursor of an earlier answer; not together with page', 1, 512)),
}

type CursorForm = Pick<Listed<unknown>, 'prefix' | 'order'>

/** A list that can be read by page and by cursor. */
export interface Listed<Item> {
  /** Id prefix of this list. A cursor from another list is rejected. */
  readonly prefix: IdPrefix
  /** The name of an order by time. A cursor from another order is rejected. */
  readonly order?: string | undefined
  list(page: Page): Promise<readonly Item[]>
  count(): Promise<number>
  /** The sort keys of an item. A cursor holds them, so it works even after the item is deleted. */
  position(item: Item): Position
}

function writeCursor({ id, position }: Position, order: string | undefined): string {
  const keys = order === undefined ? [id, position] : [id, position, order]
  return base64url.encode(JSON.stringify(keys.filter((key) => key !== undefined)))
}

/** Tiers have a second sort key, and so has every order by time, in which it is `null` for the last items. */
function isPosition(position: unknown, { prefix, order }: CursorForm): position is Position['position'] {
  if (order !== undefined) return position === null || Number.isSafeInteger(position)
  return prefix === 'tier' ? Number.isSafeInteger(position) : position === undefined
}

/** A cursor grants nothing: the filter of the list alone decides which items are visible. */
function readCursor(cursor: string, form: CursorForm): Position {
  try {
    const [id, position, order, ...more]: unknown[] = JSON.parse(
      new TextDecoder().decode(base64url.decode(cursor)),
    )
    const isId = typeof id === 'string' && isTypeId(form.prefix, id)
    if (isId && isPosition(position, form) && order === form.order && more.length === 0)
      return position === undefined ? { id } : { id, position }
  } catch {
    // Falls through, because every malformed cursor gets the same error.
  }
  throw invalidInput({ cursor: ['must be the next_cursor of an earlier answer'] })
}

function startOf(
  { page = 1, cursor }: Paging,
  perPage: number,
  form: CursorForm,
): Pick<Page, 'offset' | 'after'> {
  return cursor === undefined ? { offset: (page - 1) * perPage } : { after: readCursor(cursor, form) }
}

/** Reads one page, and one item more, which shows if the list goes on. */
export async function readPage<Item>(paging: Paging, from: Listed<Item>): Promise<Listing<Item>> {
  const { page, perPage = 20, cursor } = paging
  if (page !== undefined && cursor !== undefined)
    throw invalidInput({ cursor: ['must not be given together with page'] })
  const items = await from.list({ limit: perPage + 1, ...startOf(paging, perPage, from) })
  const data = items.slice(0, perPage)
  const last = data.at(-1)
  const nextCursor =
    items.length > perPage && last !== undefined ? writeCursor(from.position(last), from.order) : null
  if (cursor !== undefined) return { data, perPage, nextCursor }
  return { data, total: await from.count(), page: page ?? 1, perPage, nextCursor }
}

/** The same page with each item mapped. */
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
