import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createLicensing, type KeyStatement, type TrustFile } from '../../src/core/index.ts'
import { openAll, slug, textOf } from '../support/chains.ts'
import { codeOf, day, inProcessAlone, masterKey, newShop, refusalOf, start } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'

test('trust(): before a rotation every server derives the same first statement, and stores none', async () => {
  const { licensing, storage, app } = await newShop()
  const other = await createLicensing({ storage, masterKey })
  const trust = await licensing.apps.trust(slug)
  assert.deepEqual(await other.apps.trust(slug), trust)
  const [first] = await openAll(licensing)
  assert.deepEqual(
    [first!.iat, first!.retired, first!.revoked, first!.recovery, first!.signers],
    [start, {}, [], null, [first!.kid]],
  )
  assert.deepEqual(await storage.listKeyStatements(app.id), [])
  await licensing.rotateKeys(slug)
  assert.deepEqual((await licensing.apps.trust(slug)).statements[0], trust.statements[0], 'stored unchanged')
})

test('rotateKeys(): old and new key sign a statement, which names the end of the old one', async () => {
  const { licensing, clock } = await newShop()
  await licensing.rotateKeys(slug, { gracePeriodDays: 30 })
  clock.seconds += 100
  await licensing.rotateKeys(slug, { gracePeriodDays: 60 })
  clock.seconds += 100
  await licensing.rotateKeys(slug)
  clock.seconds += 100
  await licensing.rotateKeys(slug, { compromised: true })
  const chain = await openAll(licensing)
  const kids = chain.map(({ kid }) => kid)
  const [a, b, c, d] = kids as [string, string, string, string]
  assert.deepEqual(
    chain.map(({ iat, retired, revoked }) => ({ iat: iat - start, retired, revoked })),
    [
      { iat: 0, retired: {}, revoked: [] },
      { iat: 0, retired: { [a]: start + 30 * day }, revoked: [] },
      { iat: 100, retired: { [b]: start + 100 + 60 * day }, revoked: [] },
      // A plain rotation ends every grace.
      { iat: 200, retired: { [c]: start + 200, [b]: start + 200, [a]: start + 200 }, revoked: [] },
      { iat: 300, retired: { [d]: start + 300 }, revoked: [d] },
    ],
  )
  for (const [at, { signers }] of chain.slice(1).entries())
    assert.deepEqual(signers, [kids[at], kids[at + 1]])
})

test('trust(): a statement takes at most 3,300 characters', async () => {
  const { licensing } = await newShop()
  await licensing.rotateKeys(slug)
  const { statements } = await licensing.apps.trust(slug)
  assert.ok(JSON.stringify(statements[1]).length <= 3_300, `${JSON.stringify(statements[1]).length}`)
})

test('rotateKeys(): compromised gives no grace, and marks the key', async () => {
  const { licensing } = await newShop()
  const refused = await refusalOf(licensing.rotateKeys(slug, { compromised: true, gracePeriodDays: 1 }))
  assert.deepEqual(
    [refused.code, Object.keys(refused.details ?? {})],
    ['validation_error', ['gracePeriodDays']],
  )
  await licensing.rotateKeys(slug, { gracePeriodDays: 30 })
  await licensing.rotateKeys(slug, { compromised: true })
  const keys = await licensing.apps.keys(slug)
  assert.deepEqual(
    keys.map(({ state, reason }) => [state, reason]),
    [
      ['active', null],
      ['retired', 'compromised'],
      ['retired', 'rotated'],
    ],
  )
})
const together = inProcessAlone('the calls arrive one after another')

test('rotateKeys(): of concurrent rotations one writes a statement', together, async () => {
  const { licensing } = await newShop()
  const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(licensing.rotateKeys(slug))))
  assert.deepEqual(codes.toSorted(), ['conflict', 'conflict', 'conflict', 'ok'])
  assert.equal((await openAll(licensing)).length, 2)
})

test('trust(): read while keys rotate, it always leads to a key that it names', together, async () => {
  const { licensing, storage } = await newShop()
  const other = await createLicensing({ storage, masterKey })
  const reading = { isOver: false }
  const read = async (): Promise<number> => {
    let count = 0
    for (; !reading.isOver; count++) {
      // A memory storage answers in microtasks, which would leave the rotations no turn.
      await new Promise((resolve) => setImmediate(resolve))
      const before = (await other.apps.jwks(slug)).keys[0]!.kid
      const { statements } = await other.apps.trust(slug)
      const kids = kidsOf(statements)
      assert.ok(kids.includes(before), 'a key that was served is named')
    }
    return count
  }
  const reads = read()
  for (let turn = 0; turn < 4; turn++) await licensing.rotateKeys(slug, { gracePeriodDays: turn })
  reading.isOver = true
  assert.ok((await reads) > 0)
  assert.equal((await openAll(licensing)).length, 5)
})

function kidsOf(statements: TrustFile['statements']): readonly string[] {
  return statements.map(({ payload }) => {
    const { e, kty, n } = (JSON.parse(textOf(payload)) as KeyStatement).key
    return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
  })
}

test('rotateKeys(): under an idempotency key it writes one statement', async () => {
  const { licensing } = await newShop()
  const key = { key: 'k', scope: 's', fingerprint: 'f' }
  const rotate = () => licensing.idempotentCall(key, (each) => each.rotateKeys(slug))
  assert.deepEqual((await rotate()).result, (await rotate()).result)
  assert.equal((await openAll(licensing)).length, 2)
})

test('rotateKeys(): inside a transaction of the host it writes a statement, which is rolled back too', async () => {
  const { licensing, storage } = await newShop()
  const rotate = (tx: object, pair: number) =>
    licensing.with({ ...storage, ...tx }).rotateKeys(slug, {}, testKeyPairs[pair])
  await storage.transaction(async (tx) =>
    rotate({ ...tx, transaction: <T>(work: (t: typeof tx) => Promise<T>) => work(tx) }, 3),
  )
  assert.equal((await openAll(licensing)).length, 2)
  const failed = storage.transaction(async (tx) => {
    await rotate({ ...tx, transaction: <T>(work: (t: typeof tx) => Promise<T>) => work(tx) }, 4)
    throw new Error('the host gives up')
  })
  await assert.rejects(failed, /the host gives up/)
  assert.equal((await openAll(licensing)).length, 2)
})
