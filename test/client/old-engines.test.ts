import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient } from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { beforeLimits, createGate, openLicensedClient, withShortWaits } from './fixtures.ts'
import { FakeServer } from './fake-server.ts'
import { lifecycleCases } from './lifecycle-cases.ts'
import { runCase } from './test-program.ts'

const day = 86_400

/** Takes away what an engine of 2022 lacks, for as long as `work` runs. */
async function inOldEngine<T>(work: () => Promise<T>): Promise<T> {
  const newer = [
    [AbortSignal, 'any'],
    [AbortSignal, 'timeout'],
    [AbortSignal.prototype, 'throwIfAborted'],
  ] as const
  const kept = newer.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name)!)
  for (const [owner, name] of newer) Reflect.deleteProperty(owner, name)
  try {
    assert.ok(!('any' in AbortSignal) && !('timeout' in AbortSignal))
    return await work()
  } finally {
    for (const [at, [owner, name]] of newer.entries()) Object.defineProperty(owner, name, kept[at]!)
  }
}

for (const lifecycleCase of lifecycleCases)
  test(`without AbortSignal.any and .timeout: ${lifecycleCase.name}`, async () => {
    const { expected, observed } = await inOldEngine(() => runCase(lifecycleCase, new FakeServer()))
    assert.deepEqual(observed, expected)
  })

const forever = new Promise<Response>(() => undefined)

test('refresh(): ends after ten seconds, and at close(), without AbortSignal.any', async () => {
  for (const closes of [false, true]) {
    const asked = createGate()
    const fetch = (): Promise<Response> => {
      asked.open()
      return forever
    }
    const { client } = await openLicensedClient({ fetch, background: false })
    const refresh = (): Promise<void> =>
      inOldEngine(async () => {
        const asking = client.refresh()
        await asked.opened
        if (closes) client.close()
        assert.equal((await asking).lastAttempt?.outcome ?? null, closes ? null : 'unreachable')
      })
    if (closes) await beforeLimits(refresh())
    else assert.equal(await withShortWaits(10_000, refresh), 1)
  }
})

test('createLicenseClient(): names crypto.subtle if a page over http lacks it', async () => {
  const options = await (await createTestServer()).clientOptions()
  Object.defineProperty(globalThis.crypto, 'subtle', { value: undefined, configurable: true })
  try {
    await assert.rejects(
      createLicenseClient(options),
      (error: unknown) => error instanceof TypeError && /crypto\.subtle .*https/.test(error.message),
    )
  } finally {
    Reflect.deleteProperty(globalThis.crypto, 'subtle')
  }
  assert.equal((await createLicenseClient(options)).license.state, 'invalid')
})

test('createLicenseClient(): an error in the background rejects nothing, and the next run is scheduled', async () => {
  const runs: (() => Promise<void>)[] = []
  const schedule = (work: () => Promise<void>): (() => void) => {
    runs.push(work)
    return () => undefined
  }
  let isBroken = false
  const broken = (): number => {
    if (isBroken) throw new Error('no clock')
    return Date.UTC(2026, 0, 23, 10)
  }
  let changed = (): void => undefined
  const store = {
    read: async () => null,
    write: async () => undefined,
    watch: (listener: () => void) => {
      changed = listener
      return () => undefined
    },
  }
  const rejections: unknown[] = []
  const note = (reason: unknown): unknown => rejections.push(reason)
  process.on('unhandledRejection', note)
  await openLicensedClient({ schedule, now: broken, store })
  isBroken = true
  await runs.at(-1)!()
  changed()
  const scheduled = runs.length
  const throwing = (): never => {
    throw new Error('no timers')
  }
  runs.push = throwing
  await runs.at(-1)!()
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', note)
  assert.deepEqual([scheduled, rejections], [2, []])
})

test('createLicenseClient(): refreshes in the background without AbortSignal.any', async () => {
  const { server, client } = await openLicensedClient()
  await inOldEngine(() => server.clock.advance(2 * day))
  assert.equal(client.license.lastAttempt?.outcome, 'refreshed')
})
