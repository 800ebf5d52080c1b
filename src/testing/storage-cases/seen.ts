import assert from 'node:assert/strict'
import type { Parents } from './records.ts'
import type { LicenseRecord, SeenCount, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addLicense, addParents, madeAt } from './records.ts'

const now = madeAt
const since = [now - 10, now - 100]

async function counts(storage: Storage, { app }: Parents): Promise<readonly SeenCount[]> {
  const all = await storage.countSeen({ appId: app.id, now, since })
  return all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

export const seenCases: readonly ConformanceCase[] = [
  storageCase('countSeen(): counts active licenses by key and time, to the second', async (storage) => {
    const [parents, others] = [await addParents(storage), await addParents(storage)]
    const add = (given: Partial<LicenseRecord>) => addLicense(storage, parents, given)
    const seen = (seenAt: number, seenKid = 'kid_a') => add({ seenAt, seenKid })
    assert.deepEqual(await counts(storage, parents), [])
    for (const seenAt of [now, now - 10, now - 11, now - 100, now - 101]) await seen(seenAt)
    await seen(now - 5, 'kid_b')
    await add({})
    await add({ expiresAt: now + 1 })
    await add({ expiresAt: now })
    await add({ revokedAt: now, seenAt: now, seenKid: 'kid_a' })
    await addLicense(storage, others, { seenAt: now, seenKid: 'kid_a' })
    assert.deepEqual(await counts(storage, parents), [
      { kid: 'kid_a', since: now - 100, count: 2 },
      { kid: 'kid_a', since: now - 10, count: 2 },
      { kid: 'kid_a', since: null, count: 1 },
      { kid: 'kid_b', since: now - 10, count: 1 },
      { kid: null, since: null, count: 2 },
    ])
  }),
]
