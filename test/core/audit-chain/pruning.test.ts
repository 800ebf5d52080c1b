import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pruneAuditLog } from '../../../src/core/audit-chain/pruning.ts'
import { createSealer } from '../../../src/core/runtime/sealer.ts'
import { sealStart } from '../../../src/core/audit-chain/keys.ts'
import type { Context } from '../../../src/core/context.ts'
import { addEntries, newEntries } from '../../support/audit-entries.ts'
import {
  codeOf,
  day,
  masterKey,
  newWorld,
  otherMasterKey,
  start,
  type World,
} from '../../support/fixtures.ts'

interface Log extends World {
  readonly appId: string
  /** A checkpoint of the first day, and one of the second. */
  readonly checkpoints: readonly string[]
  /** Prunes as the job of a server does. */
  prune(before: number): Promise<number>
}

/** Two days with 1,200 entries each, and a checkpoint at the end of each. */
async function newLog(): Promise<Log> {
  const world = await newWorld()
  const { licensing, storage, clock } = world
  const { id: appId } = await licensing.apps.create({ name: 'App', slug: 'photo' })
  const told: string[] = []
  licensing.on('audit.checkpoint', ({ data }) => void told.push(data.checkpoint))
  for (const at of [0, 1]) {
    const entries = newEntries(1_200, { appId }, 1_000_000 + at * 10_000)
    await addEntries(
      storage,
      entries.map((entry) => ({ ...entry, createdAt: clock.seconds })),
    )
    clock.seconds += 3_600
    await licensing.audit.seal()
    clock.seconds += day - 3_600
  }
  await new Promise<void>((resolve) => setTimeout(resolve))
  const context = {
    storage,
    runtime: { sealer: await createSealer(masterKey), now: () => clock.seconds },
  } as Context
  return { ...world, appId, checkpoints: told, prune: (before) => pruneAuditLog(context, before) }
}

test('pruneAuditLog(): removes the old entries up to a checkpoint, and the rest verifies', async () => {
  const { licensing, storage, prune, checkpoints } = await newLog()
  const [early, late] = checkpoints
  const { lastSeq } = await licensing.audit.verify()
  const removed = await prune(start + day)
  assert.ok(removed >= 1_200)
  const result = await licensing.audit.verify({ checkpoint: late! })
  assert.deepEqual(
    [result.valid, result.prunedSeq, result.verified, result.lastSeq, result.checkpoint?.state],
    [true, removed, lastSeq - removed, lastSeq, 'matches'],
  )
  assert.equal((await licensing.audit.verify({ checkpoint: early! })).checkpoint?.state, 'matches')
  assert.equal(await prune(start + day), 0)
  assert.equal(await prune(start + 3 * day), lastSeq - removed)
  const end = await licensing.audit.verify({ checkpoint: early! })
  assert.deepEqual(
    [end.valid, end.verified, end.lastSeq, end.checkpoint?.state],
    [true, 0, lastSeq, 'pruned'],
  )
  assert.deepEqual(
    (await storage.listAuditCheckpoints(9)).map(({ seq }) => seq),
    [lastSeq],
  )
  await addEntries(storage, newEntries(3, {}, 5))
  await licensing.audit.seal()
  assert.equal((await licensing.audit.verify({ checkpoint: late! })).lastSeq, lastSeq + 3)
})

test('pruneAuditLog(): removes no entry after the last checkpoint of that time', async () => {
  const { prune, licensing, clock, storage } = await newLog()
  const { lastSeq } = await licensing.audit.verify()
  await addEntries(storage, newEntries(5, {}, 1))
  await licensing.audit.seal()
  clock.seconds += 30 * day
  assert.equal(await prune(clock.seconds), lastSeq)
})

test('pruneAuditLog(): a forged checkpoint makes no entry old', async () => {
  const { prune, storage, licensing, appId } = await newLog()
  const { seq, mac } = (await storage.findAuditChain())!
  await storage.insertAuditCheckpoint({ appId, seq: seq + 5, mac: mac!, token: 'forged', createdAt: 1 })
  assert.equal(await prune(start), 0)
  assert.equal((await licensing.audit.verify()).prunedSeq, 0)
})

test('pruneAuditLog(): removes no page in which an entry was changed', async () => {
  const { prune, storage } = await newLog()
  const [first] = await storage.listSealedAuditEntries(600, 1)
  const chain = (await storage.findAuditChain())!
  const log = await storage.listSealedAuditEntries(0, 10_000)
  await storage.pruneAuditEntries({ before: 10 ** 11, belowSeq: chain.seq + 1, limit: 10_000 })
  await addEntries(
    storage,
    log.map((entry) => (entry.seq === first!.seq ? { ...entry, createdAt: 0 } : entry)),
  )
  assert.equal(await codeOf(prune(start + 3 * day)), 'conflict')
  assert.deepEqual(
    (await storage.listSealedAuditEntries(0, 1)).map(({ seq }) => seq),
    [501],
  )
})

test('audit.verify(): a start that the master key has not sealed shows', async () => {
  const { licensing, storage } = await newLog()
  const log = await storage.listSealedAuditEntries(0, 10_000)
  const { seq, mac } = log[99]!
  const chain = (await storage.findAuditChain())!
  await storage.pruneAuditEntries({ before: 10 ** 11, belowSeq: 101, limit: 100 })
  const [own, foreign] = [await createSealer(masterKey), await createSealer(otherMasterKey)]
  const place = { seq: seq!, mac: mac! }
  const starts = {
    none: null,
    'under another key': sealStart(foreign, place),
    'for another purpose': own.seal(new TextEncoder().encode(JSON.stringify(place)), 'audit-spans'),
    'in clear text': JSON.stringify(place),
  }
  for (const [name, given] of Object.entries(starts)) {
    const { version } = (await storage.findAuditChain())!
    await storage.updateAuditChain(version, { start: given })
    const { fault } = await licensing.audit.verify()
    assert.deepEqual([fault?.code, fault?.seq], [given === null ? 'entry_missing' : 'chain_altered', 1], name)
  }
  // The true start proves that nothing else was wrong.
  await storage.updateAuditChain((await storage.findAuditChain())!.version, { start: sealStart(own, place) })
  assert.equal((await licensing.audit.verify()).valid, true)
  assert.equal(chain.start, null)
})
