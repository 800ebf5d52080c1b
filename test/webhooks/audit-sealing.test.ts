import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Storage, StorageSession } from '../../src/core/index.ts'
import { isRead } from '../../src/core/storage/verbs.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { addEntries, newEntries } from '../support/audit-entries.ts'
import { newWorld } from '../support/fixtures.ts'
import { eventually } from './receivers.ts'

/** A storage that notes the name of every write. */
function noting(inner: Storage, writes: string[]): Storage {
  const noted = <Session extends StorageSession>(session: Session): Session =>
    new Proxy(session, {
      get: (target, name) => {
        const verb: unknown = Reflect.get(target, name)
        if (typeof verb !== 'function') return verb
        return (...given: unknown[]): unknown => {
          const isVerb = !['transaction', 'ping', 'close'].includes(String(name))
          if (isVerb && !isRead(String(name))) writes.push(String(name))
          return verb.apply(target, given)
        }
      },
    })
  const outer = noted(inner)
  return Object.assign(Object.create(outer) as Storage, {
    transaction: <T>(work: (tx: StorageSession) => Promise<T>) => inner.transaction((tx) => work(noted(tx))),
  })
}

test('startDelivery(): seals the audit log while it runs, and writes nothing when no entry waits', async () => {
  const writes: string[] = []
  const { licensing, storage } = await newWorld({ storage: noting(memoryStorage(), writes) })
  const delivery = startDelivery(licensing, { pollMs: 10 })
  await addEntries(storage, newEntries(5))
  await eventually(async () => (await storage.countUnsealedAuditEntries()) === 0)
  // The first round of every minute reads the clocks.
  await setTimeout(50)
  writes.length = 0
  await setTimeout(200)
  assert.deepEqual(writes, [])
  await addEntries(storage, newEntries(5, {}, 100))
  writes.length = 0
  await eventually(async () => (await storage.countUnsealedAuditEntries()) === 0)
  assert.deepEqual(writes, ['updateAuditChain', 'sealAuditEntries'])
  await delivery.stop()
  assert.equal((await licensing.audit.verify()).valid, true)
})
