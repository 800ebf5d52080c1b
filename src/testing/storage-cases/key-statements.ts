import assert from 'node:assert/strict'
import { LicensingError } from '../../core/errors.ts'
import type { KeyStatementRecord } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, madeAt, newSigningKey, oddText } from './records.ts'

function newStatement(appId: string, seq: number, payload = `{"seq":${seq}}`): KeyStatementRecord {
  return { appId, seq, payload, signatures: '[]', createdAt: madeAt }
}

/** Refuses anything but a rejection with `conflict`. */
function isConflict(error: unknown): boolean {
  return error instanceof LicensingError && error.code === 'conflict'
}

export const keyStatementCases: readonly ConformanceCase[] = [
  storageCase('listKeyStatements(): returns every field unchanged, by seq, of one app', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const statements = [1, 2, 3, 10].map((seq) => newStatement(app.id, seq))
    const odd = { ...statements[0]!, payload: oddText, signatures: oddText, createdAt: farFuture }
    for (const statement of [statements[3]!, statements[2]!, odd, statements[1]!])
      assert.equal(await storage.insertKeyStatement(statement), true)
    assert.equal(await storage.insertKeyStatement(newStatement(other.id, 1)), true)
    assert.deepEqual(await storage.listKeyStatements(app.id), [odd, ...statements.slice(1)])
    assert.deepEqual(await storage.listKeyStatements('app_missing'), [])
  }),
  storageCase('insertKeyStatement(): a taken seq changes nothing', async (storage) => {
    const app = await addApp(storage)
    const statement = newStatement(app.id, 1)
    await storage.insertKeyStatement(statement)
    assert.equal(await storage.insertKeyStatement(newStatement(app.id, 1, '{"other":1}')), false)
    assert.deepEqual(await storage.listKeyStatements(app.id), [statement])
  }),
  storageCase('insertKeyStatement(): one of 8 concurrent calls wins', async (storage) => {
    const app = await addApp(storage)
    const results = await concurrently(8, (index) =>
      storage.insertKeyStatement(newStatement(app.id, 1, `{"by":${index}}`)),
    )
    assert.equal(results.filter(Boolean).length, 1)
    const winner = newStatement(app.id, 1, `{"by":${results.indexOf(true)}}`)
    assert.deepEqual(await storage.listKeyStatements(app.id), [winner])
  }),
  storageCase('swapActiveKey(): writes its statements in the same step', async (storage) => {
    const app = await addApp(storage)
    const [first, second, third] = [newSigningKey(app.id), newSigningKey(app.id), newSigningKey(app.id)]
    const statements = [newStatement(app.id, 1), newStatement(app.id, 2)]
    await storage.swapActiveKey(app.id, null, first, null)
    assert.equal(await storage.swapActiveKey(app.id, first.kid, second, null, undefined, statements), true)
    assert.deepEqual(await storage.listKeyStatements(app.id), statements)
    const late = [newStatement(app.id, 3)]
    assert.equal(await storage.swapActiveKey(app.id, first.kid, third, null, undefined, late), false)
    assert.deepEqual(await storage.listKeyStatements(app.id), statements)
  }),
  storageCase('swapActiveKey(): a taken seq of a statement changes nothing', async (storage) => {
    const app = await addApp(storage)
    const [old, next] = [newSigningKey(app.id), newSigningKey(app.id)]
    const taken = newStatement(app.id, 2)
    await storage.swapActiveKey(app.id, null, old, null)
    await storage.insertKeyStatement(taken)
    const statements = [newStatement(app.id, 1), newStatement(app.id, 2, '{"other":1}')]
    await assert.rejects(
      storage.swapActiveKey(app.id, old.kid, next, farFuture, undefined, statements),
      isConflict,
    )
    assert.deepEqual(await storage.listSigningKeys(app.id), [old])
    assert.deepEqual(await storage.listKeyStatements(app.id), [taken])
  }),
  storageCase('deleteApp(): deletes the statements about its keys', async (storage) => {
    const app = await addApp(storage)
    await storage.insertKeyStatement(newStatement(app.id, 1))
    await storage.deleteApp(app.id)
    assert.deepEqual(await storage.listKeyStatements(app.id), [])
  }),
  storageCase('updateApp(): keeps recovery keys and takes them away', async (storage) => {
    const app = await addApp(storage)
    const recovery = { threshold: 2, kids: ['b', 'a'] }
    assert.deepEqual(await storage.updateApp(app.id, { recovery }), { ...app, recovery })
    assert.deepEqual(await storage.findApp(app.id), { ...app, recovery })
    assert.deepEqual(await storage.updateApp(app.id, { recovery: null }), app)
  }),
]
