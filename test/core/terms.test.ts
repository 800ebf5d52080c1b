import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type Decision, type Facts, type Limits } from '../../src/core/index.ts'
import { claimsOf, payloadText } from '../support/tokens.ts'
import {
  codeOf,
  day,
  installation,
  newShop,
  newWorld,
  refusalOf,
  start,
  tokenOf,
} from '../support/fixtures.ts'

/** Names that every object has, or that engines put in an order of their own. */
const odd = JSON.parse('{"projects":5,"__proto__":1,"constructor":2,"10":3,"9":0}') as Limits
const names = ['9', '10', '__proto__', 'constructor', 'projects']

function entriesOf(limits: Limits): string {
  return JSON.stringify(Object.entries(limits))
}

test('licenses.create(): the token claims the tier’s limits, overridden name by name by the custom ones', async () => {
  const { licensing, issue } = await newShop()
  await licensing.tiers.update('desktop-app', 'pro', { limits: { seats: 3, projects: 5 } })
  const customLimits = { zones: 9_007_199_254_740_991, projects: 0 }
  const license = await issue({ customLimits, updatesUntil: new Date((start + day) * 1000 + 999) })
  const limits = { projects: 0, seats: 3, zones: 9_007_199_254_740_991 }
  assert.deepEqual(license.limits, limits)
  assert.deepEqual(license.customLimits, customLimits)
  const { limits: claimed, updates_until: until } = claimsOf(tokenOf(license))
  assert.deepEqual([claimed, until], [limits, start + day])
  assert.equal(entriesOf(license.limits), entriesOf(limits))
})

test('licenses.create(): a token without terms has no claims for them', async () => {
  const { issue } = await newShop()
  const license = await issue({ customLimits: {}, updatesUntil: null })
  assert.deepEqual([license.limits, license.customLimits, license.updatesUntil], [{}, {}, null])
  assert.doesNotMatch(payloadText(tokenOf(license)), /limits|updates_until/)
})

test('limits: names like __proto__, constructor and 10 are names like others, everywhere', async () => {
  const { licensing, issue } = await newShop()
  const { tiers, licenses, verification } = licensing
  assert.deepEqual(Object.keys((await tiers.update('desktop-app', 'pro', { limits: odd })).limits), names)
  assert.deepEqual(Object.keys((await tiers.get('desktop-app', 'pro')).limits), names)
  const license = await issue({ customLimits: JSON.parse('{"__proto__":7}') as Limits })
  const renewed = await licenses.renew('desktop-app', license.id, license.token)
  assert.equal(
    await licensing.licenses.regenerateAll('desktop-app').then((done) => done.licensesRegenerated),
    1,
  )
  const read = await licenses.get('desktop-app', license.id, { include: 'token' })
  const { installationId } = license
  const verified = await verification.verify('desktop-app', { installationId })
  const judged = await verification.verifyToken('desktop-app', read.token)
  const claimed = claimsOf(tokenOf(read)).limits as Limits
  for (const limits of [
    license.limits,
    renewed.limits,
    read.limits,
    verified.limits,
    judged.limits!,
    claimed,
  ])
    assert.equal(entriesOf(limits), '[["9",0],["10",3],["__proto__",7],["constructor",2],["projects",5]]')
})

test('tiers.update(): a change of the limits reaches a license when it is regenerated, in each way', async () => {
  const { licensing, issue } = await newShop()
  const { tiers, licenses } = licensing
  const [one, two, three, four] = [await issue(), await issue(), await issue(), await issue()]
  const before = { projects: 1 }
  await tiers.update('desktop-app', 'pro', { limits: before })
  assert.deepEqual((await licenses.get('desktop-app', one.id)).limits, {})
  const after = [
    await licenses.regenerate('desktop-app', one.id),
    await licenses.renew('desktop-app', two.id, two.token),
    await licenses.update('desktop-app', three.id, { durationDays: 60 }),
  ]
  await licenses.regenerateAll('desktop-app')
  after.push(await licenses.get('desktop-app', four.id, { include: 'token' }))
  for (const license of after) {
    assert.deepEqual(license.limits, before)
    assert.deepEqual(claimsOf(tokenOf(license)).limits, before)
  }
  assert.deepEqual((await tiers.update('desktop-app', 'pro', { name: 'Professional' })).limits, before)
  assert.deepEqual((await tiers.update('desktop-app', 'pro', { limits: null })).limits, {})
})

test('licenses.update(): a changed term is a regeneration, and the same terms in another order change nothing', async () => {
  const { licensing, issue } = await newShop()
  const { licenses } = licensing
  const { id, jti } = await issue({ customLimits: { b: 2, a: 1 }, updatesUntil: start })
  const same = await licenses.update('desktop-app', id, { customLimits: { a: 1, b: 2 }, updatesUntil: start })
  assert.equal(same.jti, jti)
  const changed = await licenses.update('desktop-app', id, { customLimits: { a: 1 } })
  assert.deepEqual([changed.limits, changed.updatesUntil], [{ a: 1 }, start])
  const moved = await licenses.update('desktop-app', id, { updatesUntil: start + 1 })
  assert.deepEqual([moved.limits, moved.updatesUntil], [{ a: 1 }, start + 1])
  const cleared = await licenses.update('desktop-app', id, { customLimits: null, updatesUntil: null })
  assert.deepEqual([cleared.limits, cleared.customLimits, cleared.updatesUntil], [{}, {}, null])
  assert.equal(new Set([jti, changed.jti, moved.jti, cleared.jti]).size, 4)
  await licenses.revoke('desktop-app', id)
  for (const change of [{ customLimits: { a: 2 } }, { updatesUntil: 0 }])
    assert.equal(await codeOf(licenses.update('desktop-app', id, change)), 'license_revoked')
})

test('limits: take at most 20 slugs, each with an integer from 0 to 2^53 - 1, and name the rule otherwise', async () => {
  const { licensing, issue } = await newShop()
  const many = (count: number): Limits =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`limit_${at}`, at]))
  assert.equal(Object.keys((await issue({ customLimits: many(20) })).limits).length, 20)
  const bad: readonly unknown[] = [
    ...[many(21), { Projects: 1 }, { 'a-b': 1 }, { '': 1 }, { ['x'.repeat(64)]: 1 }, { toString: 1 }],
    ...[{ lic_01h455vb4pex5vsknk084sn02q: 1 }, [], [1], 'projects', 5, new Map([['a', 1]]), new Date()],
    ...[-1, 1.5, 2 ** 53, NaN, Infinity, '5', null, true, {}].map((value) => ({ projects: value })),
  ]
  for (const limits of bad as readonly Limits[]) {
    const tier = { name: 'Max', slug: 'max', limits }
    const calls = [
      ['customLimits', issue({ customLimits: limits })],
      ['limits', licensing.tiers.create('desktop-app', tier)],
      ['limits', licensing.tiers.update('desktop-app', 'pro', { limits })],
    ] as const
    for (const [field, call] of calls) {
      const { code, details } = await refusalOf(call)
      assert.equal(code, 'validation_error')
      const [rule = ''] = details?.[field] ?? []
      assert.match(rule, /^must /, JSON.stringify(limits))
    }
  }
  for (const updatesUntil of [
    -1,
    1.5,
    '2027-03-01',
    new Date(NaN),
    253_402_300_800,
  ] as unknown as readonly never[])
    assert.equal(await codeOf(issue({ updatesUntil })), 'validation_error')
  assert.equal((await issue({ updatesUntil: 0 })).updatesUntil, 0)
})

test('licensing.ensure(): brings the limits of tiers to what is said, and writes nothing if they are so', async () => {
  const { licensing, clock } = await newWorld()
  const ensure = (limits?: Limits): Promise<unknown> =>
    licensing.ensure({
      app: { name: 'My Desktop App', slug: 'desktop-app' },
      tiers: [{ name: 'Pro', slug: 'pro', ...(limits !== undefined && { limits }) }],
    })
  const tier = () => licensing.tiers.get('desktop-app', 'pro')
  await ensure({ b: 2, a: 1 })
  assert.deepEqual((await tier()).limits, { a: 1, b: 2 })
  clock.seconds += day
  for (const same of [{ a: 1, b: 2 }, { b: 2, a: 1 }, undefined]) await ensure(same)
  assert.deepEqual([(await tier()).limits, (await tier()).updatedAt], [{ a: 1, b: 2 }, start])
  await ensure({})
  assert.deepEqual([(await tier()).limits, (await tier()).updatedAt], [{}, start + day])
})

test('verification: a version after the end of the updates is not covered, by token, record and release date alone', async () => {
  const { licensing, issue } = await newShop()
  const until = start + 37 * day
  const { id, installationId, token } = await issue({ updatesUntil: until, durationDays: 400 })
  const judge = (releasedAt: number | Date, shown = token) =>
    licensing.verification.verifyToken('desktop-app', shown, { releasedAt })
  const codeAt = async (...given: Parameters<typeof judge>): Promise<unknown> => (await judge(...given)).code
  assert.deepEqual([await codeAt(until), await codeAt(until + 1)], [null, 'version_not_covered'])
  const refused = await judge(new Date((start + 137 * day) * 1000))
  const reason =
    'This license covers versions released until 1 March 2026; this one was released on 9 June 2026. Versions until then go on working.'
  assert.deepEqual([refused.valid, refused.status, refused.reason], [false, 'active', reason])
  const plain = await licensing.verification.verifyToken('desktop-app', token)
  const byRecord = await licensing.verification.verify('desktop-app', { installationId })
  for (const { valid, updatesUntil } of [plain, byRecord])
    assert.deepEqual([valid, updatesUntil], [true, until])
  // An earlier token does not cover more than the license does now, and the other way round.
  const shorter = await licensing.licenses.update('desktop-app', id, { updatesUntil: start })
  assert.equal(await codeAt(until), 'version_not_covered')
  await licensing.licenses.update('desktop-app', id, { updatesUntil: null })
  assert.deepEqual([await codeAt(until), await codeAt(until, shorter.token)], [null, 'version_not_covered'])
  // A renewal goes on, because it brings the news that the license covers more again.
  assert.equal(await codeOf(licensing.licenses.renew('desktop-app', id, shorter.token)), 'ok')
  for (const releasedAt of ['2027-03-01', -1, 1.5, new Date(NaN)] as unknown as readonly never[])
    assert.equal(await codeOf(judge(releasedAt)), 'validation_error')
})

test('decide(): tells every other trouble before a version that is not covered', () => {
  const now = start
  const license = { expiresAt: null, revokedAt: null, minRevision: 1, updatesUntil: now }
  const late = { releasedAt: now + 1, now }
  const token = { iat: now, updates_until: now }
  const cases: readonly (readonly [Facts, Decision['code'], Decision['action']])[] = [
    [{ ...late, license }, 'version_not_covered', 'renew'],
    [{ ...late, token }, 'version_not_covered', 'renew'],
    [{ ...late, token, license: { ...license, updatesUntil: null } }, 'version_not_covered', 'renew'],
    [{ ...late, token: { iat: now }, license }, 'version_not_covered', 'renew'],
    [{ ...late, token: { iat: now }, license: { ...license, updatesUntil: null } }, null, 'none'],
    [
      { ...late, token: { iat: now }, license: { expiresAt: null, revokedAt: null, minRevision: 1 } },
      null,
      'none',
    ],
    [{ ...late, releasedAt: now, token, license }, null, 'none'],
    [{ now, token, license }, null, 'none'],
    [{ ...late, token: { ...token, exp: now } }, 'token_expired', 'renew'],
    [{ ...late, token: { ...token, iat: now + day } }, 'invalid_token', 'check_clock'],
    [{ ...late, token, seenAt: now + day }, 'invalid_token', 'check_clock'],
    [{ ...late, license, revision: 0 }, 'invalid_token', 'contact'],
    [{ ...late, license: { ...license, revokedAt: now } }, 'license_revoked', 'contact'],
    [{ ...late, license: { ...license, expiresAt: now } }, 'token_expired', 'renew'],
  ]
  for (const [facts, code, action] of cases) {
    const decision = decide(facts)
    assert.deepEqual([decision.code, decision.action], [code, action], JSON.stringify(facts))
    assert.equal(decision.valid, code === null)
  }
  assert.throws(() => decide({ now, token, releasedAt: new Date(NaN) }), TypeError)
})

test('licenses.get(): everybody who may read a license sees its terms', async () => {
  const { licensing, issue, clock: _clock } = await newShop()
  const { id } = await issue({
    customLimits: { projects: 5 },
    updatesUntil: start,
    installationId: installation(9),
  })
  const { secret } = await licensing.apiKeys.create({ name: 'Reader', type: 'pk' })
  const key = (await licensing.apiKeys.authenticate(secret))!
  const read = await licensing.restrictedTo(key).licenses.get('desktop-app', id)
  assert.deepEqual(
    [read.limits, read.customLimits, read.updatesUntil],
    [{ projects: 5 }, { projects: 5 }, start],
  )
})
