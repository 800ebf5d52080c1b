import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openChain, type ChainPlace } from '../../../src/core/audit-chain/keys.ts'
import { walkPage } from '../../../src/core/audit-chain/verification.ts'
import type { AuditEntryRecord } from '../../../src/core/index.ts'
import { createSealer } from '../../../src/core/runtime/sealer.ts'
import { addEntries, newEntries, newEntry } from '../../support/audit-entries.ts'
import { masterKey, newWorld } from '../../support/fixtures.ts'

const count = 10_000

type Log = readonly AuditEntryRecord[]
type Tampering = (log: Log, at: number) => AuditEntryRecord[]

/** A change of one field that a careless check would not see. */
const edits: {
  readonly [Name in keyof AuditEntryRecord]: (entry: AuditEntryRecord) => AuditEntryRecord[Name]
} = {
  id: ({ id }) => `${id.slice(0, -1)}${id.endsWith('z') ? 'y' : 'z'}`,
  appId: () => 'app_1',
  mode: () => 'test',
  createdAt: ({ createdAt }) => createdAt + 1,
  actorType: () => 'user',
  actorId: () => null,
  actorLabel: ({ actorLabel }) => `${actorLabel} `,
  action: () => 'license.reinstated',
  targetType: () => 'license_key',
  targetId: ({ targetId }) => `${targetId}0`,
  changes: ({ changes }) => changes.replace('{', '{ '),
  requestId: () => '',
  seq: ({ seq }) => seq! + count,
  mac: ({ mac }) => mac!.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
}

/** Looks at the entries from `at` on alone, because a walk meets a change where it is. */
const tamperings: Readonly<Record<string, Tampering>> = {
  ...Object.fromEntries(
    Object.entries(edits).map(([name, edit]): [string, Tampering] => [
      `edits ${name}`,
      (log, at) => [{ ...log[at]!, [name]: edit(log[at]!) }],
    ]),
  ),
  removes: (log, at) => log.slice(at + 1, at + 2),
  'removes, and gives the next its place': (log, at) =>
    log.slice(at + 1, at + 2).map((entry) => ({ ...entry, seq: at + 1 })),
  'removes, and gives the next its place and mac': (log, at) =>
    log.slice(at + 1, at + 2).map((entry) => ({ ...entry, seq: at + 1, mac: log[at]!.mac })),
  'inserts a forged one with its mac': (log, at) => [
    newEntry(99_999, { seq: at + 1, mac: log[at]!.mac }),
    log[at]!,
  ],
  'repeats the one before it': (log, at) => [{ ...log[Math.max(0, at - 1)]!, seq: at === 0 ? 2 : at }],
  swaps: (log, at) => {
    const [one, other] = [log[at]!, log[(at + 1) % count]!]
    return [
      { ...other, seq: one.seq },
      { ...one, seq: other.seq },
    ]
  },
  'swaps with their macs': (log, at) => {
    const [one, other] = [log[at]!, log[(at + 1) % count]!]
    return [
      { ...other, seq: one.seq, mac: one.mac },
      { ...one, seq: other.seq, mac: other.mac },
    ]
  },
  'swaps with the wrong macs': (log, at) => [{ ...log[(at + 1) % count]!, seq: at + 1 }],
}

test(`every change of a single entry of ${count} shows at its place`, async () => {
  const { licensing, storage } = await newWorld()
  await addEntries(storage, newEntries(count))
  assert.equal(await licensing.audit.seal(), count)
  const log = await storage.listSealedAuditEntries(0, count)
  const chain = openChain(await createSealer(masterKey), (await storage.findAuditChain())!)
  const beforeOf = (at: number): ChainPlace => (at === 0 ? chain.start : { seq: at, mac: log[at - 1]!.mac! })
  const whole = walkPage(chain, { last: chain.start, verified: 0, fault: null }, log)
  assert.deepEqual([whole.verified, whole.fault], [count, null])
  for (const [name, tamper] of Object.entries(tamperings))
    for (let at = 0; at < count; at++) {
      const changed = tamper(log, at)
      // Whoever removes the last entry cuts the tail, which a checkpoint shows.
      if (changed.length === 0) continue
      const { fault } = walkPage(chain, { last: beforeOf(at), verified: at, fault: null }, changed)
      assert.ok(fault !== null && fault.seq <= at + 1 + count, `${name} at ${at}`)
      assert.equal(fault.code === 'entry_altered' ? fault.seq : at + 1, at + 1, `${name} at ${at}`)
    }
})
