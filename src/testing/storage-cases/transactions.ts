import assert from 'node:assert/strict'
import type { Storage, StorageSession } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  addFeature,
  addLicense,
  addParents,
  concurrently,
  idsOf,
  madeAt,
  newApiKey,
  newApp,
  newCustomer,
  newDelivery,
  newFeature,
  newStoredResponse,
  newLicense,
  newSigningKey,
  newTier,
  newWebhook,
  several,
} from './records.ts'

const mistake = new Error('rolled back on purpose')

/** Rolls `work` back by an error, and checks that the transaction rejects with that same error. */
async function rollBack(storage: Storage, work: (tx: StorageSession) => Promise<unknown>): Promise<void> {
  const transaction = storage.transaction(async (tx) => {
    await work(tx)
    throw mistake
  })
  await assert.rejects(transaction, (error) => error === mistake)
}

const pause = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Writes a record of every kind. `everything` reads them all. */
async function filled(storage: Storage) {
  const parents = await addParents(storage)
  const feature = await addFeature(storage, parents.app.id)
  await storage.addTierFeature(parents.tier.id, feature.id, 9)
  const license = await addLicense(storage, parents)
  const key = newSigningKey(parents.app.id)
  await storage.swapActiveKey(parents.app.id, null, key, null)
  const apiKey = newApiKey({ appId: parents.app.id, app: parents.app.slug })
  await storage.insertApiKey(apiKey)
  const delivery = await addDelivery(storage, parents.app.id, { dueAt: 5 })
  const everything = async (session: StorageSession = storage): Promise<unknown[]> => {
    const [appId, page] = [parents.app.id, { limit: 99 }]
    return [
      await session.listApps({}, page),
      await session.listSigningKeys(appId),
      await session.listTiers(appId, page),
      await session.listFeatures(appId, page),
      await session.listCustomers({ appId }, page),
      await session.listLicenses({ appId, now: 0 }, page),
      await session.findCurrentLicense(parents.app.slug, license.installationId),
      await session.listApiKeys({}, page),
      await session.listDeliveries({ appId }, page),
      await session.findWebhook(appId),
    ]
  }
  return { ...parents, parents, feature, license, key, apiKey, delivery, everything }
}

type Filled = Awaited<ReturnType<typeof filled>>

/** Every verb that writes. */
const writes: Readonly<Record<string, (tx: StorageSession, had: Filled) => Promise<unknown>>> = {
  insertApp: (tx) => tx.insertApp(newApp()),
  updateApp: (tx, { app }) => tx.updateApp(app.id, { name: 'x' }),
  deleteApp: (tx, { app }) => tx.deleteApp(app.id),
  swapActiveKey: (tx, { app, key }) => tx.swapActiveKey(app.id, key.kid, newSigningKey(app.id), null),
  'swapActiveKey with grace': (tx, { app, key }) =>
    tx.swapActiveKey(app.id, key.kid, newSigningKey(app.id), madeAt),
  endGracePeriods: async (tx, { app, key }) => {
    await tx.swapActiveKey(app.id, key.kid, newSigningKey(app.id), madeAt)
    await tx.endGracePeriods(app.id, [key.kid])
  },
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
  updateCustomer: (tx, { customer }) =>
    tx.updateCustomer(customer.appId, customer.id, { foldedEmail: 'x', externalId: 'x' }),
  deleteCustomer: (tx, { customer }) => tx.deleteCustomer(customer.id),
  insertLicense: (tx, { parents }) => tx.insertLicense(newLicense(parents)),
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
    `transaction(): ${verb} is visible inside, undone by a rollback, kept by a commit`,
    async (storage) => {
      const had = await filled(storage)
      const before = await had.everything()
      await rollBack(storage, async (tx) => {
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
  storageCase('transaction(): resolves to the result of its work', async (storage) => {
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
  storageCase('transaction(): the storage goes on after a rollback', async (storage) => {
    const [gone, stays] = [newApp(), newApp()]
    await rollBack(storage, (tx) => tx.insertApp(gone))
    assert.equal(await storage.insertApp(stays), true)
    assert.equal(await storage.insertApp({ ...gone, slug: 'another' }), true)
    assert.equal(await storage.findApp(gone.slug), null)
    assert.deepEqual(idsOf(await storage.listApps({}, { limit: 9 })), [stays.id, gone.id])
  }),
  storageCase('transaction(): a rollback undoes the first API key and the check record', async (storage) => {
    await rollBack(storage, async (tx) => {
      assert.equal(await tx.insertFirstApiKey(newApiKey()), true)
      assert.equal(await tx.claimKeyCheck('rolled back'), 'rolled back')
    })
    assert.equal(await storage.countApiKeys({}), 0)
    assert.equal(await storage.claimKeyCheck('kept'), 'kept')
  }),
  storageCase('transaction(): a stored response is undone or kept with its work', async (storage) => {
    const response = newStoredResponse()
    await rollBack(storage, (tx) => tx.insertStoredResponse(response, madeAt))
    assert.equal(await storage.findStoredResponse(response.scope, response.key, madeAt), null)
    assert.equal(await storage.transaction((tx) => tx.insertStoredResponse(response, madeAt)), true)
    assert.deepEqual(await storage.findStoredResponse(response.scope, response.key, madeAt), response)
  }),
  storageCase('transaction(): a rollback undoes many steps as one', async (storage) => {
    const had = await filled(storage)
    const before = await had.everything()
    await rollBack(storage, async (tx) => {
      await tx.deleteTier(had.tier.id)
      await tx.insertTier(newTier(had.app.id, { slug: had.tier.slug }))
      await tx.deleteLicense(had.license.id)
      await tx.insertLicense(
        newLicense(had.parents, { tierId: null, installationId: had.license.installationId }),
      )
      await tx.deleteApp(had.app.id)
      await tx.insertApp(newApp({ slug: had.app.slug }))
    })
    assert.deepEqual(await had.everything(), before)
  }),
]

const isolationCases: readonly ConformanceCase[] = [
  storageCase('transaction(): nobody outside sees its writes before the commit', async (storage) => {
    const app = newApp()
    let seen: Promise<unknown>[] = []
    await rollBack(storage, async (tx) => {
      await tx.insertApp(app)
      // Awaited later: a storage with one connection answers only once the transaction is over.
      seen = [storage.findApp(app.id), storage.countApps({}), storage.listApps({}, { limit: 9 })]
      await pause()
    })
    assert.deepEqual(await Promise.all(seen), [null, 0, []])
  }),
  storageCase('transaction(): a write outside waits, and a rollback does not undo it', async (storage) => {
    const [inside, outside] = [newApp({ slug: 'wanted' }), newApp({ slug: 'wanted' })]
    let inserted: Promise<boolean> | undefined
    await rollBack(storage, async (tx) => {
      await tx.insertApp(inside)
      inserted = storage.insertApp(outside)
      await pause()
    })
    assert.equal(await inserted, true)
    assert.deepEqual(await storage.findApp('wanted'), outside)
  }),
  storageCase(
    'transaction(): one of 8 concurrent changes to one version of a license wins',
    async (storage) => {
      const parents = await addParents(storage)
      const license = await addLicense(storage, parents)
      const results = await concurrently(8, () =>
        storage.transaction(async (tx) => {
          const changed = await tx.updateLicense(license.id, 1, { revision: 2 })
          await pause()
          return changed
        }),
      )
      assert.equal(results.filter((result) => result !== null).length, 1)
      assert.equal((await storage.findLicense(parents.app.id, license.id))?.version, 2)
    },
  ),
  storageCase('transaction(): 8 concurrent callers that retry raise one license 8 times', async (storage) => {
    const parents = await addParents(storage)
    const license = await addLicense(storage, parents)
    const raise = async (): Promise<void> => {
      const found = await storage.findLicense(parents.app.id, license.id)
      const changed = await storage.transaction((tx) =>
        tx.updateLicense(license.id, found!.version, { revision: found!.revision + 1 }),
      )
      if (changed === null) await raise()
    }
    await concurrently(8, raise)
    const end = await storage.findLicense(parents.app.id, license.id)
    assert.deepEqual([end?.version, end?.revision], [9, 9])
  }),
  storageCase(
    'transaction(): one of 8 concurrent successors of an expired license gets its slot',
    async (storage) => {
      const parents = await addParents(storage)
      const old = await addLicense(storage, parents, { expiresAt: madeAt })
      const { installationId } = old
      const results = await concurrently(8, () =>
        storage.transaction(async (tx) => {
          await tx.releaseInstallation(parents.app.id, installationId, madeAt)
          return tx.insertLicense(newLicense(parents, { installationId }))
        }),
      )
      assert.equal(results.filter(Boolean).length, 1)
      const filter = { appId: parents.app.id, now: madeAt, installationId }
      const all = await storage.listLicenses(filter, { limit: 9 })
      assert.equal(all.length, 2)
      assert.equal(all.filter((license) => license.current).length, 1)
    },
  ),
]

/** Tries to change a record. A frozen record may throw. */
function tamper(record: object): void {
  for (const [name, value] of Object.entries(record)) {
    tryTo(() => Object.assign(record, { [name]: 'tampered' }))
    if (typeof value === 'object' && value !== null) tamper(value)
    if (Array.isArray(value)) tryTo(() => value.push('tampered'))
  }
}

function tryTo(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof TypeError)
  }
}

const copyCases: readonly ConformanceCase[] = [
  storageCase('find…(): changing a returned record changes nothing stored', async (storage) => {
    const parents = await addParents(storage)
    const given = { tierFeatures: ['a'], metadata: { deep: { list: [1] } } }
    const license = await addLicense(storage, parents, given)
    const expected = structuredClone(license)
    const find = () => storage.findLicense(parents.app.id, license.id)
    tamper((await find())!)
    tamper((await storage.findCurrentLicense(parents.app.slug, license.installationId))!)
    tamper(await storage.listLicenses({ appId: parents.app.id, now: 0 }, { limit: 9 }))
    assert.deepEqual(await find(), expected)
  }),
  storageCase('insert…(): changing a given record later changes nothing stored', async (storage) => {
    const parents = await addParents(storage)
    const license = newLicense(parents, { tierFeatures: ['a'], metadata: { deep: { list: [1] } } })
    const expected = structuredClone(license)
    await storage.insertLicense(license)
    tamper(license)
    assert.deepEqual(await storage.findLicense(parents.app.id, expected.id), expected)
    const patch = { metadata: { deep: { list: [2] } } }
    await storage.updateLicense(expected.id, 1, patch)
    tamper(patch)
    const found = await storage.findLicense(parents.app.id, expected.id)
    assert.deepEqual(found?.metadata, { deep: { list: [2] } })
  }),
]

const closingCases: readonly ConformanceCase[] = [
  storageCase('close(): may be called twice, and ping() resolves before it', async (storage) => {
    await storage.ping()
    await addApp(storage)
    await storage.close()
    await storage.close()
  }),
  storageCase('close(): waits for the calls under way', async (storage) => {
    const { app } = await addParents(storage)
    const calls = [
      storage.insertApp(newApp()),
      storage.deleteApp(app.id),
      storage.transaction(async (tx) => {
        await pause()
        return tx.insertApp(newApp())
      }),
    ]
    await storage.close()
    assert.deepEqual(await Promise.all(calls), [true, true, true])
  }),
  storageCase('close(): two concurrent calls resolve, and later calls are refused', async (storage) => {
    await Promise.all([storage.close(), storage.close()])
    await assert.rejects(storage.countApps({}))
    await assert.rejects(storage.ping())
    await assert.rejects(storage.transaction(async () => {}))
  }),
  {
    name: 'open: every storage is opened empty',
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
  ...copyCases,
  ...closingCases,
]
