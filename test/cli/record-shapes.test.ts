import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecord, recordShapes } from '../../src/cli/backup/record-shapes.ts'
import { entriesOf, kinds, type Kind } from '../../src/cli/backup/records.ts'
import { LicensingError } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { sealForAnHour, seed } from './seed.ts'

type Fields = Readonly<Record<string, unknown>>

/** The outcome of a check: the record, or the broken rules. */
function outcomeOf(check: () => unknown): unknown {
  try {
    return check()
  } catch (error) {
    if (error instanceof LicensingError) return error.details
    throw error
  }
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { next: nested(depth - 1) }
}

const values: readonly unknown[] = [
  null,
  true,
  '',
  'x',
  'x'.repeat(3000),
  'null\u0000byte',
  'lone \ud800 surrogate',
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e300,
  [],
  ['a', 'b'],
  ['a', 'a'],
  ['A B'],
  [1],
  {},
  { deep: nested(31) },
  { deep: nested(32) },
  { text: '\ud800' },
  { number: 2 ** 60 },
]

/** Each way in which one field of a record may be wrong, or another value right. */
function* variantsOf(record: Fields): Generator<unknown> {
  yield record
  for (const name of Object.keys(record)) {
    const { [name]: _left, ...rest } = record
    yield rest
    yield Object.assign(Object.create({ [name]: record[name] }) as object, rest, { another: 1 })
    for (const value of values) yield { ...record, [name]: value }
  }
  yield { ...record, another: 1 }
  yield { ...record, ['__proto__']: { another: 1 } }
  yield JSON.parse(`{"__proto__": 1, ${JSON.stringify(record).slice(1)}`)
}

test('parseRecord(): accepts and refuses what the schema itself does, for the same reasons', async () => {
  const storage = memoryStorage()
  await seed(storage, 14)
  await sealForAnHour(storage)
  const samples = new Map<Kind, Fields>()
  for await (const [kind, record] of entriesOf(storage)) samples.set(kind, record as unknown as Fields)
  assert.deepEqual([...samples.keys()].toSorted(), kinds.toSorted())
  const tally = { accepted: 0, refused: 0 }
  for (const [kind, sample] of samples)
    for (const variant of [...variantsOf(sample), ...values]) {
      const wanted = outcomeOf(() => recordShapes[kind].parse(variant))
      const found = outcomeOf(() => parseRecord(kind, variant))
      assert.deepEqual(found, wanted, kind)
      tally[Object.hasOwn(wanted as object, 'createdAt') ? 'accepted' : 'refused']++
    }
  assert.ok(tally.accepted > 50 && tally.refused > 1000, JSON.stringify(tally))
})
