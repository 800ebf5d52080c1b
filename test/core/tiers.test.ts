import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewTier } from '../../src/core/index.ts'
import { codeOf, newShop, newWorld, refusalOf, start, tallyOf, type World } from '../support/fixtures.ts'

async function newApp(): Promise<World> {
  const world = await newWorld()
  await world.licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
  return world
}

const goodSlugs = ['pro', 'tier_1', 'api_access', '_', '0', 'a'.repeat(63)]
const badSlugs = [
  ...['Pro', 'pro-tier', 'tier 1', '', 'pro\n', 'prö', 'pro.', 'a'.repeat(64), 'ｐro', 'pro/..', '%70ro'],
  ...['tier_01kfgt0000e008000000000001', 'lic_01kfgt0000e008000000000001', null, undefined, 5, ['pro']],
]

test('tiers and features: a slug is lowercase letters, digits and underscores, and does not look like an id', async () => {
  const { licensing } = await newApp()
  const { tiers, features } = licensing
  for (const slug of goodSlugs) {
    assert.equal((await tiers.create('desktop-app', { name: 'T', slug })).slug, slug)
    assert.equal((await features.create('desktop-app', { name: 'F', slug })).slug, slug)
  }
  for (const slug of badSlugs as string[])
    for (const call of [
      () => tiers.create('desktop-app', { name: 'T', slug }),
      () => features.create('desktop-app', { name: 'F', slug }),
      () => tiers.addFeature('desktop-app', 'pro', { name: 'F', slug }),
    ]) {
      const error = await refusalOf(call())
      assert.deepEqual(
        [error.code, Object.keys(error.details!)],
        ['validation_error', ['slug']],
        JSON.stringify(slug),
      )
    }
})

test('tiers.create(): keeps the order of its features, and adds missing ones to the catalogue', async () => {
  const { licensing } = await newApp()
  const { tiers, features } = licensing
  await features.create('desktop-app', { name: 'API access', slug: 'api_access', description: 'Calls' })
  const tier = await tiers.create('desktop-app', {
    name: 'Pro',
    slug: 'pro',
    description: null,
    position: 5,
    features: ['webhooks', 'api_access', 'sso'],
  })
  const { id, ...rest } = tier
  assert.match(id, /^tier_/)
  const times = { createdAt: start, updatedAt: start }
  assert.deepEqual(rest, {
    ...{ name: 'Pro', slug: 'pro', description: null, position: 5, ...times },
    features: ['webhooks', 'api_access', 'sso'],
    limits: {},
  })
  assert.deepEqual(await tiers.get('desktop-app', 'pro'), tier)
  assert.deepEqual(await tiers.get('desktop-app', id), tier)
  const named = (await tiers.features('desktop-app', id)).map(({ slug, name }) => [slug, name])
  assert.deepEqual(named, [
    ['webhooks', 'webhooks'],
    ['api_access', 'API access'],
    ['sso', 'sso'],
  ])
  assert.equal((await features.list('desktop-app')).total, 3)
})

test('tiers.list(): orders by position, and a new tier comes last', async () => {
  const { licensing } = await newApp()
  const { create, list, update } = licensing.tiers
  const slugs = async (): Promise<readonly string[]> =>
    (await list('desktop-app')).data.map(({ slug }) => slug)
  await create('desktop-app', { name: 'B', slug: 'b', position: 10 })
  await create('desktop-app', { name: 'A', slug: 'a', position: 3 })
  assert.equal((await create('desktop-app', { name: 'C', slug: 'c' })).position, 11)
  assert.deepEqual(await slugs(), ['a', 'b', 'c'])
  await update('desktop-app', 'c', { position: 0 })
  assert.deepEqual(await slugs(), ['c', 'a', 'b'])
  await create('desktop-app', { name: 'D', slug: 'd', position: 3 })
  assert.deepEqual(await slugs(), ['c', 'a', 'd', 'b'], 'of one position the older first')
})

test('tiers.addFeature(): creates a missing feature, or links the existing one under its own name', async () => {
  const { licensing } = await newShop()
  const { addFeature, features, get } = licensing.tiers
  const first = await addFeature('desktop-app', 'pro', {
    name: 'Webhooks',
    slug: 'webhooks',
    description: 'Events',
  })
  assert.deepEqual([first.added, first.feature.name, first.feature.description], [true, 'Webhooks', 'Events'])
  await licensing.tiers.create('desktop-app', { name: 'Basic', slug: 'basic' })
  const linked = await addFeature('desktop-app', 'basic', { name: 'Other name', slug: 'webhooks' })
  assert.deepEqual(linked, { feature: first.feature, added: true })
  assert.deepEqual(await addFeature('desktop-app', 'basic', { name: 'x', slug: 'webhooks' }), {
    feature: first.feature,
    added: false,
  })
  assert.deepEqual((await get('desktop-app', 'basic')).features, ['webhooks'])
  assert.deepEqual(
    (await features('desktop-app', 'pro')).map(({ slug }) => slug),
    ['api_access', 'webhooks'],
  )
})

test('tiers.addFeature(): refuses the 101st feature, and leaves it out of the catalogue', async () => {
  const { licensing } = await newApp()
  const hundred = Array.from({ length: 100 }, (_, at) => `f${at}`)
  const { tiers } = licensing
  assert.equal(
    await codeOf(tiers.create('desktop-app', { name: 'x', slug: 'x', features: [...hundred, 'f100'] })),
    'validation_error',
  )
  await tiers.create('desktop-app', { name: 'Full', slug: 'full', features: hundred })
  const error = await refusalOf(tiers.addFeature('desktop-app', 'full', { name: 'x', slug: 'one_more' }))
  assert.deepEqual([error.code, Object.keys(error.details!)], ['validation_error', ['slug']])
  assert.equal(await codeOf(licensing.features.get('desktop-app', 'one_more')), 'not_found')
  assert.equal((await tiers.addFeature('desktop-app', 'full', { name: 'x', slug: 'f7' })).added, false)
})

test('tiers and features: a refused call leaves nothing behind', async () => {
  const { licensing } = await newShop()
  const { tiers, features } = licensing
  const again = tiers.create('desktop-app', { name: 'x', slug: 'pro', features: ['fresh'] })
  const error = await refusalOf(again)
  assert.deepEqual([error.code, Object.keys(error.details!)], ['conflict', ['slug']])
  assert.equal(await codeOf(features.get('desktop-app', 'fresh')), 'not_found')
  assert.equal(await codeOf(features.create('desktop-app', { name: 'x', slug: 'api_access' })), 'conflict')
  assert.equal((await tiers.get('desktop-app', 'pro')).name, 'Pro')
})

test('tiers and features: concurrent calls make each tier, feature and link once', async () => {
  const { licensing } = await newShop()
  const { tiers, features } = licensing
  const eight = <T>(make: () => Promise<T>): readonly Promise<T>[] => Array.from({ length: 8 }, make)
  const once = { conflict: 7, ok: 1 }
  assert.deepEqual(await tallyOf(eight(() => tiers.create('desktop-app', { name: 'x', slug: 'x' }))), once)
  assert.deepEqual(await tallyOf(eight(() => features.create('desktop-app', { name: 'x', slug: 'x' }))), once)
  const links = await Promise.all(
    eight(() => tiers.addFeature('desktop-app', 'pro', { name: 'y', slug: 'y' })),
  )
  assert.equal(links.filter(({ added }) => added).length, 1)
  assert.deepEqual((await tiers.get('desktop-app', 'pro')).features, ['api_access', 'y'])
})

test('tiers.addFeature(): concurrent calls link every feature', async () => {
  const { licensing } = await newShop()
  const slugs = Array.from({ length: 30 }, (_, at) => `f${at}`)
  await Promise.all(
    slugs.map((slug) => licensing.tiers.addFeature('desktop-app', 'pro', { name: slug, slug })),
  )
  const { features } = await licensing.tiers.get('desktop-app', 'pro')
  assert.deepEqual(features.toSorted(), ['api_access', ...slugs].toSorted())
})

test('tiers.removeFeature(): leaves the catalogue alone, and features.delete() clears every tier', async () => {
  const { licensing } = await newShop()
  const { tiers, features } = licensing
  await tiers.create('desktop-app', { name: 'Basic', slug: 'basic', features: ['api_access', 'sso'] })
  await tiers.removeFeature('desktop-app', 'basic', 'api_access')
  assert.deepEqual((await tiers.get('desktop-app', 'basic')).features, ['sso'])
  assert.deepEqual((await tiers.get('desktop-app', 'pro')).features, ['api_access'])
  const { id } = await features.get('desktop-app', 'api_access')
  for (const feature of ['api_access', id, 'none'])
    assert.equal(await codeOf(tiers.removeFeature('desktop-app', 'basic', feature)), 'not_found')
  await features.delete('desktop-app', id)
  assert.deepEqual((await tiers.get('desktop-app', 'pro')).features, [])
  assert.equal(await codeOf(features.delete('desktop-app', 'api_access')), 'not_found')
})

test('features.create(): a deleted feature made again is back in no tier', async () => {
  const { licensing, issue } = await newShop()
  const license = await issue()
  await licensing.features.delete('desktop-app', 'api_access')
  await licensing.features.create('desktop-app', { name: 'Again', slug: 'api_access' })
  assert.deepEqual((await licensing.licenses.get('desktop-app', license.id)).features, ['api_access'])
  assert.deepEqual((await licensing.licenses.regenerate('desktop-app', license.id)).features, [])
})

test('tiers.update(): changes name, description and position, and neither slug nor features', async () => {
  const { licensing, clock } = await newShop()
  const { tiers, features } = licensing
  const before = await tiers.get('desktop-app', 'pro')
  clock.seconds += 5
  const changed = await tiers.update('desktop-app', 'pro', {
    name: 'Professional',
    description: 'd',
    position: 7,
  })
  assert.deepEqual(changed, {
    ...before,
    name: 'Professional',
    description: 'd',
    position: 7,
    updatedAt: clock.seconds,
  })
  assert.equal((await tiers.update('desktop-app', before.id, { description: null })).description, null)
  const renamed = await features.update('desktop-app', 'api_access', { name: 'API', description: 'd' })
  assert.deepEqual([renamed.name, renamed.description, renamed.slug], ['API', 'd', 'api_access'])
  for (const changes of [
    { slug: 'x' },
    { features: [] },
    { id: 'x' },
    { name: null },
    { position: null },
  ] as object[])
    assert.equal(await codeOf(tiers.update('desktop-app', 'pro', changes)), 'validation_error')
  for (const changes of [{ slug: 'x' }, { name: null }, { name: '' }] as object[])
    assert.equal(await codeOf(features.update('desktop-app', 'api_access', changes)), 'validation_error')
})

test('tiers: a position is an integer from 0 to 1,000,000', async () => {
  const { licensing } = await newApp()
  const create = (position: unknown, at: number): Promise<unknown> =>
    licensing.tiers.create('desktop-app', { name: 'x', slug: `t${at}`, position } as NewTier)
  const odd: readonly unknown[] = [-1, 1.5, 1_000_001, '5', null, true, Number.NaN, Infinity, 2 ** 53]
  for (const [at, position] of odd.entries())
    assert.equal(await codeOf(create(position, at)), 'validation_error')
  assert.equal(await codeOf(create(1_000_000, 90)), 'ok')
  assert.equal(await codeOf(licensing.tiers.create('desktop-app', { name: 'x', slug: 'last' })), 'ok')
})

test('tiers and features: each belongs to one app', async () => {
  const { licensing, tier } = await newShop()
  const { id } = await licensing.features.get('desktop-app', 'api_access')
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await licensing.tiers.create('other-app', { name: 'Mine', slug: 'mine' })
  const { tiers, features } = licensing
  const calls = [
    ...['pro', tier.id].flatMap((name) => [
      tiers.get('other-app', name),
      tiers.update('other-app', name, { name: 'x' }),
      tiers.features('other-app', name),
      tiers.addFeature('other-app', name, { name: 'x', slug: 'x' }),
      tiers.delete('other-app', name),
    ]),
    ...['api_access', id].flatMap((name) => [
      features.get('other-app', name),
      features.update('other-app', name, { name: 'x' }),
      features.delete('other-app', name),
      tiers.removeFeature('other-app', 'mine', name),
    ]),
  ]
  assert.deepEqual(await tallyOf(calls), { not_found: calls.length })
  assert.deepEqual([(await tiers.list('other-app')).total, (await features.list('other-app')).total], [1, 0])
})
