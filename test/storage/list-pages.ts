import assert from 'node:assert/strict'
import type { Page } from '../../src/core/index.ts'

/** More records than two statements pass. */
export const length = 12_000

/** A list, and the ids that it should have. */
export interface List {
  readonly expected: readonly string[]
  list(page: Page): Promise<readonly { readonly id: string }[]>
  count(): Promise<number>
}

export function newestFirst(records: readonly { readonly id: string }[]): readonly string[] {
  return records.map(({ id }) => id).toReversed()
}

/** Around the ends of ranges, and of the list. */
const offsets = [0, 1, 199, 200, 4_999, 5_000, 5_001, 9_999, 10_000, 11_995, length]

/** Compares the count, the pages by offset, and the pages by `after` with what the list should have. */
export async function holds({ expected, list, count }: List): Promise<void> {
  assert.equal(await count(), expected.length)
  for (const offset of [...offsets, expected.length - 3].filter((offset) => offset >= 0)) {
    const page = await list({ limit: 7, offset })
    assert.deepEqual(newestFirst(page).toReversed(), expected.slice(offset, offset + 7), `offset ${offset}`)
  }
  for (const [limit, at] of [
    [3, 0],
    [5_500, 100],
    [7, expected.length - 1],
  ] as const) {
    const id = expected[at]
    if (id === undefined) continue
    const page = await list({ limit, after: { id } })
    assert.deepEqual(newestFirst(page).toReversed(), expected.slice(at + 1, at + 1 + limit))
  }
}
