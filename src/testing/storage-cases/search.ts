import assert from 'node:assert/strict'
import type {
  CustomerRecord,
  SearchHit,
  SearchKind,
  SearchRequest,
  Storage,
} from '../../core/storage/index.ts'
import { foldName } from '../../core/storage/search.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addFeature,
  addLicense,
  addLicenseKey,
  addParents,
  idsOf,
  madeAt,
  newCustomer,
  several,
} from './records.ts'

const kinds: readonly SearchKind[] = ['app', 'tier', 'feature', 'customer', 'license', 'license_key']

function find(
  storage: Storage,
  text: string,
  given: Partial<SearchRequest> = {},
): Promise<readonly SearchHit[]> {
  const forms = { licenseId: null, installationId: null, emailPrefix: text, namePrefix: foldName(text) }
  return storage.search({ apps: {}, kinds, text, ...forms, limit: 20, ...given })
}

async function found(storage: Storage, text: string, given?: Partial<SearchRequest>): Promise<string[]> {
  return [...new Set(idsOf(await find(storage, text, given)))].toSorted()
}

async function addCustomer(
  storage: Storage,
  appId: string,
  given: Partial<CustomerRecord>,
): Promise<CustomerRecord> {
  const customer = newCustomer(appId, given)
  await storage.insertCustomer(customer)
  return customer
}

const exactCases: readonly ConformanceCase[] = [
  storageCase(
    'search(): finds each kind of record by its id, with what people know it by',
    async (storage) => {
      const parents = await addParents(storage)
      const { app, tier, customer } = parents
      const feature = await addFeature(storage, app.id)
      const license = await addLicense(storage, parents, { name: 'Laptop' })
      const key = await addLicenseKey(storage, parents, { externalId: 'sub_1' })
      const at = { appId: app.id, app: app.slug }
      const expected: readonly SearchHit[] = [
        { ...at, kind: 'app', id: app.id, names: [app.name] },
        { ...at, kind: 'tier', id: tier.id, names: [tier.name] },
        { ...at, kind: 'feature', id: feature.id, names: [feature.name] },
        { ...at, kind: 'customer', id: customer.id, names: [customer.email] },
        { ...at, kind: 'license', id: license.id, names: [tier.slug, 'Laptop', license.installationId] },
        { ...at, kind: 'license_key', id: key.id, names: [tier.slug, 'sub_1'] },
      ]
      // Otherwise the id would be the beginning of the customer's e-mail as well.
      const exactly = { emailPrefix: '', namePrefix: '' }
      for (const hit of expected) {
        assert.deepEqual(await find(storage, hit.id, exactly), [hit])
        assert.deepEqual(await find(storage, hit.id.slice(0, -1), exactly), [])
        const others = kinds.filter((kind) => kind !== hit.kind)
        assert.deepEqual(await find(storage, hit.id, { ...exactly, kinds: others }), [])
      }
    },
  ),
  storageCase('search(): finds slugs, external ids and installations, each exactly', async (storage) => {
    const parents = await addParents(storage)
    const { app, tier } = parents
    const feature = await addFeature(storage, app.id, { slug: 'export' })
    const customer = await addCustomer(storage, app.id, { externalId: 'crm-1' })
    const key = await addLicenseKey(storage, parents, { externalId: 'crm-1' })
    const license = await addLicense(storage, parents, { current: false })
    const { installationId } = license
    const next = await addLicense(storage, parents, { installationId })
    assert.deepEqual(await found(storage, app.slug), [app.id])
    assert.deepEqual(await found(storage, tier.slug), [tier.id])
    assert.deepEqual(await found(storage, 'export'), [feature.id])
    assert.deepEqual(await found(storage, 'crm-1'), [customer.id, key.id].toSorted())
    assert.deepEqual(await found(storage, 'crm-'), [])
    assert.deepEqual(await found(storage, 'x', { installationId }), [license.id, next.id].toSorted())
    assert.deepEqual(await found(storage, 'x', { licenseId: license.id }), [license.id])
  }),
]

const prefixCases: readonly ConformanceCase[] = [
  storageCase('search(): finds customers by the beginning of e-mail and name alone', async (storage) => {
    const { id: appId } = await addApp(storage)
    const ada = await addCustomer(storage, appId, {
      name: 'Ada Lovelace',
      foldedEmail: 'countess@example.com',
    })
    const bob = await addCustomer(storage, appId, { foldedEmail: 'ada@example.com' })
    assert.deepEqual(await found(storage, 'ada'), [ada.id, bob.id].toSorted())
    assert.deepEqual(await found(storage, 'ada l'), [ada.id])
    assert.deepEqual(await found(storage, 'countess@example.com'), [ada.id])
    for (const text of ['da', 'lovelace', 'ada%', 'ada_', '%', '_', '\\', "ada'", '"', 'ada lovelace x'])
      assert.deepEqual(await found(storage, text), [], text)
  }),
  storageCase(
    'search(): compares names without case and compatibility forms, as Unicode has them',
    async (storage) => {
      const { id: appId } = await addApp(storage)
      const names = {
        'Łódź Straße': ['łódź', 'ŁÓDŹ STRASSE', '\u0141o\u0301d', 'łódź  straße'],
        İstanbul: ['İst', 'i\u0307st'],
        ΟΔΥΣΣΕΥΣ: ['οδυσσευς', 'Οδυσσευσ'],
        ﬁlm: ['FILM', 'fi'],
        '\u{10ffff}z': ['\u{10ffff}'],
        '\ud7ff': ['\ud7ff'],
        "O'Neil %_\\": ["o'neil", "O'NEIL %_\\"],
        [`${'ﷺ'.repeat(100)}`]: ['ﷺ'.repeat(50)],
      }
      const ids = new Map<string, string>()
      for (const name of Object.keys(names)) ids.set(name, (await addCustomer(storage, appId, { name })).id)
      for (const [name, texts] of Object.entries(names))
        for (const text of texts)
          assert.ok((await found(storage, text)).includes(ids.get(name)!), `${name}: ${text}`)
      assert.deepEqual(await found(storage, 'Lodz'), [])
    },
  ),
  storageCase(
    'search(): follows a name that changes, and forgets one that is taken away',
    async (storage) => {
      const { id: appId } = await addApp(storage)
      const { id } = await addCustomer(storage, appId, { name: 'Ada' })
      await storage.updateCustomer(appId, id, { name: 'Grace' })
      assert.deepEqual(await found(storage, 'ada'), [])
      assert.deepEqual(await found(storage, 'grace'), [id])
      await storage.updateCustomer(appId, id, { metadata: { a: 1 } })
      assert.deepEqual(await found(storage, 'grace'), [id])
      await storage.updateCustomer(appId, id, { name: null })
      assert.deepEqual(await found(storage, 'grace'), [])
    },
  ),
]

const limitCases: readonly ConformanceCase[] = [
  storageCase('search(): keeps to the apps of the request, and to its limit', async (storage) => {
    const [live, other] = [await addApp(storage), await addApp(storage)]
    const test = await addApp(storage, { mode: 'test' })
    const owners = [live, other, test]
    const customers: Record<string, string[]> = {}
    for (const app of owners)
      customers[app.id] = idsOf(await several(4, () => addCustomer(storage, app.id, { name: 'Ada' })))
    assert.deepEqual(await found(storage, 'ada', { apps: { id: live.id } }), customers[live.id]!.toSorted())
    const ofMode = [...customers[live.id]!, ...customers[other.id]!].toSorted()
    assert.deepEqual(await found(storage, 'ada', { apps: { mode: 'live' } }), ofMode)
    assert.deepEqual(await found(storage, 'ada', { apps: { mode: 'test', id: live.id } }), [])
    const slugs = [live.slug, 'no-app']
    assert.deepEqual(await found(storage, 'ada', { apps: { slugs } }), customers[live.id]!.toSorted())
    assert.deepEqual(await found(storage, 'ada', { apps: { slugs: [] } }), [])
    assert.deepEqual(await find(storage, test.id, { apps: { slugs } }), [])
    assert.deepEqual(await find(storage, test.id, { apps: { mode: 'live' } }), [])
    const named = { apps: { slugs: [live.slug] } }
    assert.deepEqual(await found(storage, 'ada', named), customers[live.id]!.toSorted())
    assert.deepEqual(await found(storage, 'ada', { apps: { slugs: [] } }), [])
    assert.deepEqual(await find(storage, customers[other.id]![0]!, { apps: { id: live.id } }), [])
    assert.equal((await find(storage, 'ada', { limit: 3 })).length, 3)
    assert.equal((await find(storage, 'ada')).length, 12)
  }),
  storageCase('search(): does not find a record that is being deleted', async (storage) => {
    const parents = await addParents(storage)
    const { app, customer } = parents
    const license = await addLicense(storage, parents)
    const begin = (kind: 'app' | 'customer', { id }: { readonly id: string }) =>
      storage.beginDeletion({ id, appId: app.id, kind, startedAt: madeAt }, 0)
    // A storage that deletes everything in one step begins no deletion.
    if ((await begin('customer', customer)) !== 'begun') return
    for (const text of [customer.id, customer.foldedEmail, license.id])
      assert.deepEqual(await find(storage, text), [])
    await addCustomer(storage, app.id, {})
    await begin('app', app)
    for (const text of [app.id, app.slug, parents.tier.id]) assert.deepEqual(await find(storage, text), [])
  }),
]

export const searchCases: readonly ConformanceCase[] = [...exactCases, ...prefixCases, ...limitCases]
