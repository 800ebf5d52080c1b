import assert from 'node:assert/strict'
import { LicensingError } from '../../core/errors.ts'
import type {
  AuditChainRecord,
  AuditCheckpointRecord,
  AuditEntryRecord,
  AuditSeal,
  Storage,
} from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { concurrently, farFuture, madeAt, newEntry, oddText } from './records.ts'

const newChain: AuditChainRecord = {
  seq: 0,
  mac: null,
  keyId: 'key-id',
  spans: null,
  start: null,
  checkpointSeq: 0,
  checkpointAt: madeAt,
  leasedUntil: 0,
  version: 1,
}

function sealOf({ id }: AuditEntryRecord, seq: number): AuditSeal {
  return { id, seq, mac: `mac of ${seq}` }
}

/** Writes entries, and seals them in their order. */
async function addSealed(
  storage: Storage,
  appIds: readonly (string | null)[],
): Promise<readonly AuditEntryRecord[]> {
  const entries = appIds.map((appId) => newEntry({ appId }))
  await storage.insertAuditEntries(entries)
  const seals = entries.map((entry, at) => sealOf(entry, at + 1))
  assert.equal(await storage.sealAuditEntries(seals), entries.length)
  return entries.map((entry, at) => ({ ...entry, ...seals[at]! }))
}

function newCheckpoint(seq: number, given: Partial<AuditCheckpointRecord> = {}): AuditCheckpointRecord {
  return { appId: 'app_1', seq, mac: `mac of ${seq}`, token: `token of ${seq}`, createdAt: madeAt, ...given }
}

async function addCheckpoints(storage: Storage, ...checkpoints: readonly AuditCheckpointRecord[]) {
  for (const checkpoint of checkpoints) assert.equal(await storage.insertAuditCheckpoint(checkpoint), true)
}

function isConflict(error: unknown): boolean {
  return error instanceof LicensingError && error.code === 'conflict'
}

export const auditChainCases: readonly ConformanceCase[] = [
  storageCase('insertAuditChain(): one of 8 concurrent calls wins', async (storage) => {
    assert.equal(await storage.findAuditChain(), null)
    const results = await concurrently(8, (at) => storage.insertAuditChain({ ...newChain, seq: at }))
    assert.equal(results.filter(Boolean).length, 1)
    assert.deepEqual(await storage.findAuditChain(), { ...newChain, seq: results.indexOf(true) })
  }),
  storageCase(
    'updateAuditChain(): changes the given fields of one version, and raises it',
    async (storage) => {
      assert.equal(await storage.updateAuditChain(1, { seq: 1 }), null)
      await storage.insertAuditChain(newChain)
      const first = { seq: 2 ** 40, mac: oddText, leasedUntil: farFuture }
      assert.deepEqual(await storage.updateAuditChain(1, first), { ...newChain, ...first, version: 2 })
      assert.equal(await storage.updateAuditChain(1, { seq: 9 }), null)
      const second = {
        spans: 'spans',
        start: 'start',
        keyId: 'other',
        checkpointSeq: 5,
        checkpointAt: farFuture,
      }
      const chain = { ...newChain, ...first, ...second, version: 3 }
      assert.deepEqual(await storage.updateAuditChain(2, second), chain)
      assert.deepEqual(await storage.findAuditChain(), chain)
      assert.deepEqual(await storage.updateAuditChain(3, { spans: null }), {
        ...chain,
        spans: null,
        version: 4,
      })
    },
  ),
  storageCase('updateAuditChain(): one of 8 concurrent calls wins', async (storage) => {
    await storage.insertAuditChain(newChain)
    const results = await concurrently(8, (at) => storage.updateAuditChain(1, { seq: at }))
    const won = results.filter((chain) => chain !== null)
    assert.equal(won.length, 1)
    assert.deepEqual(await storage.findAuditChain(), won[0])
  }),
  storageCase('sealAuditEntries(): gives places, by which the entries are listed', async (storage) => {
    const entries = [newEntry(), newEntry(), newEntry(), newEntry()]
    await storage.insertAuditEntries(entries)
    const [a, b, c, d] = entries as [AuditEntryRecord, AuditEntryRecord, AuditEntryRecord, AuditEntryRecord]
    assert.deepEqual(await storage.listUnsealedAuditEntries(3), [a, b, c])
    assert.equal(await storage.sealAuditEntries([sealOf(c, 1), sealOf(a, 2)]), 2)
    assert.deepEqual(await storage.listUnsealedAuditEntries(9), [b, d])
    assert.equal(await storage.countUnsealedAuditEntries(), 2)
    const sealed = [
      { ...c, ...sealOf(c, 1) },
      { ...a, ...sealOf(a, 2) },
    ]
    assert.deepEqual(await storage.listSealedAuditEntries(null, 9), sealed)
    assert.deepEqual(await storage.listSealedAuditEntries(-5, 9), sealed)
    assert.deepEqual(await storage.listSealedAuditEntries(0, 1), [sealed[0]])
    assert.deepEqual(await storage.listSealedAuditEntries(1, 9), [sealed[1]])
    assert.deepEqual(await storage.listSealedAuditEntries(2, 9), [])
  }),
  storageCase('sealAuditEntries(): counts no entry that has a place or is gone', async (storage) => {
    const [sealed] = await addSealed(storage, [null])
    const entry = newEntry()
    await storage.insertAuditEntries([entry])
    const seals = [sealOf(sealed!, 7), sealOf(entry, 8), sealOf(newEntry(), 9)]
    assert.equal(await storage.sealAuditEntries(seals), 1)
    assert.deepEqual(
      (await storage.listSealedAuditEntries(0, 9)).map(({ seq }) => seq),
      [1, 8],
    )
    assert.equal(await storage.sealAuditEntries([]), 0)
  }),
  storageCase('sealAuditEntries(): a taken place changes nothing', async (storage) => {
    await addSealed(storage, [null])
    const [free, late] = [newEntry(), newEntry()]
    await storage.insertAuditEntries([free, late])
    await assert.rejects(storage.sealAuditEntries([sealOf(free, 2), sealOf(late, 1)]), isConflict)
    assert.deepEqual(await storage.listUnsealedAuditEntries(9), [free, late])
  }),
  storageCase('sealAuditEntries(): a rollback leaves entries unsealed', async (storage) => {
    const [sealed] = await addSealed(storage, [null])
    const entry = newEntry()
    await storage.insertAuditEntries([entry])
    const undone = storage.transaction(async (tx) => {
      assert.equal(await tx.sealAuditEntries([sealOf(sealed!, 2), sealOf(entry, 3)]), 1)
      assert.equal(await tx.countUnsealedAuditEntries(), 0)
      throw new Error('rolled back on purpose')
    })
    await assert.rejects(undone, /on purpose/)
    assert.deepEqual(await storage.listUnsealedAuditEntries(9), [entry])
    assert.deepEqual(await storage.listSealedAuditEntries(null, 9), [sealed])
  }),
  storageCase('sealAuditEntries(): concurrent calls seal each entry once', async (storage) => {
    const entries = Array.from({ length: 20 }, () => newEntry())
    await storage.insertAuditEntries(entries)
    const counts = await concurrently(8, (call) =>
      storage.sealAuditEntries(entries.map((entry, at) => sealOf(entry, 100 * call + at + 1))),
    )
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      entries.length,
    )
    assert.equal(await storage.countUnsealedAuditEntries(), 0)
    assert.equal((await storage.listSealedAuditEntries(null, 99)).length, entries.length)
  }),
  storageCase(
    'insertAuditEntries(): the id of a sealed entry is taken, and of an unsealed one',
    async (storage) => {
      const [sealed] = await addSealed(storage, [null])
      const unsealed = newEntry()
      await storage.insertAuditEntries([unsealed])
      const again = newEntry({ id: sealed!.id })
      const refused = [[again], [newEntry(), again], [{ ...unsealed, seq: 2, mac: 'mac of 2' }]]
      for (const entries of refused) await assert.rejects(storage.insertAuditEntries(entries), isConflict)
      const twice = newEntry()
      const inOneCall = [twice, { ...twice, seq: 3, mac: 'mac of 3' }]
      await assert.rejects(storage.insertAuditEntries(inOneCall), isConflict)
      assert.deepEqual(await storage.listAuditEntries({}, { limit: 9 }), [unsealed, sealed])
    },
  ),
  storageCase(
    'listAuditEntries(): an entry that is sealed during the walk is listed once',
    async (storage) => {
      for (const filter of [{}, { mode: 'live', action: 'app.updated' }] as const) {
        const entries = Array.from({ length: 9 }, () => newEntry())
        await storage.insertAuditEntries(entries)
        const first = await storage.countAuditEntries({})
        // Places fall as ids rise, so that the next entry to read is sealed before each page.
        const sealNext = (entry: AuditEntryRecord, at: number) =>
          storage.sealAuditEntries([sealOf(entry, first + 100 - at)])
        const found: string[] = []
        for (let at = entries.length - 1; at >= 0; at -= 2) {
          await sealNext(entries[at]!, at)
          const after = found.length === 0 ? {} : { after: { id: found.at(-1)! } }
          const page = await storage.listAuditEntries(filter, { limit: 2, ...after })
          found.push(...page.map(({ id }) => id))
        }
        assert.deepEqual(found.slice(0, 9), entries.map(({ id }) => id).toReversed())
      }
    },
  ),
  storageCase('countAuditEntries(): counts each entry once while entries are sealed', async (storage) => {
    const entries = Array.from({ length: 60 }, () => newEntry())
    await storage.insertAuditEntries(entries)
    const filter = { mode: 'live', action: 'app.updated' } as const
    const found: number[] = []
    const sealing = concurrently(30, (at) =>
      storage.sealAuditEntries([at, at + 30].map((place) => sealOf(entries[place]!, place + 1))),
    )
    for (let round = 0; round < 10; round++) {
      found.push(await storage.countAuditEntries(filter), await storage.countAuditEntries({}))
      found.push((await storage.listAuditEntries(filter, { limit: 99 })).length)
    }
    await sealing
    assert.deepEqual(new Set(found), new Set([entries.length]))
  }),
  storageCase('listAuditEntries(): sealed and unsealed entries share pages by number', async (storage) => {
    const entries = Array.from({ length: 12 }, (_, at) =>
      newEntry({ appId: at % 3 === 0 ? 'app_a' : 'app_b' }),
    )
    await storage.insertAuditEntries(entries)
    const seals = entries.filter((_, at) => at % 2 === 0).map((entry, at) => sealOf(entry, at + 1))
    assert.equal(await storage.sealAuditEntries(seals), 6)
    for (const appId of [undefined, 'app_a', 'app_b']) {
      const wanted = entries.filter((entry) => appId === undefined || entry.appId === appId).toReversed()
      const found: string[] = []
      for (let offset = 0; offset <= wanted.length; offset += 3) {
        const page = await storage.listAuditEntries({ appId }, { limit: 3, offset })
        found.push(...page.map(({ id }) => id))
      }
      assert.deepEqual(
        found,
        wanted.map(({ id }) => id),
      )
      assert.equal(await storage.countAuditEntries({ appId }), wanted.length)
    }
  }),
  storageCase('listAuditedApps(): names each app with an entry in the span once', async (storage) => {
    await addSealed(storage, ['app_a', 'app_b', null, 'app_a', 'app_a', 'app_c'])
    assert.deepEqual((await storage.listAuditedApps(1, 5)).toSorted(), ['app_a', 'app_b'])
    assert.deepEqual(await storage.listAuditedApps(5, 6), ['app_c'])
    assert.deepEqual(await storage.listAuditedApps(2, 3), [])
  }),
  storageCase('listAuditCheckpoints(): lists them by place and app, page by page', async (storage) => {
    const [early, other] = [newCheckpoint(2), newCheckpoint(2, { appId: 'app_2', token: oddText })]
    const late = newCheckpoint(2 ** 40, { createdAt: farFuture })
    await addCheckpoints(storage, late, other, early)
    assert.deepEqual(await storage.listAuditCheckpoints(9), [early, other, late])
    assert.deepEqual(await storage.listAuditCheckpoints(1), [early])
    assert.deepEqual(await storage.listAuditCheckpoints(1, early), [other])
    assert.deepEqual(await storage.listAuditCheckpoints(9, other), [late])
  }),
  storageCase('insertAuditCheckpoint(): an app has one for a place', async (storage) => {
    await addCheckpoints(storage, newCheckpoint(1))
    assert.equal(await storage.insertAuditCheckpoint(newCheckpoint(1, { token: 'other' })), false)
    const results = await concurrently(8, () => storage.insertAuditCheckpoint(newCheckpoint(2)))
    assert.equal(results.filter(Boolean).length, 1)
    assert.deepEqual(await storage.listAuditCheckpoints(9), [newCheckpoint(1), newCheckpoint(2)])
  }),
  storageCase('findAuditCheckpoint(): finds the last one up to a time', async (storage) => {
    const checkpoints = [1, 2, 3].map((seq) => newCheckpoint(seq, { createdAt: madeAt + 10 * seq }))
    await addCheckpoints(storage, ...checkpoints)
    assert.equal(await storage.findAuditCheckpoint(madeAt + 9), null)
    assert.deepEqual(await storage.findAuditCheckpoint(madeAt + 20), checkpoints[1])
    assert.deepEqual(await storage.findAuditCheckpoint(farFuture), checkpoints[2])
  }),
  storageCase(
    'deleteAuditCheckpoints(): deletes those of lower places, as many as allowed',
    async (storage) => {
      const checkpoints = [1, 2, 3, 4].map((seq) => newCheckpoint(seq))
      await addCheckpoints(storage, ...checkpoints)
      assert.equal(await storage.deleteAuditCheckpoints(4, 2), 2)
      assert.deepEqual(await storage.listAuditCheckpoints(9), checkpoints.slice(2))
      assert.equal(await storage.deleteAuditCheckpoints(4, 2), 1)
      assert.deepEqual(await storage.listAuditCheckpoints(9), checkpoints.slice(3))
    },
  ),
]
