import assert from 'node:assert/strict'
import type { Storage, StorageSession } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  addFeature,
  addLicense,
  addShop,
  atOnce,
  idsOf,
  madeAt,
  newApiKey,
  newApp,
  newCustomer,
  newDelivery,
  newFeature,
  newKeptAnswer,
  newLicense,
  newSigningKey,
  newTier,
  newWebhook,
  several,
} from './records.ts'

const mistake = new Error('given up on purpose')

/** Does `work` in a transaction that is then given up, and holds that the very same error comes back. */
async function giveUp(storage: Storage, work: (tx: StorageSession) => Promise<unknown>): Promise<void> {
  const attempt = storage.transaction(async (tx) => {
    await work(tx)
    throw mistake
  })
  await assert.rejects(attempt, (error) => error === mistake)
}

const turns = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 5))
}

/** A storage with a record of every kind, and how to read all of it. */
async function furnished(storage: Storage) {
  const shop = await addShop(storage)
  const feature = await addFeature(storage, shop.app.id)
  await storage.addTierFeature(shop.tier.id, feature.id, 9)
  const license = await addLicense(storage, shop)
  const key = newSigningKey(shop.app.id)
  await storage.swapActiveKey(shop.app.id, null, key, null)
  const apiKey = newApiKey({ appId: shop.app.id, app: shop.app.slug })
  await storage.insertApiKey(apiKey)
  const delivery = await addDelivery(storage, shop.app.id, { dueAt: 5 })
  const everything = async (session: StorageSession = storage): Promise<unknown[]> => {
    const [appId, page] = [shop.app.id, { limit: 99 }]
    return [
      await session.listApps({}, page),
      await session.listSigningKeys(appId),
      await session.listTiers(appId, page),
      await session.listFeatures(appId, page),
      await session.listCustomers({ appId }, page),
      await session.listLicenses({ appId, now: 0 }, page),
      await session.findCurrentLicense(shop.app.slug, license.installationId),
      await session.listApiKeys({}, page),
      await session.listDeliveries({ appId }, page),
      await session.findWebhook(appId),
    ]
  }
  return { ...shop, shop, feature, license, key, apiKey, delivery, everything }
}

type Furnished = Awaited<ReturnType<typeof furnished>>

/** Every way to write. */
const writes: Readonly<Record<string, (tx: StorageSession, had: Furnished) => Promise<unknown>>> = {
  insertApp: (tx) => tx.insertApp(newApp()),
  updateApp: (tx, { app }) => tx.updateApp(app.id, { name: 'x' }),
  deleteApp: (tx, { app }) => tx.deleteApp(app.id),
  swapActiveKey: (tx, { app, key }) => tx.swapActiveKey(app.id, key.kid, newSigningKey(app.id), null),
  'swapActiveKey with grace': (tx, { app, key }) =>
    tx.swapActiveKey(app.id, key.kid, newSigningKey(app.id), madeAt),
  insertTier: (tx, { app }) => tx.insertTier(newTier(app.id)),
  updateTier: (tx, { tier }) => tx.updateTier(tier.id, { position: 7 }),
  deleteTier: (tx, { tier }) => tx.deleteTier(tier.id),
  addTierFeature: async (tx, { app, tier }) => {
    const feature = newFeature(app.id)
    await tx.insertFeature(feature)
    await tx.addTierFeature(tier.id, feature.id, 9)
  },
  removeTierFeature: (tx, { tier, feature }) => tx.removeTierFeature(tier.id, feature.id),
  insertFeature: (tx, { app }) => tx.insertFeature(newFeature(app.id)),
  updateFeature: (tx, { feature }) => tx.updateFeature(feature.id, { name: 'x' }),
  deleteFeature: (tx, { feature }) => tx.deleteFeature(feature.id),
  insertCustomer: (tx, { app }) => tx.insertCustomer(newCustomer(app.id)),
  updateCustomer: (tx, { customer }) => tx.updateCustomer(customer.id, { foldedEmail: 'x', externalId: 'x' }),
  deleteCustomer: (tx, { customer }) => tx.deleteCustomer(customer.id),
  insertLicense: (tx, { shop }) => tx.insertLicense(newLicense(shop)),
  releaseInstallation: async (tx, { app, license }) => {
    await tx.updateLicense(license.id, 1, { revokedAt: madeAt })
    await tx.releaseInstallation(app.id, license.installationId, madeAt)
  },
  updateLicense: (tx, { license }) => tx.updateLicense(license.id, 1, { current: false }),
  deleteLicense: (tx, { license }) => tx.deleteLicense(license.id),
  regenerateMany: (tx, { app }) => tx.regenerateMany({ appId: app.id, now: madeAt, limit: 9 }),
  insertApiKey: (tx) => tx.insertApiKey(newApiKey()),
  updateApiKey: (tx, { apiKey }) => tx.updateApiKey(apiKey.id, { name: 'x' }),
  touchApiKeys: (tx, { apiKey }) => tx.touchApiKeys(new Map([[apiKey.id, 5]])),
  insertWebhook: (tx, { app }) => tx.insertWebhook(newWebhook(app.id)),
  updateWebhook: async (tx, { app }) => {
    await tx.insertWebhook(newWebhook(app.id))
    await tx.updateWebhook(app.id, 1, { failures: 3 })
  },
  insertDelivery: (tx, { app }) => tx.insertDelivery(newDelivery(app.id)),
  updateDelivery: (tx, { delivery }) => tx.updateDelivery(delivery.id, 1, { attempts: 1 }),
  leaseDeliveries: (tx, { app }) => tx.leaseDeliveries({ appId: app.id, now: 5, until: 9, limit: 1 }),
  pruneDeliveries: async (tx, { delivery }) => {
    await tx.updateDelivery(delivery.id, 1, { state: 'failed', dueAt: null })
    await tx.pruneDeliveries(madeAt + 1, 1)
  },
}

const verbCases = Object.entries(writes).map(([verb, write]) =>
  storageCase(
    `transactions: ${verb} is seen inside, gone when given up, there when committed`,
    async (storage) => {
      const had = await furnished(storage)
      const before = await had.everything()
      await giveUp(storage, async (tx) => {
        await write(tx, had)
        assert.notDeepEqual(await had.everything(tx), before)
      })
      assert.deepEqual(await had.everything(), before)
      const inside = await storage.transaction(async (tx) => {
        await write(tx, had)
        return had.everything(tx)
      })
      assert.deepEqual(await had.everything(), inside)
    },
  ),
)

const outcomeCases: readonly ConformanceCase[] = [
  storageCase('transactions: resolve to what the work resolves to', async (storage) => {
    const app = newApp()
    assert.equal(await storage.transaction(async () => 5), 5)
    assert.deepEqual(
      await storage.transaction(async (tx) => {
        await tx.insertApp(app)
        return tx.findApp(app.slug)
      }),
      app,
    )
    assert.deepEqual(await storage.findApp(app.id), app)
  }),
  storageCase('transactions: a storage goes on after one was given up', async (storage) => {
    const [gone, stays] = [newApp(), newApp()]
    await giveUp(storage, (tx) => tx.insertApp(gone))
    assert.equal(await storage.insertApp(stays), true)
    assert.equal(await storage.insertApp({ ...gone, slug: 'another' }), true)
    assert.equal(await storage.findApp(gone.slug), null)
    assert.deepEqual(idsOf(await storage.listApps({}, { limit: 9 })), [stays.id, gone.id])
  }),
  storageCase('transactions: the first API key and the key check are given up as well', async (storage) => {
    await giveUp(storage, async (tx) => {
      assert.equal(await tx.insertFirstApiKey(newApiKey()), true)
      assert.equal(await tx.claimKeyCheck('given up'), 'given up')
    })
    assert.equal(await storage.countApiKeys({}), 0)
    assert.equal(await storage.claimKeyCheck('kept'), 'kept')
  }),
  storageCase('transactions: a kept answer is given up with the work, and kept with it', async (storage) => {
    const answer = newKeptAnswer()
    await giveUp(storage, (tx) => tx.insertStoredResponse(answer, madeAt))
    assert.equal(await storage.findStoredResponse(answer.scope, answer.key, madeAt), null)
    assert.equal(await storage.transaction((tx) => tx.insertStoredResponse(answer, madeAt)), true)
    assert.deepEqual(await storage.findStoredResponse(answer.scope, answer.key, madeAt), answer)
  }),
  storageCase('transactions: a change in many steps is given up whole', async (storage) => {
    const had = await furnished(storage)
    const before = await had.everything()
    await giveUp(storage, async (tx) => {
      await tx.deleteTier(had.tier.id)
      await tx.insertTier(newTier(had.app.id, { slug: had.tier.slug }))
      await tx.deleteLicense(had.license.id)
      await tx.insertLicense(
        newLicense(had.shop, { tierId: null, installationId: had.license.installationId }),
      )
      await tx.deleteApp(had.app.id)
      await tx.insertApp(newApp({ slug: had.app.slug }))
    })
    assert.deepEqual(await had.everything(), before)
  }),
]

const isolationCases: readonly ConformanceCase[] = [
  storageCase('transactions: nothing is seen outside before the commit', async (storage) => {
    const app = newApp()
    let seen: Promise<unknown>[] = []
    await giveUp(storage, async (tx) => {
      await tx.insertApp(app)
      // Not awaited in here: a storage of one connection answers only once the transaction is over.
      seen = [storage.findApp(app.id), storage.countApps({}), storage.listApps({}, { limit: 9 })]
      await turns()
    })
    assert.deepEqual(await Promise.all(seen), [null, 0, []])
  }),
  storageCase(
    'transactions: a write outside waits, and is not lost when the transaction is',
    async (storage) => {
      const [inside, outside] = [newApp({ slug: 'wanted' }), newApp({ slug: 'wanted' })]
      let answer: Promise<boolean> | undefined
      await giveUp(storage, async (tx) => {
        await tx.insertApp(inside)
        answer = storage.insertApp(outside)
        await turns()
      })
      assert.equal(await answer, true)
      assert.deepEqual(await storage.findApp('wanted'), outside)
    },
  ),
  storageCase('transactions: of 8 that change one license by version, one wins', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop)
    const answers = await atOnce(8, () =>
      storage.transaction(async (tx) => {
        const changed = await tx.updateLicense(license.id, 1, { revision: 2 })
        await turns()
        return changed
      }),
    )
    assert.equal(answers.filter((answer) => answer !== null).length, 1)
    assert.equal((await storage.findLicense(shop.app.id, license.id))?.version, 2)
  }),
  storageCase('transactions: 8 that raise one license in turn lose nothing', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop)
    const raise = async (): Promise<void> => {
      const found = await storage.findLicense(shop.app.id, license.id)
      const changed = await storage.transaction((tx) =>
        tx.updateLicense(license.id, found!.version, { revision: found!.revision + 1 }),
      )
      if (changed === null) await raise()
    }
    await atOnce(8, raise)
    const end = await storage.findLicense(shop.app.id, license.id)
    assert.deepEqual([end?.version, end?.revision], [9, 9])
  }),
  storageCase('transactions: of 8 successors of an expired license, one takes its place', async (storage) => {
    const shop = await addShop(storage)
    const old = await addLicense(storage, shop, { expiresAt: madeAt })
    const { installationId } = old
    const answers = await atOnce(8, () =>
      storage.transaction(async (tx) => {
        await tx.releaseInstallation(shop.app.id, installationId, madeAt)
        return tx.insertLicense(newLicense(shop, { installationId }))
      }),
    )
    assert.equal(answers.filter(Boolean).length, 1)
    const filter = { appId: shop.app.id, now: madeAt, installationId }
    const all = await storage.listLicenses(filter, { limit: 9 })
    assert.equal(all.length, 2)
    assert.equal(all.filter((license) => license.current).length, 1)
  }),
]

/** Tries to change what was handed out; a frozen record may throw. */
function spoil(record: object): void {
  for (const [name, value] of Object.entries(record)) {
    attempt(() => Object.assign(record, { [name]: 'spoilt' }))
    if (typeof value === 'object' && value !== null) spoil(value)
    if (Array.isArray(value)) attempt(() => value.push('spoilt'))
  }
}

function attempt(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof TypeError)
  }
}

const handOutCases: readonly ConformanceCase[] = [
  storageCase('records: changing what was handed out changes nothing stored', async (storage) => {
    const shop = await addShop(storage)
    const given = { tierFeatures: ['a'], metadata: { deep: { list: [1] } } }
    const license = await addLicense(storage, shop, given)
    const expected = structuredClone(license)
    const find = () => storage.findLicense(shop.app.id, license.id)
    spoil((await find())!)
    spoil((await storage.findCurrentLicense(shop.app.slug, license.installationId))!)
    spoil(await storage.listLicenses({ appId: shop.app.id, now: 0 }, { limit: 9 }))
    assert.deepEqual(await find(), expected)
  }),
  storageCase('records: changing what was handed in changes nothing stored', async (storage) => {
    const shop = await addShop(storage)
    const license = newLicense(shop, { tierFeatures: ['a'], metadata: { deep: { list: [1] } } })
    const expected = structuredClone(license)
    await storage.insertLicense(license)
    spoil(license)
    assert.deepEqual(await storage.findLicense(shop.app.id, expected.id), expected)
    const patch = { metadata: { deep: { list: [2] } } }
    await storage.updateLicense(expected.id, 1, patch)
    spoil(patch)
    const found = await storage.findLicense(shop.app.id, expected.id)
    assert.deepEqual(found?.metadata, { deep: { list: [2] } })
  }),
]

const lifeCases: readonly ConformanceCase[] = [
  storageCase('storage: answers a ping, and may be closed twice', async (storage) => {
    await storage.ping()
    await addApp(storage)
    await storage.close()
    await storage.close()
  }),
  storageCase('storage: may be closed by two at once, and refuses work afterwards', async (storage) => {
    await Promise.all([storage.close(), storage.close()])
    await assert.rejects(storage.countApps({}))
    await assert.rejects(storage.ping())
    await assert.rejects(storage.transaction(async () => {}))
  }),
  {
    name: 'storage: each is opened empty',
    run: async (open) => {
      const apps = await several(2, async () => {
        const storage = await open()
        const count = await storage.countApps({})
        await addApp(storage)
        await storage.close()
        return count
      })
      assert.deepEqual(apps, [0, 0])
    },
  },
]

export const transactionCases: readonly ConformanceCase[] = [
  ...verbCases,
  ...outcomeCases,
  ...isolationCases,
  ...handOutCases,
  ...lifeCases,
]
