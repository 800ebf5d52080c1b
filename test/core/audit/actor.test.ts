import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Licensing, NamedActor, Principal, RestrictedLicensing } from '../../../src/core/index.ts'
import { memoryStorage } from '../../../src/storage/memory.ts'
import { codeOf, newShop, newWorld, tokenOf, type Shop } from '../../support/fixtures.ts'
import { entriesIn, slug } from './acts.ts'

const user: NamedActor = { type: 'user', id: 'u-7', label: 'Ada' }

/** The actor of a change that this licensing makes. */
async function actorOf(shop: Shop, licensing: RestrictedLicensing): Promise<readonly unknown[]> {
  await licensing.tiers.update(slug, 'pro', { position: (await entriesIn(shop)).length })
  const { actorType, actorId, actorLabel, requestId } = (await entriesIn(shop)).at(-1)!
  return [actorType, actorId, actorLabel, requestId]
}

async function aPrincipal({ licensing }: Shop): Promise<Principal> {
  const { secret } = await licensing.apiKeys.create({ name: 'Support' })
  return (await licensing.apiKeys.authenticate(secret))!
}

test('as(): names the actor, in any order with the other bindings', async () => {
  const shop = await newShop()
  const { licensing, storage } = shop
  const principal = await aPrincipal(shop)
  const named = ['user', 'u-7', 'Ada', null]
  const key = ['api_key', principal.id, 'Support', null]
  const chains: readonly (readonly [bound: RestrictedLicensing, actor: readonly unknown[]])[] = [
    [licensing, ['embedder', null, null, null]],
    [licensing.as(user), named],
    [licensing.as({ type: 'embedder' }), ['embedder', null, null, null]],
    [licensing.as(user).with(storage), named],
    [licensing.with(storage).as(user), named],
    [licensing.restrictedTo(principal), key],
    [licensing.as(user).restrictedTo(principal), named],
    [licensing.restrictedTo(principal).as(user), named],
    [licensing.with(storage).restrictedTo(principal), key],
    [licensing.as({ type: 'cli' }), ['cli', null, null, null]],
    [licensing.as({ type: 'system', id: 'cron', label: null }), ['system', 'cron', null, null]],
    [licensing.forRequest('r-1').as(user), ['user', 'u-7', 'Ada', 'r-1']],
    [licensing.as(user).forRequest('r-1'), ['user', 'u-7', 'Ada', 'r-1']],
    [licensing.restrictedTo(principal, 'r-2'), ['api_key', principal.id, 'Support', 'r-2']],
    [licensing.forRequest('r-1').restrictedTo(principal), ['api_key', principal.id, 'Support', 'r-1']],
    [(await licensing.as(user).authorize('catalogue:write', slug)).licensing, named],
  ]
  for (const [at, [bound, actor]] of chains.entries())
    assert.deepEqual(await actorOf(shop, bound), actor, `chain ${at}`)
})

test('as(): holds in work under an idempotency key', async () => {
  const shop = await newShop()
  const key = (name: string) => ({ key: name, scope: 's', fingerprint: 'f' })
  const bound = shop.licensing.as(user).forRequest('r-1')
  await bound.idempotent(key('a'), async ({ customers }) =>
    customers.create(slug, { email: 'a@example.com' }),
  )
  await bound.idempotentCall(key('b'), ({ customers }) => customers.create(slug, { email: 'b@example.com' }))
  await shop.licensing.idempotent(key('c'), async (licensing) =>
    licensing.as(user).customers.create(slug, { email: 'c@example.com' }),
  )
  const entries = (await entriesIn(shop)).slice(-3)
  assert.deepEqual(
    entries.map(({ actorId, requestId }) => [actorId, requestId]),
    [
      ['u-7', 'r-1'],
      ['u-7', 'r-1'],
      ['u-7', null],
    ],
  )
})

test('as(): names and never restricts, and restricts no less what was restricted', async () => {
  const shop = await newShop()
  const { secret } = await shop.licensing.apiKeys.create({ type: 'pk' })
  const principal = (await shop.licensing.apiKeys.authenticate(secret))!
  const update = (licensing: RestrictedLicensing) => codeOf(licensing.apps.update(slug, { name: 'x' }))
  assert.equal(await update(shop.licensing.as(user)), 'ok')
  assert.equal(await update(shop.licensing.as(user).restrictedTo(principal)), 'forbidden')
  assert.equal(await update(shop.licensing.restrictedTo(principal).as(user)), 'forbidden')
})

test('as() and forRequest(): name what is wrong, never the value', async () => {
  const { licensing } = await newWorld()
  const wrong: readonly (readonly [given: unknown, message: RegExp])[] = [
    [{ type: 'api_key', id: 'key_1' }, /^actor\.type must be one of user, cli, embedder, system$/],
    [{ type: 'user' }, /^actor\.id must be a string of 1 to 255 characters$/],
    [{ type: 'user', id: '' }, /^actor\.id must be/],
    [{ type: 'user', id: 'x'.repeat(256) }, /^actor\.id must be/],
    [{ type: 'user', id: 'a\u0000b' }, /^actor\.id must be/],
    [{ type: 'user', id: 'u', label: 7 }, /^actor\.label must be/],
  ]
  for (const [given, message] of wrong)
    assert.throws(() => licensing.as(given as NamedActor), { name: 'TypeError', message })
  for (const id of ['', 'a b', 'x'.repeat(129), 'ä'])
    assert.throws(() => licensing.forRequest(id), { name: 'TypeError', message: /^A request id must be/ })
})

test('a holder: a release names the license or the license key, unless the host has named somebody', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const terms = { customerId: shop.customer.id, tierId: 'pro', durationDays: 30, seats: 9 } as const
  const key = await licenseKeys.create(slug, terms)
  const seat = async (number: number) =>
    (
      await licenseKeys.activate(slug, key.key, {
        installationId: `a1b2c3d4-e5f6-4a7b-8c9d-00000000000${number}`,
      })
    ).license
  const [one, two, three, four] = [await seat(1), await seat(2), await seat(3), await seat(4)]
  const release = (licensing: Licensing, id: string, holder?: object) =>
    licensing.licenseKeys.release(slug, id, holder as never)
  await release(shop.licensing, one.id, { currentToken: tokenOf(one) })
  await release(shop.licensing, two.id, { licenseKey: key.key })
  await release(shop.licensing, three.id)
  await release(shop.licensing.as(user), four.id, { licenseKey: key.key })
  const entries = (await entriesIn(shop)).slice(-4)
  assert.deepEqual(
    entries.map(({ action, targetId, actorType, actorId }) => [action, targetId, actorType, actorId]),
    [
      ['license.released', one.id, 'license', one.id],
      ['license.released', two.id, 'license_key', key.id],
      ['license.released', three.id, 'embedder', null],
      ['license.released', four.id, 'user', 'u-7'],
    ],
  )
})

test('with(): in a host’s transaction that is rolled back, the entries are undone as well', async () => {
  const storage = memoryStorage()
  const shop = await newShop({ storage })
  const before = await entriesIn(shop)
  const undone = storage.transaction(async (tx) => {
    const within = { ...tx, transaction: (work: (session: typeof tx) => unknown) => work(tx) } as never
    await shop.licensing.with(within).tiers.update(slug, 'pro', { name: 'Renamed' })
    throw new Error('rolled back on purpose')
  })
  await assert.rejects(undone, /on purpose/)
  assert.deepEqual(await entriesIn(shop), before)
})
