import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import { type AuditEntryRecord, createLicensing, type Licensing, type Storage } from '../../src/core/index.ts'
import { batchesOf } from '../../src/storage/batch.ts'
import { addEntries, newEntries, newEntry } from '../support/audit-entries.ts'
import { masterKey } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { openRaw, type RawRows } from './raw-rows.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

interface Opened {
  readonly target: string
  readonly storage: Storage
  readonly licensing: Licensing
  readonly raw: RawRows
}

async function withOpen(target: string, work: (opened: Opened) => Promise<void>): Promise<void> {
  const storage = await openTarget(target)
  const [licensing, raw] = [await createLicensing({ storage, masterKey }), await openRaw(target)]
  try {
    await work({ target, storage, licensing, raw })
  } finally {
    await raw.end()
    await storage.close()
  }
}

function onBoth(name: string, work: (opened: Opened) => Promise<void>): void {
  describe(name, () => {
    it('on SQLite', () => withFiles((nextFile) => withOpen(nextFile(), work)))
    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      withOpen(await database!.emptied(), work),
    )
  })
}

/** Somewhat more than two pages. */
const many = 1_100
/** Somewhat more than one page. */
const count = 510
/** The first and the last entry, and the edges of a page. */
const places = [1, 500, 501, count]

const table = 'heartwood_audit_entry'
const free = 9_000_000

/** Statements for one place, and those that undo them. Each changes one entry, or two that it swaps. */
type Attack = (seq: number) => readonly string[]

const setField =
  (column: string, value: string): Attack =>
  (seq) => [`update ${table} set ${column} = ${value} where seq = ${seq}`]

const copy =
  'id, app_id, mode, created_at, actor_type, actor_id, actor_label, action, target_type, target_id, changes, request_id'

const attacks: Readonly<Record<string, Attack>> = {
  id: setField('id', "'aud_01kfnt0000e008000000000000'"),
  app_id: setField('app_id', "'app_01kfnt0000e008000000000000'"),
  mode: setField('mode', "'test'"),
  created_at: setField('created_at', 'created_at - 1'),
  actor_type: setField('actor_type', "'user'"),
  actor_id: setField('actor_id', 'null'),
  actor_label: setField('actor_label', "actor_label || ' '"),
  action: setField('action', "'license.reinstated'"),
  target_type: setField('target_type', "'customer'"),
  target_id: setField('target_id', "target_id || '0'"),
  changes: setField('changes', "replace(changes, '{', '{ ')"),
  request_id: setField('request_id', "''"),
  'seq, moved away': setField('seq', 'seq + 100000'),
  'seq, to zero': setField('seq', '0'),
  'seq, below zero': setField('seq', '-seq'),
  'seq, to null': setField('seq', 'null'),
  'seq and mac, to null': setField('mac', 'null, seq = null'),
  'mac, to null': setField('mac', 'null'),
  'mac, to that of another': (seq) => [
    `update ${table} set mac = (select mac from ${table} where seq = ${seq === 1 ? 2 : seq - 1}) where seq = ${seq}`,
  ],
  'the row, removed': (seq) => [`delete from ${table} where seq = ${seq}`],
  'the row, replaced by a new one with its place and mac': (seq) => [
    `insert into ${table} (${copy}, seq, mac) select 'aud_01kfnt0000e008000000000000'${copy.slice(2)}, ${free}, mac from ${table} where seq = ${seq}`,
    `delete from ${table} where seq = ${seq}`,
    `update ${table} set seq = ${seq} where seq = ${free}`,
  ],
  'the row, copied behind the end': (seq) => [
    `insert into ${table} (${copy}, seq, mac) select 'aud_01kfnt0000e008000000000000'${copy.slice(2)}, ${count + 1}, mac from ${table} where seq = ${seq}`,
  ],
  'the row, copied before every place': (seq) => [
    `insert into ${table} (${copy}, seq, mac) select 'aud_01kfnt0000e008000000000000'${copy.slice(2)}, -9007199254740991, mac from ${table} where seq = ${seq}`,
  ],
  'two rows, swapped with their macs': (seq) => {
    const other = seq === 1 ? 2 : seq - 1
    return [
      `update ${table} set seq = ${free} where seq = ${seq}`,
      `update ${table} set seq = ${seq} where seq = ${other}`,
      `update ${table} set seq = ${other} where seq = ${free}`,
    ]
  },
  'the place of the end': (seq) => [
    `update heartwood_audit_chain set seq = ${seq === count ? seq - 1 : seq}`,
  ],
  'the mac of the end': (seq) => [
    `update heartwood_audit_chain set mac = (select mac from ${table} where seq = ${seq === count ? 1 : seq})`,
  ],
  'the place of the last checkpoint': () => ['update heartwood_audit_chain set checkpoint_seq = 100000'],
  'the key': () => ["update heartwood_audit_chain set key_id = 'AAAAAAAAAAAA'"],
  'the chain, removed': () => ['delete from heartwood_audit_chain'],
}

async function restore(raw: RawRows): Promise<void> {
  for (const name of [table, 'heartwood_audit_chain']) {
    await raw.run(`delete from ${name}`)
    await raw.run(`insert into ${name} select * from backup_${name}`)
  }
}

onBoth('audit.verify(): shows every change that SQL can make to a sealed entry', async (opened) => {
  const { raw, storage, licensing } = opened
  await addEntries(storage, newEntries(count))
  assert.equal(await licensing.audit.seal(), count)
  for (const name of [table, 'heartwood_audit_chain'])
    await raw.run(`create table backup_${name} as select * from ${name}`)
  const missed: string[] = []
  for (const [name, attack] of Object.entries(attacks))
    for (const seq of places) {
      for (const statement of attack(seq)) await raw.run(statement)
      const { fault } = await licensing.audit.verify()
      if (fault === null) missed.push(`${name} at ${seq}`)
      await restore(raw)
    }
  assert.deepEqual(missed, [])
  assert.deepEqual((await licensing.audit.verify()).fault, null)
  for (const name of [table, 'heartwood_audit_chain']) await raw.run(`drop table backup_${name}`)
})

onBoth('audit.verify(): an entry that is not sealed is counted, and none is missing', async (opened) => {
  const { storage, licensing } = opened
  await addEntries(storage, newEntries(3))
  const { verified, unsealed, valid } = await licensing.audit.verify()
  assert.deepEqual([verified, unsealed, valid], [0, 3, true])
})

onBoth(
  'audit.seal(): an entry that commits late gets a place after those that were sealed',
  async (opened) => {
    const { storage, licensing } = opened
    await addEntries(storage, [newEntry(2), newEntry(3)])
    await licensing.audit.seal()
    await addEntries(storage, [newEntry(1)])
    await licensing.audit.seal()
    const sealed = await storage.listSealedAuditEntries(0, 9)
    assert.deepEqual(
      sealed.map(({ id }) => id),
      [2, 3, 1].map((number) => newEntry(number).id),
    )
    assert.equal((await licensing.audit.verify()).valid, true)
  },
)

onBoth('audit.seal(): stops with conflict at an id that SQL has put into both tables', async (opened) => {
  const { storage, licensing, raw } = opened
  await addEntries(storage, newEntries(3))
  assert.equal(await licensing.audit.seal(), 3)
  await raw.run(
    `insert into heartwood_unsealed_audit_entry (${copy}) select ${copy} from ${table} where seq = 2`,
  )
  await assert.rejects(licensing.audit.seal(), { code: 'conflict' })
  const { valid, verified, unsealed } = await licensing.audit.verify()
  assert.deepEqual([valid, verified, unsealed], [true, 3, 1])
})

onBoth(
  'insertBatch(): writes no entry if the id of one is taken, by a sealed entry or another',
  async (opened) => {
    const { storage } = opened
    const place = (seq: number) => ({ seq, mac: 'A'.repeat(43) })
    await addEntries(storage, newEntries(2))
    assert.equal(await storage.sealAuditEntries([{ id: newEntry(1).id, ...place(1) }]), 1)
    const others = [newEntry(3), newEntry(4, place(2))]
    const insert = (entries: readonly AuditEntryRecord[]) =>
      batchesOf(storage).insertBatch('auditEntry', entries)
    for (const taken of [1, 2])
      for (const again of [newEntry(taken), newEntry(taken, place(3))])
        assert.equal(await insert([...others, again]), false)
    assert.equal(await storage.countAuditEntries({}), 2)
    assert.equal(await insert(others), true)
    assert.equal(await storage.countAuditEntries({}), 4)
  },
)

/** Kills a process in the middle of the transaction of its second page. */
async function killSealer(target: string): Promise<void> {
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []
  const script = resolve('test/storage/killed-sealer.ts')
  const child = spawn(process.execPath, [...flags, script, target], { stdio: 'inherit' })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
}

onBoth('audit.seal(): a server goes on where a killed one has stopped', async (opened) => {
  const { target, storage, licensing } = opened
  await addEntries(storage, newEntries(many))
  await killSealer(target)
  const left = await licensing.audit.verify()
  assert.deepEqual([left.valid, left.verified, left.unsealed], [true, 500, many - 500])
  assert.equal(await licensing.audit.seal(), many - 500)
  const whole = await licensing.audit.verify()
  assert.deepEqual([whole.valid, whole.verified, whole.unsealed], [true, many, 0])
})

onBoth('audit.verify(): a log that is written, sealed and pruned meanwhile is whole', async (opened) => {
  const { storage, licensing } = opened
  await addEntries(storage, newEntries(many))
  const work = { isOver: false }
  const write = async (): Promise<void> => {
    for (let at = 0; at < 10; at++) {
      await addEntries(storage, newEntries(60, {}, 10_000 + at * 100))
      await licensing.audit.seal()
    }
    work.isOver = true
  }
  const writing = write()
  let looks = 0
  do {
    assert.deepEqual((await licensing.audit.verify()).fault, null)
    looks++
  } while (!work.isOver)
  await writing
  assert.ok(looks > 0)
  assert.equal((await licensing.audit.verify()).verified, many + 600)
})
