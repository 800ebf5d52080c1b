import assert from 'node:assert/strict'
import type { AppRecord, Storage, UpdateNote } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addFeature,
  addParents,
  concurrently,
  farFuture,
  madeAt,
  newApiKey,
  newEntry,
  newId,
  oddLimits,
  oddMetadata,
  oddText,
} from './records.ts'

type Fields = Readonly<Record<string, unknown>>
type Note<Entry = any> = UpdateNote<Entry> | undefined

/** A record that was just written, and two new values for each of its fields that may change. */
interface Changeable {
  readonly record: object
  readonly values: Readonly<Record<string, readonly [one: unknown, two: unknown]>>
  update(patch: Fields, note?: Note, id?: string): Promise<object | null>
}

function recoveryOf(kid: string): AppRecord['recovery'] {
  return { threshold: 1, kids: [kid] }
}

const verbs: Readonly<Record<string, (storage: Storage) => Promise<Changeable>>> = {
  updateApp: async (storage) => {
    const record = await addApp(storage)
    return {
      record,
      values: {
        name: [oddText, 'two'],
        description: [oddText, null],
        webhookUrl: ['https://one.example.com', null],
        keyPrefix: ['ONE', 'TWO'],
        recovery: [recoveryOf('one'), recoveryOf('two')],
      },
      update: (patch, note, id = record.id) => storage.updateApp(id, patch, note as Note<typeof record>),
    }
  },
  updateTier: async (storage) => {
    const record = (await addParents(storage)).tier
    return {
      record,
      values: {
        name: [oddText, 'two'],
        description: [oddText, null],
        position: [7, 8],
        limits: [oddLimits, {}],
      },
      update: (patch, note, id = record.id) => storage.updateTier(id, patch, note as Note<typeof record>),
    }
  },
  updateFeature: async (storage) => {
    const record = await addFeature(storage, (await addApp(storage)).id)
    return {
      record,
      values: { name: [oddText, 'two'], description: [oddText, null] },
      update: (patch, note, id = record.id) => storage.updateFeature(id, patch, note as Note<typeof record>),
    }
  },
  updateCustomer: async (storage) => {
    const record = (await addParents(storage)).customer
    return {
      record,
      values: {
        email: ['One@example.com', 'two@example.com'],
        foldedEmail: ['one@example.com', 'two@example.com'],
        name: [oddText, null],
        externalId: [oddText, null],
        metadata: [oddMetadata, {}],
      },
      update: (patch, note, id = record.id) =>
        storage.updateCustomer(record.appId, id, patch, note as Note<typeof record>),
    }
  },
  updateApiKey: async (storage) => {
    const record = newApiKey()
    await storage.insertApiKey(record)
    return {
      record,
      values: { name: [oddText, null], expiresAt: [farFuture, null], revokedAt: [0, 1] },
      update: (patch, note, id = record.id) => storage.updateApiKey(id, patch, note as Note<typeof record>),
    }
  },
}

/** A note whose entry tells the value of one field before the update. */
function noteOf(field: string, known: object): UpdateNote<any> {
  const entryOf = (before: Fields) =>
    newEntry({ changes: JSON.stringify({ [field]: before[field] ?? null }) })
  return { known, entryOf }
}

/** The values that the log tells of, the first one first. */
async function valuesIn(storage: Storage): Promise<readonly unknown[]> {
  const entries = await storage.listAuditEntries({}, { limit: 99 })
  return entries.map(({ changes }) => JSON.parse(changes) as unknown).toReversed()
}

const everyVerb = Object.entries(verbs).flatMap(([verb, prepare]): readonly ConformanceCase[] => [
  storageCase(`${verb}(): the entry tells of the record as it was before`, async (storage) => {
    const { record, values, update } = await prepare(storage)
    const before: Fields[] = []
    let now: Fields = { ...record }
    for (const [field, pair] of Object.entries(values))
      for (const value of pair) {
        before.push({ [field]: now[field] })
        now = { ...now, [field]: value }
        // The caller knows an ever older state.
        assert.deepEqual(await update({ [field]: value }, noteOf(field, record)), now, field)
      }
    assert.deepEqual(await valuesIn(storage), before)
  }),
  storageCase(`${verb}(): a field that the known record lacks does no harm`, async (storage) => {
    const { record, values, update } = await prepare(storage)
    const [field, [one, two]] = Object.entries(values)[0]!
    await update({ [field]: one })
    const { [field]: _lacking, ...others } = record as Fields
    assert.deepEqual(await update({ [field]: two }, noteOf(field, others)), { ...record, [field]: two })
    assert.deepEqual(await valuesIn(storage), [{ [field]: one }])
  }),
  storageCase(`${verb}(): reads the record itself if the caller knows none`, async (storage) => {
    const { record, update } = await prepare(storage)
    const { entryOf } = noteOf('name', record)
    const [after, again] = [
      { ...record, name: 'one' },
      { ...record, name: 'two' },
    ]
    assert.deepEqual(await update({ name: 'one' }, { entryOf }), after)
    assert.deepEqual(await update({ name: 'two' }, { entryOf }), again)
    assert.deepEqual(await update({ name: 'three' }, { entryOf, isDone: () => true }), again)
    assert.equal(await update({ name: 'one' }, { entryOf }, newId('none')), null)
    assert.deepEqual(await valuesIn(storage), [{ name: (record as Fields)['name'] }, { name: 'one' }])
  }),
  storageCase(`${verb}(): leaves a record that is done, whatever the caller knows`, async (storage) => {
    const { record, update } = await prepare(storage)
    const isDone = ({ name }: Fields) => name === 'done'
    const done = { ...record, name: 'done' }
    const patch = { name: 'again' }
    assert.deepEqual(await update({ name: 'done' }, { ...noteOf('name', done), isDone }), done)
    for (const known of [record, done])
      assert.deepEqual(await update(patch, { ...noteOf('name', known), isDone }), done)
    assert.deepEqual(await valuesIn(storage), [{ name: (record as Fields)['name'] }])
  }),
  storageCase(`${verb}(): writes no entry without a record, or without an act`, async (storage) => {
    const { record, update } = await prepare(storage)
    const patch = { name: 'x' }
    assert.equal(await update(patch, noteOf('name', record), newId('none')), null)
    const after = { ...record, ...patch }
    assert.deepEqual(await update(patch, { known: record, entryOf: () => undefined }), after)
    assert.deepEqual(await valuesIn(storage), [])
  }),
  storageCase(`${verb}(): 16 concurrent calls with one known record pass it on`, async (storage) => {
    const { record, update } = await prepare(storage)
    const outcomes = await concurrently(16, (at) => update({ name: `name ${at}` }, noteOf('name', record)))
    const states = await valuesIn(storage)
    const names = (all: readonly unknown[]) => all.map((each) => (each as Fields)['name']).toSorted()
    const last = await update({})
    assert.deepEqual(names([...states, last]), names([record, ...outcomes]))
  }),
])

/** An API key has no such time. */
const timeCases = Object.entries(verbs)
  .filter(([verb]) => verb !== 'updateApiKey')
  .map(([verb, prepare]) =>
    storageCase(`${verb}(): an older time of the last update does no harm`, async (storage) => {
      const { record, update } = await prepare(storage)
      const now = { ...record, updatedAt: madeAt + 1 }
      await update({ updatedAt: madeAt + 1 })
      const patch = { name: 'x', updatedAt: madeAt + 2 }
      assert.deepEqual(await update(patch, noteOf('name', record)), { ...now, ...patch })
    }),
  )

export const notedUpdateCases: readonly ConformanceCase[] = [...everyVerb, ...timeCases]
