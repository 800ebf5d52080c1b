import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyPair } from '../../src/core/index.ts'
import { keyPairSource, testKeyPairs } from '../support/keys.ts'
import { codeOf, newShop, newWorld, refusalOf, tallyOf, type World } from '../support/fixtures.ts'

/** Counts its calls, hands out the fixed pairs, and takes a given time. */
function countingGenerator(): {
  readonly newKeyPair: () => Promise<KeyPair>
  readonly made: KeyPair[]
  atOnce: number
  milliseconds: number
} {
  const next = keyPairSource()
  let running = 0
  const generator = {
    made: [] as KeyPair[],
    atOnce: 0,
    milliseconds: 1,
    newKeyPair: async () => {
      running++
      generator.atOnce = Math.max(generator.atOnce, running)
      await new Promise((resolve) => setTimeout(resolve, generator.milliseconds))
      running--
      const pair = await next()
      generator.made.push(pair)
      return pair
    },
  }
  return generator
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1))
}

function createApps({ licensing }: World, count: number): readonly Promise<{ publicKeyPem: string }>[] {
  return Array.from({ length: count }, (_, at) => licensing.apps.create({ name: 'App', slug: `app-${at}` }))
}

test('keyPool: makes no pair ahead by default', async () => {
  const generator = countingGenerator()
  const world = await newWorld({ newKeyPair: generator.newKeyPair })
  await Promise.all(createApps(world, 1))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(generator.made.length, 1)
})

test('keyPool: makes pairs ahead one at a time, hands them out in turn, and refills', async () => {
  const generator = countingGenerator()
  const world = await newWorld({ newKeyPair: generator.newKeyPair, keyPool: 2 })
  await until(() => generator.made.length === 2)
  assert.equal(generator.atOnce, 1)
  const [first, second] = await Promise.all(createApps(world, 2))
  assert.deepEqual(
    [first?.publicKeyPem, second?.publicKeyPem],
    generator.made.slice(0, 2).map(({ publicKeyPem }) => publicKeyPem),
  )
  await until(() => generator.made.length === 4)
  assert.equal(generator.atOnce, 1)
})

test('rotateKeys(): uses a pair that was made after the call', async () => {
  const generator = countingGenerator()
  const world = await newWorld({ newKeyPair: generator.newKeyPair, keyPool: 2 })
  await Promise.all(createApps(world, 1))
  await until(() => generator.made.length >= 3)
  const ahead = [...generator.made]
  const { publicKeyPem } = await world.licensing.rotateKeys('app-0')
  assert.ok(!ahead.some((pair) => pair.publicKeyPem === publicKeyPem))
})

test('apps.create(): serves 20 concurrent calls and makes at most two pairs at a time', async () => {
  const generator = countingGenerator()
  const world = await newWorld({ newKeyPair: generator.newKeyPair, keyPool: 2 })
  assert.deepEqual(await tallyOf(createApps(world, 20)), { ok: 20 })
  assert.ok(generator.atOnce <= 2, `${generator.atOnce} at once`)
})

test('apps.create(): of 100 concurrent calls, those that find the queue full are refused and leave nothing', async () => {
  const generator = countingGenerator()
  const world = await newWorld({ newKeyPair: generator.newKeyPair })
  const { ok = 0, unavailable = 0, ...others } = await tallyOf(createApps(world, 100))
  assert.deepEqual(others, {})
  assert.ok(ok >= 20 && unavailable >= 20, `${ok} made, ${unavailable} refused`)
  assert.equal((await world.licensing.apps.list()).data.length, Math.min(ok, 20))
  assert.equal(await world.storage.countApps({}), ok)
  assert.equal(await codeOf(world.licensing.apps.create({ name: 'App', slug: 'later' })), 'ok')
})

test('keyPool: a generator that fails ahead is tried again, and the next caller gets its error', async () => {
  const generator = countingGenerator()
  let failures = 0
  const newKeyPair = async (): Promise<KeyPair> => {
    if (failures++ < 2) throw new Error('no entropy')
    return generator.newKeyPair()
  }
  const world = await newWorld({ newKeyPair, keyPool: 1 })
  await until(() => failures === 1)
  await assert.rejects(createApps(world, 1)[0]!, /no entropy/)
  assert.deepEqual(await tallyOf(createApps(world, 3)), { ok: 3 })
})

test('apps.create(): a taken slug costs no pair', async () => {
  const generator = countingGenerator()
  const world = await newWorld({ newKeyPair: generator.newKeyPair })
  await Promise.all(createApps(world, 1))
  assert.equal((await refusalOf(createApps(world, 1)[0]!)).code, 'conflict')
  assert.equal(generator.made.length, 1)
})

test('createLicensing(): refuses a keyPool that is no integer of zero or more', async () => {
  for (const keyPool of [-1, 1.5, Number.NaN, Infinity])
    await assert.rejects(newWorld({ keyPool }), /^TypeError: keyPool/)
})

test("licensing.with(): takes a ready key pair only, because a host's transaction must not wait for one", async () => {
  const { licensing, storage } = await newShop()
  const lent = licensing.with(storage)
  const [, keyPair] = testKeyPairs
  const refusal = { name: 'TypeError', message: 'Give a ready keyPair inside a transaction' }
  await assert.rejects(lent.rotateKeys('desktop-app'), refusal)
  await assert.rejects(lent.apps.create({ name: 'n', slug: 'other-app' }), refusal)
  assert.equal((await lent.rotateKeys('desktop-app', {}, keyPair)).publicKeyPem, keyPair!.publicKeyPem)
  assert.equal((await lent.apps.create({ name: 'n', slug: 'x' }, { keyPair: keyPair! })).slug, 'x')
})
