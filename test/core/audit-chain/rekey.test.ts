import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSealer } from '../../../src/core/runtime/sealer.ts'
import { auditSpansPurpose } from '../../../src/core/keys/purposes.ts'
import type {
  AuditChainPatch,
  AuditEntryRecord,
  Licensing,
  MasterKey,
  Storage,
} from '../../../src/core/index.ts'
import { memoryStorage } from '../../../src/storage/memory.ts'
import { addEntries, newEntries } from '../../support/audit-entries.ts'
import {
  codeOf,
  masterKey as oldKey,
  newWorld,
  otherMasterKey as newKey,
  risingIds,
} from '../../support/fixtures.ts'

const thirdKey = Buffer.alloc(32, 3).toString('base64')

let worlds = 0

async function under(storage: Storage, masterKey: MasterKey): Promise<Licensing> {
  return (await newWorld({ storage, masterKey, newId: risingIds(1_000 * ++worlds) })).licensing
}

/** Adds 10 entries, and seals whatever waits. */
async function add(storage: Storage, licensing: Licensing, first: number): Promise<void> {
  await addEntries(storage, newEntries(10, {}, first))
  await licensing.audit.seal()
}

/** The log as a list, whose codes nobody may rewrite. */
function logOf(storage: Storage): Promise<readonly AuditEntryRecord[]> {
  return storage.listSealedAuditEntries(0, 1_000)
}

/** A log that goes on under a second key and a third. */
async function newLog(): Promise<Storage> {
  const storage = memoryStorage()
  await add(storage, await under(storage, oldKey), 1)
  const both = await under(storage, [newKey, oldKey])
  await add(storage, both, 101)
  await both.rekey()
  await add(storage, both, 201)
  await add(storage, await under(storage, newKey), 301)
  const last = await under(storage, [thirdKey, newKey])
  await last.rekey()
  await add(storage, await under(storage, thirdKey), 401)
  return storage
}

test('rekey(): the chain goes on, and verifies with the newest master key alone', async () => {
  const storage = await newLog()
  const { valid, verified, lastSeq } = await (await under(storage, thirdKey)).audit.verify()
  assert.deepEqual([valid, verified, lastSeq], [true, (await logOf(storage)).length, verified])
  assert.ok(verified >= 50)
  assert.equal(await codeOf(under(storage, oldKey)), 'master_key')
})

test('rekey(): leaves the codes of earlier entries as they are', async () => {
  const storage = memoryStorage()
  await add(storage, await under(storage, oldKey), 1)
  const before = await logOf(storage)
  const { auditChain } = await (await under(storage, [newKey, oldKey])).rekey()
  assert.equal(auditChain, 1)
  assert.deepEqual((await logOf(storage)).slice(0, before.length), before)
  const again = await (await under(storage, [newKey, oldKey])).rekey()
  assert.equal(again.auditChain, 0)
})

test('rekey(): a storage without entries has no chain', async () => {
  const storage = memoryStorage()
  await under(storage, oldKey)
  const licensing = await under(storage, [newKey, oldKey])
  await licensing.rekey()
  await add(storage, await under(storage, newKey), 1)
  assert.equal((await (await under(storage, newKey)).audit.verify()).valid, true)
})

/** A log that a thief of the old key rewrites from the third entry on, after the rekey. */
async function rewritten(upTo: 'the end of the old key' | 'the end of the log'): Promise<Storage> {
  const storage = memoryStorage()
  await add(storage, await under(storage, oldKey), 1)
  await (await under(storage, [newKey, oldKey])).rekey()
  await add(storage, await under(storage, newKey), 101)
  const log = await logOf(storage)
  const end = upTo === 'the end of the log' ? log.length : 10
  // The thief seals the changed entries in a storage of their own, with the true key, and carries them over.
  const own = memoryStorage()
  const changed = log.map((entry) => ({ ...entry, seq: null, mac: null }))
  changed[2] = { ...changed[2]!, actorLabel: 'nobody' }
  await addEntries(own, changed.slice(0, end))
  await (await under(own, oldKey)).audit.seal()
  const forged = [...(await logOf(own)), ...log.slice(end)]
  const chain = (await storage.findAuditChain())!
  await storage.pruneAuditEntries({ before: 10 ** 11, belowSeq: chain.seq + 1, limit: 1_000 })
  await addEntries(storage, forged)
  const last = forged.at(-1)!
  await storage.updateAuditChain(chain.version, { seq: last.seq!, mac: last.mac })
  return storage
}

test('a thief of the old master key cannot rewrite what it sealed before the rekey', async () => {
  const storage = await rewritten('the end of the old key')
  const { fault } = await (await under(storage, newKey)).audit.verify()
  assert.deepEqual([fault?.code, fault?.seq], ['entry_altered', 10])
})

test('a thief of the old master key cannot go on with the chain after the rekey', async () => {
  const storage = await rewritten('the end of the log')
  const chain = (await storage.findAuditChain())!
  const { keyId: oldId } = (await createSealer(oldKey)).derive('any')[0]
  const tries: readonly AuditChainPatch[] = [
    {},
    { spans: null },
    { keyId: oldId },
    { keyId: oldId, spans: null },
    { spans: (await createSealer(oldKey)).seal(new TextEncoder().encode('[]'), auditSpansPurpose) },
    { spans: chain.spans!.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) },
  ]
  for (const patch of tries) {
    const { version } = (await storage.findAuditChain())!
    await storage.updateAuditChain(version, { keyId: chain.keyId, spans: chain.spans, ...patch })
    const { valid, fault } = await (await under(storage, newKey)).audit.verify()
    assert.equal(valid, false, JSON.stringify(Object.keys(patch)))
    assert.match(fault!.code, /^(?:entry|chain)_altered$/)
  }
})
