import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, memoryStore, type ClientState } from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { createLicenseClient as createClientOf010 } from '../vectors/own/client-0.1.0.js'
import { FakeServer } from './fake-server.ts'
import { countRenewals } from './fixtures.ts'
import type { LifecycleCase, Observation } from './lifecycle-case.ts'
import { lifecycleCases, nextKey } from './lifecycle-cases.ts'
import { runCase, type CreateClient } from './test-program.ts'

const day = 86_400

/** The versions that a program starts with, in turn. */
const programs = {
  '0.1.0': [createClientOf010],
  'of 0.1.0, then of this version, in turn': [createClientOf010, createLicenseClient],
  'of this version, then of 0.1.0, in turn': [createLicenseClient, createClientOf010],
} satisfies Record<string, readonly CreateClient[]>

const renew: Observation = ['expired renew', 'ok', 'clock']
const checkClock: Observation = ['expired check_clock', 'ok', 'clock']

/**
 * The steps at which 0.1.0 promises something else, by their number. All have one reason: 0.1.0 takes a clock that once ran
 * past the license's end for the end of the license. It advises to renew, and a newer token entered by hand does not help.
 */
const changed: Readonly<
  Record<keyof typeof programs, Readonly<Record<string, Readonly<Record<number, Observation>>>>>
> = {
  '0.1.0': {
    'license.state: stays expired when the clock is set back': { 1: ['expired renew', 'token_expired'] },
    'license.state: expired with a clock beyond the end, until it is right and a refresh succeeds': {
      1: renew,
    },
    'license.state: check_clock without a server after 20 years ahead, until a newer token is entered': {
      1: renew,
      2: renew,
      3: renew,
      4: renew,
    },
  },
  'of 0.1.0, then of this version, in turn': {
    'license.state: check_clock without a server after 20 years ahead, until a newer token is entered': {
      1: renew,
      2: renew,
      // The token was entered in 0.1.0's program. It helps as soon as it is entered in this version's.
      3: renew,
      4: checkClock,
    },
  },
  'of this version, then of 0.1.0, in turn': {
    'license.state: stays expired when the clock is set back': { 1: ['expired renew', 'token_expired'] },
    'license.state: expired with a clock beyond the end, until it is right and a refresh succeeds': {
      1: renew,
    },
  },
}

/** The case with the observations that the program promises. */
function caseOf(program: keyof typeof programs, { steps, ...others }: LifecycleCase): LifecycleCase {
  const { [others.name]: differing = {} } = changed[program]
  return { ...others, steps: steps.map(([step, expected], at) => [step, differing[at] ?? expected]) }
}

for (const program of Object.keys(programs) as (keyof typeof programs)[]) {
  for (const lifecycleCase of lifecycleCases)
    test(`client ${program}: ${lifecycleCase.name}`, async () => {
      const { expected, observed } = await runCase(
        caseOf(program, lifecycleCase),
        new FakeServer(),
        programs[program],
      )
      assert.deepEqual(observed, expected)
    })
  test(`client ${program}: every case with another promise is in the table`, () => {
    const names = lifecycleCases.map(({ name }) => name)
    assert.deepEqual(
      Object.keys(changed[program]).filter((name) => !names.includes(name)),
      [],
    )
  })
}

const versions = [
  ['0.1.0', createClientOf010, 'this version', createLicenseClient],
  ['this version', createLicenseClient, '0.1.0', createClientOf010],
] as const

/** Two clients that run at once on one store. Only the first is given the token. */
async function openBoth(createOne: CreateClient, createOther: CreateClient, background = false) {
  const server = await createTestServer()
  const { id, token } = await server.issue({ forever: true })
  const refreshKeys = { from: 'jwks.json', pin: [nextKey] } as const
  const options = { ...(await server.clientOptions()), store: memoryStore(), background, refreshKeys }
  const one = await createOne(options)
  await one.setToken(token)
  return { server, id, options, one, other: await createOther(options) }
}

for (const [writer, createOne, reader, createOther] of versions) {
  test(`a store shared at once: ${reader} reads each refresh, new key and refusal that ${writer} wrote`, async () => {
    const { server, id, one, other } = await openBoth(createOne, createOther)
    const expectSame = async (state: ClientState): Promise<void> => {
      await one.refresh()
      server.fail('outage')
      await other.check()
      server.recover()
      assert.deepEqual([one.license.state, other.license.state], [state, state])
      assert.equal(other.license.claims?.jti, one.license.claims?.jti)
      assert.deepEqual(other.license.lastAttempt, one.license.lastAttempt)
      assert.equal(other.license.store, 'kept')
    }
    await expectSame('active')
    await server.clock.advance(3 * day)
    await expectSame('active')
    await server.rotateKeys({ gracePeriodDays: 30 })
    await server.clock.advance(3 * day)
    await expectSame('active')
    await server.licensing.licenses.revoke(server.app, id)
    await expectSame('revoked')
    await server.licensing.licenses.reinstate(server.app, id)
    const { token } = await server.licensing.licenses.regenerate(server.app, id)
    await one.setToken(token!)
    await expectSame('active')
    await one.clear()
    assert.equal((await other.check()).state, 'invalid')
  })

  test(`a store shared at once: ${writer} and ${reader} take turns, over restarts without a server`, async () => {
    const { server, options, one, other } = await openBoth(createOne, createOther)
    for (let round = 0; round < 4; round++) {
      await server.clock.advance(2 * day)
      const renewed = await (round % 2 === 0 ? one : other).refresh()
      assert.equal(renewed.lastAttempt?.outcome, 'refreshed')
      server.fail('outage')
      for (const create of [createOne, createOther]) {
        const client = await create(options)
        const { state, claims } = client.license
        assert.deepEqual([state, claims?.jti], ['active', renewed.claims?.jti])
        client.close()
      }
      server.recover()
    }
  })
}

test('a store shared at once: two versions in the background request one renewal a day', async () => {
  const { server, id, one, other } = await openBoth(createClientOf010, createLicenseClient, true)
  for (let at = 0; at < 20; at++) {
    await server.clock.advance(day)
    assert.deepEqual([one.license.state, other.license.state], ['active', 'active'])
  }
  const renewals = countRenewals(server)
  assert.ok(renewals >= 19 && renewals <= 25, `${renewals} renewals in 20 days`)
  await server.licensing.licenses.revoke(server.app, id)
  await server.clock.advance(day)
  assert.deepEqual([one.license.state, other.license.state], ['revoked', 'revoked'])
})
