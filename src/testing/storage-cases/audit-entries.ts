import assert from 'node:assert/strict'
import type {
  AuditEntryFilter,
  AuditEntryRecord,
  Storage,
  StorageSession,
  UpdateNote,
} from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addFeature,
  addLicense,
  addParents,
  concurrently,
  farFuture,
  idsOf,
  madeAt,
  newApiKey,
  newCustomer,
  newEntry,
  newFeature,
  newId,
  newLicense,
  newLicenseKey,
  oddText,
  several,
} from './records.ts'

async function addEntry(storage: Storage, given: Partial<AuditEntryRecord> = {}): Promise<AuditEntryRecord> {
  const entry = newEntry(given)
  await storage.insertAuditEntries([entry])
  return entry
}

function listed(storage: Storage, filter: AuditEntryFilter = {}): Promise<readonly AuditEntryRecord[]> {
  return storage.listAuditEntries(filter, { limit: 99 })
}

const recordCases: readonly ConformanceCase[] = [
  storageCase('listAuditEntries(): returns every field unchanged', async (storage) => {
    const bare = await addEntry(storage)
    const full = await addEntry(storage, {
      appId: 'app_gone',
      mode: 'test',
      createdAt: farFuture,
      actorType: 'user',
      actorId: oddText,
      actorLabel: oddText,
      action: oddText,
      targetType: oddText,
      targetId: oddText,
      changes: `{"b":[ null,"${'x'.repeat(60_000)}"],"a":[1,{}]}`,
      requestId: oddText,
      seq: Number.MAX_SAFE_INTEGER,
      mac: oddText,
    })
    assert.deepEqual(await listed(storage), [full, bare])
  }),
  storageCase(
    'insertAuditEntries(): a taken id rejects with `conflict`, and writes none',
    async (storage) => {
      const taken = await addEntry(storage)
      const another = { ...taken, action: 'another.one' }
      await assert.rejects(storage.insertAuditEntries([newEntry(), another]), { code: 'conflict' })
      assert.deepEqual(await listed(storage), [taken])
      await storage.insertAuditEntries([])
      assert.equal(await storage.countAuditEntries({}), 1)
    },
  ),
  storageCase('insertAuditEntries(): writes more than a thousand in one step', async (storage) => {
    const entries = Array.from({ length: 1_200 }, () => newEntry())
    await storage.insertAuditEntries(entries)
    assert.equal(await storage.countAuditEntries({}), 1_200)
    await assert.rejects(storage.insertAuditEntries([newEntry(), ...entries]), { code: 'conflict' })
    assert.equal(await storage.countAuditEntries({}), 1_200)
  }),
  storageCase('transaction(): entries are undone or kept with it', async (storage) => {
    const undone = storage.transaction(async (tx) => {
      await tx.insertAuditEntries([newEntry()])
      throw new Error('rolled back on purpose')
    })
    await assert.rejects(undone, /on purpose/)
    const kept = newEntry()
    await storage.transaction((tx) => tx.insertAuditEntries([kept]))
    assert.deepEqual(await listed(storage), [kept])
  }),
  storageCase('deleteApp(): keeps the entries about the app', async (storage) => {
    const app = await addApp(storage)
    const entry = await addEntry(storage, { appId: app.id, targetId: app.id })
    await storage.deleteApp(app.id)
    assert.deepEqual(await listed(storage, { appId: app.id }), [entry])
  }),
]

type Write = (session: StorageSession, entry: AuditEntryRecord) => Promise<unknown>

/** A write with an entry, and another one after it, which finds its place taken and writes nothing. */
interface Writes {
  readonly first: Write
  readonly again: Write
}

type Rename = (session: StorageSession, id: string, note: UpdateNote<any>) => Promise<unknown>

/** An update of a record, and one of a record that is gone. */
function renamed(known: { readonly id: string }, rename: Rename): Writes {
  const of = (id: string): Write => {
    return (session, entry) => rename(session, id, { known, entryOf: () => entry })
  }
  return { first: of(known.id), again: of(newId('none')) }
}

const patch = { name: 'renamed' }

const verbsWithEntry: Readonly<Record<string, (storage: Storage) => Promise<Writes>>> = {
  insertCustomer: async (storage) => {
    const customer = newCustomer((await addApp(storage)).id)
    return {
      first: (session, entry) => session.insertCustomer(customer, entry),
      again: (session, entry) => session.insertCustomer({ ...customer, id: newId('cus') }, entry),
    }
  },
  insertLicense: async (storage) => {
    const license = newLicense(await addParents(storage))
    return {
      first: (session, entry) => session.insertLicense(license, entry),
      again: (session, entry) => session.insertLicense({ ...license, id: newId('lic') }, entry),
    }
  },
  insertLicenseKey: async (storage) => {
    const key = newLicenseKey(await addParents(storage))
    return {
      first: (session, entry) => session.insertLicenseKey(key, entry),
      again: (session, entry) => session.insertLicenseKey({ ...key, id: newId('lkey') }, entry),
    }
  },
  updateLicense: async (storage) => {
    const { id } = await addLicense(storage, await addParents(storage))
    return {
      first: (session, entry) => session.updateLicense(id, 1, { revision: 2 }, entry),
      again: (session, entry) => session.updateLicense(id, 1, { revision: 3 }, entry),
    }
  },
  insertFeature: async (storage) => {
    const feature = newFeature((await addApp(storage)).id)
    return {
      first: (session, entry) => session.insertFeature(feature, entry),
      again: (session, entry) => session.insertFeature({ ...feature, id: newId('feat') }, entry),
    }
  },
  updateApp: async (storage) => {
    const app = await addApp(storage)
    return renamed(app, (session, id, note) => session.updateApp(id, patch, note))
  },
  updateTier: async (storage) => {
    const { tier } = await addParents(storage)
    return renamed(tier, (session, id, note) => session.updateTier(id, patch, note))
  },
  updateFeature: async (storage) => {
    const feature = await addFeature(storage, (await addApp(storage)).id)
    return renamed(feature, (session, id, note) => session.updateFeature(id, patch, note))
  },
  updateCustomer: async (storage) => {
    const { customer } = await addParents(storage)
    return renamed(customer, (session, id, note) => session.updateCustomer(customer.appId, id, patch, note))
  },
  'updateCustomer of an e-mail': async (storage) => {
    const { app, customer } = await addParents(storage)
    const other = newCustomer(app.id)
    await storage.insertCustomer(other)
    const foldedEmail = 'wanted@example.com'
    return {
      first: (session, entry) =>
        session.updateCustomer(
          app.id,
          customer.id,
          { foldedEmail },
          { known: customer, entryOf: () => entry },
        ),
      again: (session, entry) =>
        session.updateCustomer(app.id, other.id, { foldedEmail }, { known: other, entryOf: () => entry }),
    }
  },
  updateApiKey: async (storage) => {
    const key = newApiKey()
    await storage.insertApiKey(key)
    return renamed(key, (session, id, note) => session.updateApiKey(id, patch, note))
  },
  'updateLicense of a slot': async (storage) => {
    const parents = await addParents(storage)
    const [holder, mover] = [await addLicense(storage, parents), await addLicense(storage, parents)]
    const { installationId } = holder
    return {
      first: (session, entry) => session.updateLicense(holder.id, 1, { current: true, revision: 2 }, entry),
      again: (session, entry) => session.updateLicense(mover.id, 1, { installationId }, entry),
    }
  },
}

const withEntryCases = Object.entries(verbsWithEntry).flatMap(([verb, prepare]) => [
  storageCase(`${verb}(): writes the entry with its record, and neither otherwise`, async (storage) => {
    const { first, again } = await prepare(storage)
    const entry = newEntry({ actorLabel: oddText, changes: '{"a":[null,1]}' })
    assert.ok(await first(storage, entry))
    assert.ok(!(await again(storage, newEntry())))
    assert.deepEqual(await listed(storage), [entry])
  }),
  storageCase(`${verb}(): an entry that is refused undoes the record`, async (storage) => {
    const { first } = await prepare(storage)
    const taken = await addEntry(storage)
    const refused = first(storage, { ...taken, action: 'another.one' })
    assert.ok(!(await refused.catch(() => null)))
    assert.deepEqual(await listed(storage), [taken])
    assert.ok(await first(storage, newEntry()), 'Nothing of the refused write is left')
  }),
  storageCase(`${verb}(): a rollback undoes the record and its entry`, async (storage) => {
    const { first } = await prepare(storage)
    const undone = storage.transaction(async (tx) => {
      assert.ok(await first(tx, newEntry()))
      assert.equal(await tx.countAuditEntries({}), 1)
      throw new Error('rolled back on purpose')
    })
    await assert.rejects(undone, /on purpose/)
    assert.equal(await storage.countAuditEntries({}), 0)
    assert.ok(await storage.transaction((tx) => first(tx, newEntry())))
    assert.equal(await storage.countAuditEntries({}), 1)
  }),
])

const listCases: readonly ConformanceCase[] = [
  storageCase('listAuditEntries(): filters by each field, alone and together', async (storage) => {
    const key = { actorType: 'api_key', actorId: 'key_1' } as const
    const made = [
      await addEntry(storage, { appId: 'app_1', targetId: 'lic_1', ...key, action: 'license.created' }),
      await addEntry(storage, {
        appId: 'app_1',
        targetId: 'lic_2',
        actorType: 'cli',
        createdAt: madeAt + 10,
      }),
      await addEntry(storage, { appId: 'app_2', mode: 'test', ...key, createdAt: madeAt + 20 }),
      await addEntry(storage, { targetId: 'lic_1', action: 'license.created', createdAt: madeAt + 30 }),
      await addEntry(storage, { actorType: 'user', actorId: 'key_1', createdAt: madeAt + 40 }),
    ]
    const cases: readonly (readonly [AuditEntryFilter, readonly number[]])[] = [
      [{}, [4, 3, 2, 1, 0]],
      [{ mode: 'live' }, [4, 3, 1, 0]],
      [{ mode: 'test' }, [2]],
      [{ appId: 'app_1' }, [1, 0]],
      [{ appId: 'app_1', mode: 'test' }, []],
      [{ targetId: 'lic_1' }, [3, 0]],
      [{ targetId: 'lic_1', appId: 'app_1', mode: 'live' }, [0]],
      [{ actor: { type: 'api_key', id: 'key_1' } }, [2, 0]],
      [{ actor: { type: 'api_key', id: 'key_1' }, mode: 'test' }, [2]],
      [{ actor: { type: 'user', id: 'key_1' }, mode: 'live' }, [4]],
      [{ actor: { type: 'cli', id: null }, mode: 'live', appId: 'app_1' }, [1]],
      [{ action: 'license.created', mode: 'live' }, [3, 0]],
      [{ action: 'license.created', mode: 'live', appId: 'app_1' }, [0]],
      [{ action: 'license.created', actor: { type: 'embedder', id: null } }, [3]],
      [{ from: madeAt + 10 }, [4, 3, 2, 1]],
      [{ to: madeAt + 10 }, [0]],
      [{ from: madeAt + 10, to: madeAt + 40, mode: 'live' }, [3, 1]],
      [{ from: madeAt + 41 }, []],
      [{ from: madeAt + 10_000 }, []],
      [{ to: 0 }, []],
    ]
    for (const [filter, expected] of cases) {
      const found = await listed(storage, filter)
      assert.deepEqual(
        found.map(({ id }) => made.findIndex((entry) => entry.id === id)),
        expected,
        JSON.stringify(filter),
      )
      assert.equal(await storage.countAuditEntries(filter), expected.length)
    }
  }),
  storageCase('listAuditEntries(): finds entries of a clock that was set back', async (storage) => {
    const [late, back] = [
      await addEntry(storage, { createdAt: madeAt + 60 }),
      await addEntry(storage, { createdAt: madeAt }),
    ]
    assert.deepEqual(idsOf(await listed(storage, { from: madeAt + 60 })), [late.id])
    assert.deepEqual(idsOf(await listed(storage, { to: madeAt + 60 })), [back.id])
  }),
]

const pruneCases: readonly ConformanceCase[] = [
  storageCase('pruneAuditEntries(): deletes sealed old entries from the first place on', async (storage) => {
    const ages = [0, 10, 5, 30, 20]
    const made = await several(5, (at) => addEntry(storage, { createdAt: ages[at]!, seq: at + 1, mac: 'x' }))
    const unsealed = await addEntry(storage, { createdAt: 1 })
    const prune = (before: number, belowSeq: number, limit = 9) =>
      storage.pruneAuditEntries({ before, belowSeq, limit })
    assert.equal(await prune(0, 9), 0)
    assert.equal(await prune(99, 1), 0)
    assert.equal(await prune(99, 9, 1), 1)
    // The third is old enough, but the fourth stands before the fifth, which is old as well.
    assert.equal(await prune(25, 9), 2)
    assert.equal(await prune(25, 9), 0)
    assert.equal(await prune(99, 5), 1)
    assert.deepEqual(idsOf(await listed(storage)), [unsealed.id, made[4]!.id])
  }),
  storageCase('pruneAuditEntries(): concurrent calls delete each entry once', async (storage) => {
    await several(20, (at) => addEntry(storage, { createdAt: 1, seq: at + 1, mac: 'x' }))
    const counts = await concurrently(8, () =>
      storage.pruneAuditEntries({ before: 2, belowSeq: 11, limit: 4 }),
    )
    assert.ok(counts.reduce((sum, count) => sum + count, 0) <= 10)
    while ((await storage.pruneAuditEntries({ before: 2, belowSeq: 11, limit: 4 })) > 0);
    assert.equal(await storage.countAuditEntries({}), 10)
  }),
]

export const auditEntryCases: readonly ConformanceCase[] = [
  ...recordCases,
  ...withEntryCases,
  ...listCases,
  ...pruneCases,
]
