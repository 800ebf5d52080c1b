import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicensing, type Licensing } from '../../../src/core/index.ts'
import { memoryStorage } from '../../../src/storage/memory.ts'
import { installation, masterKey, newShop, otherMasterKey, type Shop } from '../../support/fixtures.ts'
import { recoveryKeys, testKeyPairs } from '../../support/keys.ts'
import { elsewhere, entriesIn, methodsOf, secretTexts, slug, useCases, withoutEntries } from './acts.ts'
import { watched } from './watched.ts'

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

test('licensing: each method that changes something has its entries in this table', async () => {
  const { licensing } = await newShop()
  const known = [...Object.keys(useCases), ...withoutEntries, ...elsewhere]
  const readsToo = ['licenseKeys.get', 'licenseKeys.getByExternalId', 'licenseKeys.list']
  assert.deepEqual(methodsOf(licensing).toSorted(), [...new Set(known)].toSorted())
  assert.deepEqual(
    known.filter((name, at) => known.indexOf(name) !== at),
    [],
    `${readsToo.join()} stand in the table of use cases alone`,
  )
})

async function entriesOf(name: string, shop: Shop, afterPreparing?: () => Promise<void>) {
  const { prepare, call } = useCases[name]!
  const prepared = (await prepare?.(shop)) as never
  await afterPreparing?.()
  const before = (await entriesIn(shop)).length
  await call(shop.licensing, prepared, shop)
  return (await entriesIn(shop)).slice(before)
}

for (const [name, { actions }] of Object.entries(useCases))
  test(`${name}(): writes ${actions.join(', ') || 'no entry'}, and commits nothing without it`, async () => {
    const { storage, unaudited } = watched(memoryStorage())
    const shop = await newShop({ storage })
    await soon()
    assert.deepEqual(unaudited.splice(0), [], 'The shop is furnished with entries')
    const made = await entriesOf(name, shop, async () => {
      await soon()
      unaudited.length = 0
    })
    assert.deepEqual(made.map(({ action }) => action).toSorted(), [...actions].toSorted())
    await soon()
    assert.deepEqual(unaudited, name === 'licenses.renew' ? ['updateLicense'] : [])
    const text = JSON.stringify(await entriesIn(shop))
    for (const secret of secretTexts) assert.ok(!text.includes(secret), secret)
    assert.doesNotMatch(text, /whsec_|sk_live_|PRIVATE KEY|v1\.[A-Za-z0-9_-]{8}|[0-9A-Z]{5}-[0-9A-Z]{5}/)
  })

test('an entry names its app, its target and the changed fields, in the form of the HTTP API', async () => {
  const shop = await newShop()
  const { id } = await shop.issue({ features: ['beta'] })
  await shop.licensing.licenses.update(slug, id, { forever: true, metadata: { seat: 'A1' } })
  const [entry] = (await shop.licensing.audit.list(slug, { target: id, action: 'license.updated' })).data
  assert.deepEqual(entry, {
    id: entry!.id,
    app: shop.app.id,
    mode: 'live',
    time: shop.clock.seconds,
    actor: { type: 'embedder', id: null, label: null },
    action: 'license.updated',
    target: { type: 'license', id },
    changes: {
      expires_at: ['2026-02-22T10:00:00Z', null],
      metadata: [null, '…'],
      revision: [1, 2],
    },
    requestId: null,
    seq: null,
    mac: null,
  })
})

/** Calls that change nothing, each after one that did. */
const idle: Readonly<Record<string, (licensing: Licensing, id: string) => Promise<unknown>>> = {
  'apps.update': ({ apps }) => apps.update(slug, { name: 'My Desktop App' }),
  'tiers.update': ({ tiers }) => tiers.update(slug, 'pro', { name: 'Pro' }),
  'tiers.addFeature': ({ tiers }) => tiers.addFeature(slug, 'pro', { name: 'API', slug: 'api_access' }),
  'customers.getOrCreate': ({ customers }) => customers.getOrCreate(slug, { email: 'ada@example.com' }),
  'licenses.update': ({ licenses }, id) => licenses.update(slug, id, { tierId: 'pro' }),
  'licenses.reinstate': ({ licenses }, id) => licenses.reinstate(slug, id),
  'licenses.regenerateAll': ({ licenses }) => licenses.regenerateAll(slug, { customerId: 'cus_none' }),
  'licenses.create of a taken place': ({ licenses }) =>
    licenses.create(slug, {} as never).catch(() => 'refused'),
  ensure: (licensing) => licensing.ensure({ app: { name: 'My Desktop App', slug } }),
  rekey: (licensing) => licensing.rekey(),
  'rotateKeys as a dry run': (licensing) => licensing.rotateKeys(slug, { dryRun: true }),
}

for (const [name, call] of Object.entries(idle))
  test(`${name}(): writes no entry if it changes nothing`, async () => {
    const shop = await newShop()
    const { id } = await shop.issue()
    const before = await entriesIn(shop)
    await call(shop.licensing, id)
    assert.deepEqual(await entriesIn(shop), before)
  })

test('licenses.revoke(): the second call writes no entry', async () => {
  const shop = await newShop()
  const { id } = await shop.issue()
  await shop.licensing.licenses.revoke(slug, id)
  const before = await entriesIn(shop)
  await shop.licensing.licenses.revoke(slug, id)
  assert.deepEqual(await entriesIn(shop), before)
})

test('a seat: its renewal by the license key writes no entry, and its loss to another has one', async () => {
  const shop = await newShop()
  const terms = { customerId: shop.customer.id, tierId: 'pro', durationDays: 30 } as const
  const key = await shop.licensing.licenseKeys.create(slug, { ...terms, whenFull: 'replace_oldest' })
  const activate = (number: number) =>
    shop.licensing.licenseKeys.activate(slug, key.key, {
      installationId: `a1b2c3d4-e5f6-4a7b-8c9d-00000000000${number}`,
    })
  const { license: first } = await activate(1)
  const before = (await entriesIn(shop)).length
  await activate(1)
  assert.equal((await entriesIn(shop)).length, before)
  const { license: second } = await activate(2)
  const made = (await entriesIn(shop)).slice(before)
  assert.deepEqual(
    made.map(({ action, targetId, actorType, actorId }) => [action, targetId, actorType, actorId]),
    [
      ['license.released', first.id, 'license_key', key.id],
      ['license.activated', second.id, 'license_key', key.id],
    ],
  )
  assert.deepEqual(JSON.parse(made[0]!.changes), {
    revoked_at: [null, '2026-01-23T10:00:00Z'],
    revoked_cause: [null, 'replaced'],
  })
})

/** Calls by which another license takes the place of a seat whose time is over. */
const takers: Readonly<Record<string, (shop: Shop, installationId: string) => Promise<unknown>>> = {
  'a new license': ({ licensing, customer }, installationId) =>
    licensing.licenses.create(slug, {
      customerId: customer.id,
      tierId: 'pro',
      installationId,
      forever: true,
    }),
  'a license that moves': async ({ licensing, issue }, installationId) => {
    const { id } = await issue()
    return licensing.licenses.update(slug, id, { installationId, forever: true })
  },
}

for (const [name, take] of Object.entries(takers))
  test(`a seat that loses its place to ${name}: its loss has one entry`, async () => {
    const shop = await newShop()
    const { licensing, customer, clock } = shop
    const terms = { customerId: customer.id, tierId: 'pro', durationDays: 30, seats: 2 } as const
    const key = await licensing.licenseKeys.create(slug, terms)
    const installationId = installation(50)
    const { license } = await licensing.licenseKeys.activate(slug, key.key, { installationId })
    clock.seconds += 40 * 86_400
    await take(shop, installationId)
    assert.equal((await licensing.licenses.get(slug, license.id)).revokedCause, 'replaced')
    const { data } = await licensing.audit.list(slug, { target: license.id })
    assert.deepEqual(
      data.map(({ action }) => action),
      ['license.released', 'license.activated'],
    )
  })

test('apiKeys.revoke(): of several at once, one writes the entry', async () => {
  const shop = await newShop()
  const { id } = await shop.licensing.apiKeys.create({ name: 'Support' })
  await Promise.all([1, 2, 3].map(() => shop.licensing.apiKeys.revoke(id)))
  const { total } = await shop.licensing.audit.list(null, { target: id, action: 'api_key.revoked', page: 1 })
  assert.equal(total, 1)
})

test('recovery keys: their setting and the revocation of signing keys have entries', async () => {
  const { recoveryKeyId, signWithRecoveryKey } = await import('../../../src/core/index.ts')
  const shop = await newShop()
  const { licensing, app } = shop
  const { privateKeyPem } = recoveryKeys[0]!
  const recovery = { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] }
  const [old] = await licensing.apps.keys(slug)
  const recover = async (text: string) => [await signWithRecoveryKey(text, privateKeyPem)]
  await licensing.recovery.set(slug, recovery, recover)
  await licensing.rotateKeys(slug)
  await licensing.recovery.revoke(slug, [old!.kid], recover)
  const entries = (await entriesIn(shop)).slice(-3)
  assert.deepEqual(
    entries.map(({ action, targetId, changes }) => [action, targetId, Object.keys(JSON.parse(changes))]),
    [
      ['app.recovery_set', app.id, ['recovery']],
      ['app.keys_rotated', app.id, ['kid', 'retired_reason']],
      ['app.keys_revoked', app.id, ['revoked_kids']],
    ],
  )
})

test('rekey(): writes one entry outside any app, for keys of the live mode', async () => {
  const shop = await newShop()
  const before = (await entriesIn(shop)).length
  const licensing = await createLicensing({
    storage: shop.storage,
    masterKey: [otherMasterKey, masterKey],
    newKeyPair: async () => testKeyPairs[0]!,
  })
  await licensing.as({ type: 'cli' }).rekey()
  await licensing.rekey()
  const made = (await entriesIn(shop)).slice(before)
  assert.deepEqual(
    made.map(({ action, appId, mode, actorType, targetType, targetId }) => [
      action,
      appId,
      mode,
      actorType,
      targetType,
      targetId,
    ]),
    [['storage.rekeyed', null, 'live', 'cli', 'storage', null]],
  )
})

test('a webhook that fails for long: the server itself switches it off, with one entry', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  await licensing.apps.update(slug, { webhookUrl: 'https://example.com/hook' })
  for (let at = 0; at < 10; at++) await licensing.webhooks.test(slug)
  const before = (await entriesIn(shop)).length
  const lease = await licensing.outbox.lease(shop.app.id, { limit: 10, leaseSeconds: 60 })
  const outcome = { status: 500, error: 'HTTP 500', retryIn: null }
  for (const delivery of lease!.deliveries) await licensing.outbox.settle(delivery, outcome)
  const made = (await entriesIn(shop)).slice(before)
  assert.deepEqual(
    made.map(({ action, actorType, targetId }) => [action, actorType, targetId]),
    [['webhook.disabled', 'system', shop.app.id]],
  )
  clock.seconds += 60
  await licensing.apps.update(slug, { webhookUrl: 'https://example.com/hook' })
  const [last] = (await licensing.audit.list(slug, { perPage: 1 })).data
  assert.deepEqual(last!.changes, { webhook_disabled_at: ['2026-01-23T10:00:00Z', null] })
})
