import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LicensingError } from '../../src/core/errors.ts'
import { describeOutage, isUndone, kindOf, toLicensingError, toOpenError } from '../../src/storage/errors.ts'

/** A driver's error. */
function failure(properties: object, message = 'secret detail'): Error {
  return Object.assign(new Error(message), properties)
}

/** The same error in the spelling of each driver. */
const spellings: Readonly<Record<string, readonly object[]>> = {
  unique: [
    { code: 'SQLITE_CONSTRAINT_UNIQUE', errno: 2067 },
    { code: 'SQLITE_CONSTRAINT_PRIMARYKEY', errno: 1555 },
    { code: 'ERR_SQLITE_ERROR', errcode: 2067 },
    { code: 2067 },
    { code: '23505', severity: 'ERROR' },
  ],
  'foreign key': [
    { code: 'SQLITE_CONSTRAINT_FOREIGNKEY', errno: 787 },
    { code: 'ERR_SQLITE_ERROR', errcode: 787 },
    { code: '23503' },
  ],
  busy: [
    { code: 'SQLITE_BUSY', errno: 5 },
    { code: 'SQLITE_BUSY_SNAPSHOT', errno: 517 },
    { code: 'ERR_SQLITE_ERROR', errcode: 261 },
  ],
  undone: [{ code: '40001' }, { code: '40P01' }],
}

describe('kindOf()', () => {
  for (const [kind, errors] of Object.entries(spellings))
    it(`knows ${kind} in the spelling of every driver`, () => {
      for (const error of errors) assert.equal(kindOf(failure(error)), kind)
    })

  it('is undefined for every other error', () => {
    const others = [
      { code: 'SQLITE_CONSTRAINT_NOTNULL', errno: 1299 },
      { errcode: 19 },
      { code: '23502' },
      {},
    ]
    for (const error of others) assert.equal(kindOf(failure(error)), undefined)
    for (const thrown of [null, undefined, 'text', 5]) assert.equal(kindOf(thrown), undefined)
  })
})

describe('describeOutage()', () => {
  const outages: readonly (readonly [object, RegExp])[] = [
    [{ code: 'SQLITE_IOERR_WRITE' }, /input\/output/],
    [{ code: 'ERR_SQLITE_ERROR', errcode: 778 }, /input\/output/],
    [{ code: 'SQLITE_FULL', errno: 13 }, /disk is full/],
    [{ code: '53100' }, /disk of the database server/],
    [{ code: '53999' }, /at its limit/],
    [{ code: '08006' }, /does not answer/],
    [{ code: '28P01' }, /refuses the user/],
    [{ code: '57014' }, /took too long/],
    [{ code: 'CONNECTION_CLOSED' }, /does not answer/],
    [{ code: 'ECONNREFUSED', errno: -111 }, /does not answer/],
  ]
  for (const [error, sentence] of outages)
    it(`${JSON.stringify(error)} is an outage`, () => {
      const text = describeOutage(failure(error)) ?? ''
      assert.match(text, sentence)
      assert.doesNotMatch(text, /secret/)
    })

  it('knows errors without a code by their message', () => {
    assert.match(describeOutage(failure({}, 'unable to open database file: /x')) ?? '', /cannot be opened/)
    assert.match(describeOutage(failure({}, 'Connection terminated unexpectedly')) ?? '', /not answer/)
    const rolledBack = 'cannot rollback - no transaction is active'
    assert.match(describeOutage(failure({}, rolledBack)) ?? '', /gave the transaction up/)
  })

  it('is undefined for an error that is no outage', () => {
    const timeout = new DOMException('The operation timed out', 'TimeoutError')
    const others = [failure({ code: '42601' }), failure({ code: 'EACCES', errno: -13 }), failure({}), timeout]
    for (const error of others) assert.equal(describeOutage(error), undefined)
    assert.equal(describeOutage(failure({ code: 'toString' })), undefined)
  })
})

describe('toLicensingError()', () => {
  const codes = { '23503': 'not_found', '23505': 'conflict', '40001': 'unavailable', '53300': 'unavailable' }
  for (const [code, expected] of Object.entries(codes))
    it(`${code} becomes ${expected}, with the driver’s error as its cause`, () => {
      const cause = failure({ code })
      const error = toLicensingError(cause)
      assert.ok(error instanceof LicensingError)
      assert.deepEqual([error.code, error.cause], [expected, cause])
    })

  it('returns every other error unchanged', () => {
    for (const error of [new LicensingError('conflict', 'x'), failure({}), 'text', null])
      assert.equal(toLicensingError(error), error)
  })

  it('keeps an undone transaction recognizable', () => {
    assert.equal(isUndone(toLicensingError(failure({ code: '40P01' }))), true)
    assert.equal(isUndone(toLicensingError(failure({ code: '08006' }))), false)
  })
})

describe('toOpenError()', () => {
  it('makes every error of SQLite unavailable, and returns any other unchanged', () => {
    const unknown = toOpenError(failure({ errcode: 1 }))
    assert.ok(unknown instanceof LicensingError && unknown.code === 'unavailable')
    const other = failure({ code: 'ERR_MODULE_NOT_FOUND' })
    assert.equal(toOpenError(other), other)
  })
})
