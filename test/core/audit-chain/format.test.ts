import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import { canonicalText } from '../../../src/core/audit-chain/canonical.ts'
import type { AuditEntryRecord } from '../../../src/core/index.ts'
import { addEntries, newEntry } from '../../support/audit-entries.ts'
import { masterKey, newWorld } from '../../support/fixtures.ts'

// The format is for ever: logs of many years hold such codes. These texts were written by hand.
const first = newEntry(1)
const text =
  '{"action":"license.revoked","actor_id":"key_1","actor_label":"Łódź \\"shop\\" 🌳","actor_type":"api_key",' +
  '"app_id":null,"changes":"{\\"revoked_at\\":[null,\\"2026-01-23T10:00:00Z\\"],\\"number\\":[1,2]}",' +
  `"created_at":1769162401,"id":"${first.id}","mode":"live","request_id":"request-1","seq":1,` +
  '"target_id":"lic_1","target_type":"license","v":1}'

test('an entry: the text that its mac covers', () => {
  assert.equal(canonicalText(first, 1), text)
  const names = Object.keys(JSON.parse(text) as object)
  assert.deepEqual(names, names.toSorted())
})

/** The mac as docs/audit.md describes it, by Node's own functions. */
function macOf(before: Buffer, entry: AuditEntryRecord, seq: number): Buffer {
  const key = hkdfSync('sha256', Buffer.from(masterKey, 'base64'), '', 'heartwood audit log v1', 32)
  const covered = Buffer.concat([before, Buffer.from(canonicalText(entry, seq))])
  return createHmac('sha256', Buffer.from(key)).update(covered).digest()
}

test('an entry: its mac is HMAC-SHA-256 over the mac before it and the text', async () => {
  const { licensing, storage } = await newWorld()
  const entries = [first, newEntry(2, { actorId: null, appId: 'app_1', changes: '{}' })]
  await addEntries(storage, entries)
  await licensing.audit.seal()
  const one = macOf(Buffer.alloc(32), entries[0]!, 1)
  const two = macOf(one, entries[1]!, 2)
  assert.deepEqual(
    (await storage.listSealedAuditEntries(0, 9)).map(({ id, seq, mac }) => [id, seq, mac]),
    [
      [entries[0]!.id, 1, one.toString('base64url')],
      [entries[1]!.id, 2, two.toString('base64url')],
    ],
  )
  // This value holds the key, the text and the order at once. If it changes, no log in the field verifies.
  assert.equal(one.toString('base64url'), 'Wohy1_pbGdG7L3uer2nMK6u-aa6737694vm-ZoITNm4')
})

const alike: readonly (readonly [Partial<AuditEntryRecord>, Partial<AuditEntryRecord>])[] = [
  [
    { actorId: 'a', actorLabel: 'b' },
    { actorId: 'a","actor_label":"b', actorLabel: null },
  ],
  [{ actorId: null }, { actorId: 'null' }],
  [{ targetId: 'a\u0301' }, { targetId: 'á' }],
  [{ changes: '{"a":[1,2]}' }, { changes: '{"a":[1.0,2]}' }],
  [{ changes: '{"a":1,"b":2}' }, { changes: '{"b":2,"a":1}' }],
  [{ requestId: '\\u0061' }, { requestId: 'a' }],
  [{ createdAt: 12 }, { createdAt: 1, actorLabel: '2' }],
  [
    { appId: null, mode: 'live' },
    { appId: 'live', mode: 'live' },
  ],
]

test('an entry: no two different entries have one text', () => {
  for (const [one, other] of alike)
    assert.notEqual(canonicalText({ ...first, ...one }, 1), canonicalText({ ...first, ...other }, 1))
  assert.notEqual(canonicalText(first, 1), canonicalText(first, 11))
})
