import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Catalogue, Licensing, Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, newWorld, risingIds, type World } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const slug = 'desktop-app'
const app = { name: 'My Desktop App', slug }
const catalogue: Catalogue = {
  app,
  features: [{ name: 'Export to PDF', slug: 'pdf_export' }],
  tiers: [
    { name: 'Basic', slug: 'basic', features: [] },
    { name: 'Pro', slug: 'pro', features: ['pdf_export', 'sync'] },
  ],
}

/** Everything that a catalogue can say, as it is stored, with ids and times. */
async function stateOf({ storage }: World): Promise<object> {
  const record = await storage.findApp(slug)
  const page = { limit: 100, offset: 0 }
  const tiers = await storage.listTiers(record!.id, page)
  const features = await storage.listFeatures(record!.id, page)
  return { app: record, tiers, features, keys: await storage.listSigningKeys(record!.id) }
}

async function saidOf({ licensing }: World): Promise<readonly unknown[]> {
  const tiers = (await licensing.tiers.list(slug)).data
  const features = (await licensing.features.list(slug)).data
  return [
    tiers.map((tier) => [tier.slug, tier.name, tier.position, tier.features.join(' ')].join('|')),
    features.map((feature) => `${feature.slug}|${feature.name}`).toSorted(),
  ]
}

/** The names of the verbs that have written. */
function withWrites(storage: Storage): { readonly storage: Storage; readonly writes: string[] } {
  const writes: string[] = []
  const watched = new Proxy(storage, {
    get: (target, name) => {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function' || typeof name === 'symbol') return verb
      return (...given: readonly unknown[]) => {
        if (!/^(?:find|list|count)/.test(name)) writes.push(name)
        return verb.call(target, ...given) as unknown
      }
    },
  })
  return { storage: watched, writes }
}

function proWith(...features: readonly string[]): Catalogue {
  return { app, tiers: [{ name: 'Pro', slug: 'pro', features }] }
}

const cases: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'makes what is missing, and writes nothing when all is so': async (world) => {
    const made = await world.licensing.ensure(catalogue)
    assert.deepEqual(await world.licensing.apps.get(slug), made)
    assert.deepEqual(await saidOf(world), [
      ['basic|Basic|0|', 'pro|Pro|1|pdf_export sync'],
      ['pdf_export|Export to PDF', 'sync|sync'],
    ])
    const before = await stateOf(world)
    world.clock.seconds += 100
    const { storage, writes } = withWrites(world.storage)
    const { licensing } = await newWorld({ storage, newKeyPair: () => assert.fail('no key pair is needed') })
    writes.length = 0
    assert.deepEqual(await licensing.ensure(catalogue), made)
    assert.deepEqual(writes, [])
    assert.deepEqual(await stateOf(world), before)
  },

  'brings names, descriptions, order and tier features to what is said, and deletes nothing': async (
    world,
  ) => {
    const { licensing } = world
    await licensing.ensure(catalogue)
    await licensing.tiers.create(slug, { name: 'Team', slug: 'team', features: ['sync'], position: 9 })
    const changed = await licensing.ensure({
      app: { ...app, name: 'Renamed', description: 'For all' },
      features: [{ name: 'Sync', slug: 'sync', description: 'Between machines' }],
      tiers: [
        { name: 'Professional', slug: 'pro', features: ['sync', 'api', 'pdf_export'] },
        { name: 'Basic', slug: 'basic' },
      ],
    })
    assert.deepEqual([changed.name, changed.description], ['Renamed', 'For all'])
    assert.deepEqual(await saidOf(world), [
      ['pro|Professional|0|sync api pdf_export', 'basic|Basic|1|', 'team|Team|9|sync'],
      ['api|api', 'pdf_export|Export to PDF', 'sync|Sync'],
    ])
    await licensing.ensure({ app, tiers: [{ name: 'Pro', slug: 'pro', features: ['sync'] }] })
    assert.equal((await licensing.apps.get(slug)).description, 'For all', 'an absent field stays')
    assert.deepEqual(await saidOf(world), [
      ['pro|Pro|0|sync', 'basic|Basic|1|', 'team|Team|9|sync'],
      ['api|api', 'pdf_export|Export to PDF', 'sync|Sync'],
    ])
  },

  'a mistake in the catalogue is refused by its place, and nothing is written': async (world) => {
    const { licensing } = world
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ app: { ...app, slug: 'My App' } }, 'app.slug'],
      [{ app, features: [{ name: '', slug: 'sync' }] }, 'features.0.name'],
      [{ app, tiers: [catalogue.tiers![0], { name: 'Pro', slug: 'pro', feature: [] }] }, 'tiers.1.feature'],
      [{ app, tiers: [catalogue.tiers![0], catalogue.tiers![0]] }, 'tiers'],
      [{ app, tiers: 'pro' }, 'tiers'],
      [{ app, tier: [] }, 'tier'],
      [{}, 'app'],
    ]
    for (const [given, field] of wrong) {
      const call = licensing.ensure(given as Catalogue)
      await assert.rejects(call, (error: { code: string; details?: object }) => {
        assert.equal(error.code, 'validation_error')
        assert.deepEqual(Object.keys(error.details ?? {}), [field])
        return true
      })
    }
    assert.equal((await licensing.apps.list()).total, 0)
  },

  'of 8 concurrent calls of two servers one makes the app, and all answer it': async (world) => {
    const other = await newWorld({
      storage: world.storage,
      newId: risingIds(5_000),
      newKeyPair: async () => testKeyPairs[3]!,
    })
    const calls = Array.from({ length: 8 }, (_, at) =>
      (at % 2 === 0 ? world : other).licensing.ensure(catalogue),
    )
    const apps = await Promise.all(calls)
    assert.equal(new Set(apps.map(({ id, publicKeyPem }) => `${id} ${publicKeyPem}`)).size, 1)
    assert.equal((await world.licensing.apps.list()).total, 1)
    const two: Catalogue = { app, tiers: [{ name: 'Pro', slug: 'pro', features: ['a', 'b', 'c'] }] }
    const changes = [world, other].flatMap(({ licensing }) => [licensing.ensure(two), licensing.ensure(two)])
    await Promise.all(changes)
    assert.equal((await world.licensing.tiers.get(slug, 'pro')).features.join(' '), 'a b c')
  },

  'a change by another server between the plan and the lock is planned for anew': async (world) => {
    await world.licensing.ensure(proWith('a'))
    let isFirst = true
    const late: Storage = Object.create(world.storage)
    late.transaction = async (work) => {
      if (isFirst) await world.licensing.ensure(proWith('b', 'a'))
      isFirst = false
      return world.storage.transaction(work)
    }
    const { licensing } = await newWorld({ storage: late, newId: risingIds(5_000) })
    await licensing.ensure(proWith('a', 'b'))
    assert.equal((await licensing.tiers.get(slug, 'pro')).features.join(' '), 'a b')
  },

  'a server waits for the lock of another, and the catalogue of the last holds whole': async (world) => {
    await world.licensing.ensure(proWith('a'))
    let other: Promise<unknown> | undefined
    const slow: Storage = Object.create(world.storage)
    slow.transaction = (work) =>
      world.storage.transaction((tx) => {
        const findTier: Storage['findTier'] = async (...given) => {
          const found = await tx.findTier(...given)
          other ??= world.licensing.ensure(proWith('b', 'a'))
          // Without the lock the other one ends here.
          await Promise.race([other, new Promise((resolve) => setTimeout(resolve, 200))])
          return found
        }
        return work(Object.assign(Object.create(tx), { findTier }))
      })
    const { licensing } = await newWorld({ storage: slow, newId: risingIds(5_000) })
    await licensing.ensure(proWith('a', 'b'))
    await other
    assert.equal((await licensing.tiers.get(slug, 'pro')).features.join(' '), 'b a')
  },

  'a replay under an idempotency key resolves to the app, without its secret': async ({ licensing }) => {
    await licensing.ensure(proWith('a'))
    for (const [key, given] of [
      ['changes', proWith('b')],
      ['changes nothing', proWith('b')],
    ] as const) {
      const call = () =>
        licensing.idempotentCall({ key, scope: 's', fingerprint: 'f' }, (each) =>
          (each as Licensing).ensure(given),
        )
      const first = await call()
      assert.deepEqual(await call(), { result: first.result, replayed: true })
      assert.deepEqual(first.result, await licensing.apps.get(slug))
    }
  },

  'runs inside work under a key': async (world) => {
    const key = { key: 'k', scope: 's', fingerprint: 'f' }
    const work = world.licensing.idempotent(key, async (licensing) => {
      await licensing.ensure(catalogue)
      throw new Error('changed its mind')
    })
    await assert.rejects(work, /changed its mind/)
    assert.equal(await codeOf(world.licensing.apps.get(slug)), 'not_found')
    const { result } = await world.licensing.idempotent(key, (licensing) => licensing.ensure(catalogue))
    assert.equal((await world.licensing.apps.get(slug)).id, result.id)
  },
}

async function run(storage: Storage, work: (world: World) => Promise<void>): Promise<void> {
  try {
    await work(await newWorld({ storage }))
  } finally {
    await storage.close()
  }
}

for (const [name, work] of Object.entries(cases)) {
  describe(`ensure(): ${name}`, () => {
    it('in memory', () => run(memoryStorage(), work))

    it('on SQLite', () => withFiles(async (nextFile) => run(await openTarget(nextFile()), work)))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      run(await openTarget(await database!.emptied()), work),
    )
  })
}

it('ensure(): nobody waits inside the transaction of a large catalogue, and no time limit cuts it', async () => {
  const inner = memoryStorage()
  const storage: Storage = Object.create(inner)
  const alone: unknown[] = []
  storage.transaction = (work, options) => {
    alone.push(options?.alone)
    return inner.transaction(work, options)
  }
  const { licensing } = await newWorld({ storage })
  await licensing.ensure({ app })
  await licensing.ensure(catalogue)
  assert.deepEqual(alone, [true, true])
})
