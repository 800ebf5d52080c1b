import type { Page, Position } from '../../core/storage/index.ts'
import { frozen } from './frozen.ts'
import type { Journal } from './journal.ts'

interface Stored {
  readonly id: string
}

interface Shape<R> {
  /** What lists are asked by. */
  readonly group?: (record: R) => string
  /** Keys that only one record may have; `null` claims none. */
  readonly unique?: readonly ((record: R) => string | null)[]
  /** The order inside a group, ascending. */
  readonly compare?: (a: Position, b: Position) => number
}

/** By id, as plain strings. */
export function byId(a: Position, b: Position): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** By position, then by id. */
export function byPosition(a: Position, b: Position): number {
  return (a.position ?? 0) - (b.position ?? 0) || byId(a, b)
}

/** Joins the parts of a unique key, so that no two lists of parts give the same one. */
export function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}

/** Frozen records by id, by unique keys, and in order within their group. Every change is noted in the journal. */
export class Table<R extends Stored> {
  readonly #journal: Journal
  readonly #group: (record: R) => string
  readonly #unique: readonly { key(record: R): string | null; readonly ids: Map<string, string> }[]
  readonly #compare: (a: Position, b: Position) => number
  readonly #records = new Map<string, R>()
  readonly #groups = new Map<string, R[]>()

  constructor(journal: Journal, shape: Shape<R> = {}) {
    this.#journal = journal
    this.#group = shape.group ?? (() => '')
    this.#unique = (shape.unique ?? []).map((key) => ({ key, ids: new Map() }))
    this.#compare = shape.compare ?? byId
  }

  get size(): number {
    return this.#records.size
  }

  get(id: string): R | null {
    return this.#records.get(id) ?? null
  }

  /** By the unique key at `index` in the table's shape. */
  getBy(index: number, key: string): R | null {
    const id = this.#unique[index]!.ids.get(key)
    return id === undefined ? null : this.get(id)
  }

  /** `false` when the id or a unique key is taken. */
  insert(record: R): boolean {
    if (this.#records.has(record.id) || this.#isTaken(record)) return false
    this.#write(record.id, frozen(record))
    return true
  }

  /** Puts `record` where the one with its id stands or would stand; `null` when another has one of its unique keys. */
  replace(record: R): R | null {
    if (this.#isTaken(record)) return null
    this.#write(record.id, frozen(record))
    return this.get(record.id)
  }

  delete(id: string): boolean {
    if (!this.#records.has(id)) return false
    this.#write(id, undefined)
    return true
  }

  /** Deletes every record of a group that passes, the last first, which moves the fewest. */
  deleteWhere(group: string, passes: (record: R) => boolean = () => true): void {
    for (const record of [...this.descending(group)].filter(passes)) this.delete(record.id)
  }

  *ascending(group = '', after?: Position): Generator<R> {
    const records = this.#groups.get(group) ?? []
    const start = after === undefined ? 0 : this.#countUpTo(records, after)
    for (let at = start; at < records.length; at++) yield records[at]!
  }

  *descending(group = '', after?: Position): Generator<R> {
    const records = this.#groups.get(group) ?? []
    const start = after === undefined ? records.length : this.#countBefore(records, after)
    for (let at = start; at > 0; at--) yield records[at - 1]!
  }

  #isTaken(record: R): boolean {
    return this.#unique.some(({ key, ids }) => {
      const claimed = key(record)
      const holder = claimed === null ? undefined : ids.get(claimed)
      return holder !== undefined && holder !== record.id
    })
  }

  #write(id: string, after: R | undefined): void {
    const before = this.#records.get(id)
    const set = (from: R | undefined, to: R | undefined) => () => this.#set(id, from, to)
    this.#journal.note({ undo: set(after, before), redo: set(before, after) })
    this.#set(id, before, after)
  }

  #set(id: string, from: R | undefined, to: R | undefined): void {
    if (to === undefined) this.#records.delete(id)
    else this.#records.set(id, to)
    this.#setUnique(id, from, to)
    this.#setOrder(from, to)
  }

  #setUnique(id: string, from: R | undefined, to: R | undefined): void {
    for (const { key, ids } of this.#unique) {
      const freed = from === undefined ? null : key(from)
      const claimed = to === undefined ? null : key(to)
      if (freed !== null) ids.delete(freed)
      if (claimed !== null) ids.set(claimed, id)
    }
  }

  #setOrder(from: R | undefined, to: R | undefined): void {
    if (from !== undefined && to !== undefined && this.#compare(from, to) === 0) {
      const records = this.#recordsBeside(to)
      records[this.#countBefore(records, to)] = to
      return
    }
    if (from !== undefined) this.#takeOut(from)
    if (to !== undefined) {
      const records = this.#recordsBeside(to)
      records.splice(this.#countBefore(records, to), 0, to)
    }
  }

  #takeOut(record: R): void {
    const records = this.#recordsBeside(record)
    records.splice(this.#countBefore(records, record), 1)
    if (records.length === 0) this.#groups.delete(this.#group(record))
  }

  #recordsBeside(record: R): R[] {
    const group = this.#group(record)
    const records = this.#groups.get(group) ?? []
    this.#groups.set(group, records)
    return records
  }

  #countBefore(records: readonly R[], place: Position): number {
    return countWhile(records, (record) => this.#compare(record, place) < 0)
  }

  #countUpTo(records: readonly R[], place: Position): number {
    return countWhile(records, (record) => this.#compare(record, place) <= 0)
  }
}

/** How many of the leading records pass; those that pass come first. */
function countWhile<R>(records: readonly R[], passes: (record: R) => boolean): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (passes(records[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

/** The records of one page that pass, from records that already begin after `page.after`. */
export function takePage<R>(
  records: Iterable<R>,
  page: Page,
  passes: (record: R) => boolean = () => true,
): R[] {
  const taken: R[] = []
  let toPass = page.offset ?? 0
  if (page.limit <= 0) return taken
  for (const record of records) {
    if (!passes(record) || toPass-- > 0) continue
    taken.push(record)
    if (taken.length === page.limit) break
  }
  return taken
}

/** How many records pass. */
export function countOf<R>(records: Iterable<R>, passes: (record: R) => boolean = () => true): number {
  let count = 0
  for (const record of records) if (passes(record)) count++
  return count
}
