import assert from 'node:assert/strict'
import type { DeletionRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addLicense, addParents, madeAt, newCustomer, newLicense, newTier } from './records.ts'

type Parents = Awaited<ReturnType<typeof addParents>>

const kinds = ['app', 'tier', 'customer'] as const

function deletionOf({ app, ...parents }: Parents, kind: DeletionRecord['kind']): DeletionRecord {
  const { id } = { app, ...parents }[kind]
  return { id, appId: app.id, kind, startedAt: madeAt }
}

/** An app with three licenses. */
async function filled(storage: Storage): Promise<Parents> {
  const parents = await addParents(storage)
  for (let count = 0; count < 3; count++) await addLicense(storage, parents)
  return parents
}

/** Begins a deletion. Resolves to `null` for a storage that deletes everything in one step. */
async function begun(storage: Storage, deletion: DeletionRecord): Promise<DeletionRecord | null> {
  const outcome = await storage.beginDeletion(deletion, 2)
  assert.ok(outcome === 'begun' || outcome === 'small')
  return outcome === 'begun' ? deletion : null
}

/** Removes all pages. Resolves to the versions of the licenses that were deleted with a customer. */
async function finish(storage: Storage, { id }: DeletionRecord): Promise<readonly number[]> {
  const versions: number[] = []
  for (let after: string | undefined; ;) {
    const page = await storage.transaction((tx) => tx.continueDeletion(id, { limit: 2, after }))
    assert.ok(page !== null, 'the deletion goes on')
    versions.push(...page.licenses.map(({ version }) => version))
    if (page.isDone) return versions
    after = page.next ?? undefined
  }
}

const eachKind = kinds.flatMap((kind): readonly ConformanceCase[] => [
  storageCase(`beginDeletion(): ${kind}: changes nothing for few records, or none`, async (storage) => {
    const parents = await filled(storage)
    const deletion = deletionOf(parents, kind)
    assert.equal(await storage.beginDeletion(deletion, 99), 'small')
    assert.equal(await storage.beginDeletion({ ...deletion, id: `${deletion.id}x` }, 2), 'missing')
    assert.deepEqual(await storage.listDeletions(), [])
    assert.equal(await storage.continueDeletion(deletion.id, { limit: 2 }), null)
    assert.equal(await storage.countLicenses({ appId: parents.app.id, now: 0 }), 3)
  }),
  storageCase(`beginDeletion(): ${kind}: hides the record from every verb at once`, async (storage) => {
    const parents = await filled(storage)
    const { app, tier, customer } = parents
    const deletion = await begun(storage, deletionOf(parents, kind))
    if (deletion === null) return
    assert.deepEqual(await storage.listDeletions(), [deletion])
    assert.equal(await storage.beginDeletion(deletion, 0), 'missing')
    const found = {
      app: await storage.findApp(app.id),
      tier: await storage.findTier(app.id, tier.id),
      customer: await storage.findCustomer(app.id, customer.id),
    }
    assert.equal(found[kind], null)
    const changed = {
      app: () => storage.updateApp(app.id, { name: 'x' }),
      tier: () => storage.updateTier(tier.id, { name: 'x' }),
      customer: () => storage.updateCustomer(customer.appId, customer.id, { name: 'x' }),
    }
    assert.equal(await changed[kind](), null)
    const deleted = {
      app: () => storage.deleteApp(app.id),
      tier: () => storage.deleteTier(tier.id),
      customer: () => storage.deleteCustomer(customer.id),
    }
    assert.equal(await deleted[kind](), false)
  }),
  storageCase(`continueDeletion(): ${kind}: removes it by pages, and then no more`, async (storage) => {
    const parents = await filled(storage)
    const deletion = await begun(storage, deletionOf(parents, kind))
    if (deletion === null) return
    assert.deepEqual(await finish(storage, deletion), kind === 'customer' ? [2, 2, 2] : [])
    assert.deepEqual(await storage.listDeletions(), [])
    assert.equal(await storage.continueDeletion(deletion.id, { limit: 2 }), null)
    const licenses = await storage.listLicenses({ appId: parents.app.id, now: 0 }, { limit: 9 })
    assert.deepEqual(
      licenses.map(({ tierId, version }) => [tierId, version]),
      kind === 'tier' ? Array.from({ length: 3 }, () => [null, 2]) : [],
    )
  }),
])

export const deletionCases: readonly ConformanceCase[] = [
  ...eachKind,
  storageCase('beginDeletion(): frees unique values and installation slots', async (storage) => {
    const parents = await filled(storage)
    const { app, tier, customer } = parents
    const [license] = await storage.listLicenses({ appId: app.id, now: 0 }, { limit: 1 })
    if ((await begun(storage, deletionOf(parents, 'customer'))) === null) return
    await begun(storage, deletionOf(parents, 'tier'))
    const { foldedEmail, externalId } = customer
    const namesakes = {
      app,
      customer: newCustomer(app.id, { foldedEmail, externalId }),
      tier: newTier(app.id, { slug: tier.slug }),
    }
    assert.equal(await storage.insertCustomer(namesakes.customer), true)
    assert.equal(await storage.insertTier(namesakes.tier), true)
    const { installationId } = license!
    assert.equal(await storage.findLicense(app.id, license!.id), null)
    assert.equal(await storage.updateLicense(license!.id, license!.version, {}), null)
    assert.equal(await storage.findCurrentLicense(app.id, installationId), null)
    await storage.releaseInstallation(app.id, installationId, madeAt)
    const next = newLicense(namesakes, { installationId })
    assert.equal(await storage.insertLicense(next), true)
    for (const deletion of await storage.listDeletions()) await finish(storage, deletion)
    assert.deepEqual(await storage.findCurrentLicense(app.id, installationId), next)
  }),
  storageCase(
    'continueDeletion(): removes as much for a caller who does not read the licenses',
    async (storage) => {
      const parents = await filled(storage)
      const deletion = await begun(storage, deletionOf(parents, 'customer'))
      if (deletion === null) return
      const page = await storage.continueDeletion(deletion.id, { limit: 2, wantsRecords: false })
      assert.equal(page?.isDone, false)
      const [rest] = await finish(storage, deletion)
      assert.equal(rest, 2)
      assert.deepEqual(await storage.listDeletions(), [])
    },
  ),
  storageCase('continueDeletion(): a page that is rolled back is taken again', async (storage) => {
    const parents = await filled(storage)
    const deletion = await begun(storage, deletionOf(parents, 'customer'))
    if (deletion === null) return
    const fault = new Error('undone')
    const undone = storage.transaction(async (tx) => {
      await tx.continueDeletion(deletion.id, { limit: 2 })
      throw fault
    })
    await assert.rejects(undone, fault)
    assert.deepEqual(await finish(storage, deletion), [2, 2, 2])
  }),
]
