import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, type ClientLicense, type LicenseClientOptions } from '../../src/client/index.ts'
import type { Limits } from '../../src/core/index.ts'
import { createTestServer, type TestLicense, type TestServer } from '../../src/testing/server.ts'
import { createLicenseClient as createClientOf010 } from '../vectors/own/client-0.1.0.js'

const day = 86_400
const march = Date.UTC(2026, 2, 1) / 1000
const sentence =
  'This license covers versions released until 1 March 2026; this one was released on 9 June 2026. Versions until then go on working.'

/** A server with a license, and a client that holds its token and makes no request by itself. */
async function open(license: TestLicense, options: Partial<LicenseClientOptions> = {}, limits: Limits = {}) {
  const server = await createTestServer({ features: ['webhooks'], limits })
  const issued = await server.issue(license)
  const given = { ...(await server.clientOptions()), token: issued.token, background: false, ...options }
  const client = await createLicenseClient(given)
  return { server, client, given, ...issued }
}

async function later(server: TestServer, client: { check(): Promise<ClientLicense> }, days: number) {
  await server.clock.advance(days * day)
  return client.check()
}

test('license.limit(): gives the number of a name, also zero, and undefined where the license says nothing', async () => {
  const limits = JSON.parse('{"__proto__":1,"constructor":2,"10":3,"projects":5}') as Limits
  const customLimits = { projects: 0, exports: 9_007_199_254_740_991 }
  const { client } = await open({ customLimits }, {}, limits)
  const { license } = client
  const names = ['__proto__', 'constructor', '10', 'projects', 'exports', 'toString', 'seats', '']
  const numbers = [1, 2, 3, 0, 9_007_199_254_740_991, undefined, undefined, undefined]
  assert.deepEqual(
    names.map((name) => license.limit(name)),
    numbers,
  )
  const { client: without } = await open({})
  assert.deepEqual(
    [without.license.limit('projects'), without.license.limit('__proto__')],
    [undefined, undefined],
  )
})

test('license.limit(): stays in a blocked program, because no answer could be taken for no limit', async () => {
  const { server, client } = await open({ durationDays: 30, customLimits: { projects: 5 } })
  const { verdict, limit } = await later(server, client, 60)
  assert.deepEqual([verdict, limit('projects')], ['block', 5])
  assert.equal((await client.clear()).limit('projects'), undefined)
})

test('license.limit(): a renewal brings the limits of now', async () => {
  const { server, client } = await open({}, {}, { projects: 5 })
  await server.licensing.tiers.update(server.app, 'pro', { limits: { projects: 10 } })
  assert.equal(client.license.limit('projects'), 5)
  assert.equal((await client.refresh()).limit('projects'), 10)
})

test('license.state: uncovered for a version that was released after the end of the updates, and active up to it', async () => {
  const terms = { forever: true, updatesUntil: march }
  const { license } = (await open(terms, { releasedAt: '2026-06-09' })).client
  const { state, verdict, code, action, reason, changesAt, expiresAt, features } = license
  assert.deepEqual([state, verdict, code, action], ['uncovered', 'block', 'version_not_covered', 'renew'])
  assert.deepEqual([reason, changesAt, expiresAt, features], [sentence, null, null, []])
  assert.equal(license.has('webhooks'), false)
  const covered = [
    '2026-03-01',
    '2026-03-01T00:00:00Z',
    '2026-03-01T01:00:00+01:00',
    '2026-02-28T23:59:59.9Z',
  ]
  for (const releasedAt of [...covered, undefined])
    assert.equal(
      (await open(terms, releasedAt === undefined ? {} : { releasedAt })).client.license.state,
      'active',
    )
  for (const releasedAt of ['2026-03-02', '2026-03-01T00:00:01Z'])
    assert.equal((await open(terms, { releasedAt })).client.license.state, 'uncovered')
  assert.equal((await open({ forever: true }, { releasedAt: '2099-01-01' })).client.license.state, 'active')
})

test('license.state: uncovered until the vendor sells more updates, which a renewal brings', async () => {
  const { server, client, id } = await open(
    { forever: true, updatesUntil: march },
    { releasedAt: '2026-06-09' },
  )
  const heard: string[] = []
  client.on('change', ({ state }) => heard.push(state))
  await server.licensing.licenses.update(server.app, id, { updatesUntil: march + 365 * day })
  assert.equal((await client.refresh()).state, 'active')
  await server.licensing.licenses.update(server.app, id, { updatesUntil: march })
  assert.equal((await client.refresh()).state, 'uncovered')
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await client.refresh()).state, 'revoked')
  assert.deepEqual(heard, ['active', 'uncovered', 'revoked'])
})

test('license.state: uncovered gets no days of grace and no wrong clock, and expired follows it', async () => {
  const { server, client } = await open(
    { durationDays: 30, updatesUntil: march },
    { releasedAt: '2026-06-09', maxOfflineDays: 20, graceDays: 7 },
  )
  const { changesAt, claims } = client.license
  assert.equal(changesAt, claims!.iat + 27 * day)
  for (const days of [21, 5]) assert.equal((await later(server, client, days)).state, 'uncovered')
  server.clock.skewProgram(-20 * day)
  assert.equal((await client.check()).state, 'uncovered')
  server.clock.skewProgram(0)
  const { state, action } = await later(server, client, 1)
  assert.deepEqual([state, action], ['expired', 'refresh'])
})

test('license.state: uncovered beats a clock that is set back, whose verdict is a warning', async () => {
  const terms = { forever: true, updatesUntil: march }
  for (const [releasedAt, state] of [
    ['2026-03-01', 'clock_suspect'],
    ['2026-03-02', 'uncovered'],
  ] as const) {
    const { server, client } = await open(terms, { releasedAt })
    server.clock.skewProgram(-20 * day)
    assert.equal((await client.check()).state, state)
  }
})

test('policy: a program may decide what uncovered means to it', async () => {
  const terms = { forever: true, updatesUntil: march }
  const { client } = await open(terms, { releasedAt: '2026-06-09', policy: { uncovered: 'warn' } })
  assert.deepEqual([client.license.state, client.license.verdict], ['uncovered', 'warn'])
  assert.equal(client.license.has('webhooks'), true)
})

test('license.has(): updates_until and limits never change it, in any state of a license', async () => {
  const terms: readonly TestLicense[] = [
    {},
    { customLimits: { webhooks: 0, sso: 1 } },
    { updatesUntil: march - 400 * day },
    { updatesUntil: march, customLimits: { webhooks: 0 } },
  ]
  const seen = await Promise.all(
    terms.map(async (each) => {
      const { server, client } = await open({ durationDays: 30, customFeatures: ['sso'], ...each })
      const shown: unknown[] = []
      for (const days of [0, 2, 20, 10, 5, 10]) {
        const license = await later(server, client, days)
        shown.push([license.state, ...['webhooks', 'sso', 'other'].map((feature) => license.has(feature))])
      }
      return JSON.stringify(shown)
    }),
  )
  assert.equal(new Set(seen).size, 1)
  assert.match(seen[0]!, /"active",true,true,false.*"grace",true.*"expired",false,false,false/)
})

test('a client of 0.1.0: takes no token with terms, because it knows ten claims alone, and goes on with its own', async () => {
  const { server, given, id } = await open({ durationDays: 30 })
  const old = await createClientOf010(given)
  await server.licensing.licenses.update(server.app, id, { updatesUntil: march })
  const { state, lastAttempt, has } = await old.refresh()
  assert.deepEqual([state, lastAttempt?.outcome, has('webhooks')], ['active', 'unreachable', true])
  await server.licensing.licenses.update(server.app, id, { updatesUntil: null })
  assert.equal((await old.refresh()).lastAttempt?.outcome, 'refreshed')
})
