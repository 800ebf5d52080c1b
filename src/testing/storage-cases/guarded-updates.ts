import assert from 'node:assert/strict'
import type { AppRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addFeature,
  addParents,
  concurrently,
  farFuture,
  madeAt,
  newApiKey,
  oddLimits,
  oddMetadata,
  oddText,
} from './records.ts'

type Fields = Readonly<Record<string, unknown>>

/** A record that was just written, and two new values for each of its fields that may change. */
interface Changeable {
  readonly record: object
  readonly values: Readonly<Record<string, readonly [one: unknown, two: unknown]>>
  update(patch: Fields, known?: object): Promise<object | null>
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
      update: (patch, known) => storage.updateApp(record.id, patch, known as typeof record),
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
      update: (patch, known) => storage.updateTier(record.id, patch, known as typeof record),
    }
  },
  updateFeature: async (storage) => {
    const record = await addFeature(storage, (await addApp(storage)).id)
    return {
      record,
      values: { name: [oddText, 'two'], description: [oddText, null] },
      update: (patch, known) => storage.updateFeature(record.id, patch, known as typeof record),
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
      update: (patch, known) => storage.updateCustomer(record.id, patch, known as typeof record),
    }
  },
  updateApiKey: async (storage) => {
    const record = newApiKey()
    await storage.insertApiKey(record)
    return {
      record,
      values: { name: [oddText, null], expiresAt: [farFuture, null], revokedAt: [0, 1] },
      update: (patch, known) => storage.updateApiKey(record.id, patch, known as typeof record),
    }
  },
}

const guardCases = Object.entries(verbs).flatMap(([verb, prepare]): readonly ConformanceCase[] => [
  storageCase(
    `${verb}(): given a known record, it changes only fields that are as in it`,
    async (storage) => {
      const { record, values, update } = await prepare(storage)
      let now = record
      for (const [field, [one, two]] of Object.entries(values)) {
        now = { ...now, [field]: one }
        // The fields that were changed before differ from the record too, and are not in the patch.
        assert.deepEqual(await update({ [field]: one }, record), now, field)
        assert.equal(await update({ [field]: two }, record), null, field)
        assert.deepEqual(await update({}, record), now, field)
        now = { ...now, [field]: two }
        assert.deepEqual(await update({ [field]: two }, { ...record, [field]: one }), now, field)
      }
      const all = Object.fromEntries(Object.entries(values).map(([field, [one]]) => [field, one]))
      const last = Object.keys(values).at(-1)!
      const stale = { ...now, [last]: all[last] }
      assert.equal(await update(all, stale), null, 'One changed field refuses the whole patch')
      assert.deepEqual(await update(all, now), { ...now, ...all })
    },
  ),
  storageCase(`${verb}(): a field that the known record lacks counts as null`, async (storage) => {
    const { values, update } = await prepare(storage)
    for (const [field, [one, two]] of Object.entries(values)) {
      const now = (await update({ [field]: one })) as Fields
      const { [field]: _lacking, ...others } = now
      assert.equal(await update({ [field]: two }, others), null, field)
      assert.deepEqual(await update({}), now, field)
    }
  }),
  storageCase(`${verb}(): one of 16 concurrent calls with one known record wins`, async (storage) => {
    const { record, update } = await prepare(storage)
    const outcomes = await concurrently(16, (at) => update({ name: `name ${at}` }, record))
    const won = outcomes.filter((outcome) => outcome !== null)
    assert.equal(won.length, 1)
    assert.deepEqual(await update({}), won[0])
  }),
])

/** An API key has no such time. */
const timeCases = Object.entries(verbs)
  .filter(([verb]) => verb !== 'updateApiKey')
  .map(([verb, prepare]) =>
    storageCase(`${verb}(): does not compare the time of the last update`, async (storage) => {
      const { record, update } = await prepare(storage)
      const patch = { name: 'x', updatedAt: madeAt + 2 }
      assert.deepEqual(await update(patch, { ...record, updatedAt: madeAt + 1 }), { ...record, ...patch })
    }),
  )

export const guardedUpdateCases: readonly ConformanceCase[] = [...guardCases, ...timeCases]
