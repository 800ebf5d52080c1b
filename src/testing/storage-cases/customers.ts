import assert from 'node:assert/strict'
import type { CustomerRecord, StorageSession, UpdateNote } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addLicense,
  addParents,
  concurrently,
  farFuture,
  idsOf,
  madeAt,
  newCustomer,
  newEntry,
  oddMetadata,
  oddText,
} from './records.ts'

const recordCases: readonly ConformanceCase[] = [
  storageCase(
    'findCustomer(): returns every field unchanged, by id, e-mail and external id',
    async (storage) => {
      const app = await addApp(storage)
      const full = newCustomer(app.id, {
        email: 'Żółć@Example.com',
        foldedEmail: 'żółć@example.com',
        name: oddText,
        externalId: '',
        metadata: oddMetadata,
        createdAt: 0,
        updatedAt: farFuture,
      })
      assert.equal(await storage.insertCustomer(full), true)
      const found = await storage.findCustomer(app.id, full.id)
      assert.deepEqual(found, full)
      assert.ok(Object.hasOwn(found!.metadata, '__proto__'))
      assert.deepEqual(await storage.findCustomerByEmail(app.id, full.foldedEmail), full)
      assert.deepEqual(await storage.findCustomerByExternalId(app.id, ''), full)
    },
  ),
  storageCase(
    'findCustomer(): returns null for a missing customer, and for one of another app',
    async (storage) => {
      const [app, other] = [await addApp(storage), await addApp(storage)]
      const customer = newCustomer(app.id, { externalId: 'x' })
      await storage.insertCustomer(customer)
      assert.equal(await storage.findCustomer(other.id, customer.id), null)
      assert.equal(await storage.findCustomerByEmail(other.id, customer.foldedEmail), null)
      assert.equal(await storage.findCustomerByExternalId(other.id, 'x'), null)
      assert.equal(await storage.findCustomerByExternalId(app.id, 'null'), null)
      assert.equal(await storage.updateCustomer(app.id, 'cus_missing', { name: 'x' }), null)
      assert.equal(await storage.deleteCustomer('cus_missing'), false)
    },
  ),
  storageCase('insertCustomer(): e-mail and external id are unique in their app only', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const taken = newCustomer(app.id, { externalId: 'x' })
    const { foldedEmail } = taken
    await storage.insertCustomer(taken)
    assert.equal(await storage.insertCustomer(newCustomer(app.id, { foldedEmail })), false)
    assert.equal(await storage.insertCustomer(newCustomer(app.id, { externalId: 'x' })), false)
    assert.equal(await storage.countCustomers({ appId: app.id }), 1)
    assert.equal(await storage.insertCustomer(newCustomer(other.id, { foldedEmail, externalId: 'x' })), true)
    assert.equal(await storage.insertCustomer(newCustomer(app.id)), true)
    assert.equal(await storage.insertCustomer(newCustomer(app.id)), true)
  }),
  storageCase('insertCustomer(): one of 8 concurrent calls gets the e-mail', async (storage) => {
    const app = await addApp(storage)
    const foldedEmail = 'wanted@example.com'
    const results = await concurrently(8, () => storage.insertCustomer(newCustomer(app.id, { foldedEmail })))
    assert.equal(results.filter(Boolean).length, 1)
    assert.equal(await storage.countCustomers({ appId: app.id }), 1)
  }),
  storageCase('updateCustomer(): leaves the other fields, and null clears a field', async (storage) => {
    const app = await addApp(storage)
    const customer = newCustomer(app.id, { externalId: 'x', name: 'old' })
    await storage.insertCustomer(customer)
    const patch = { name: null, externalId: null, metadata: oddMetadata, updatedAt: farFuture }
    assert.deepEqual(await storage.updateCustomer(customer.appId, customer.id, patch), {
      ...customer,
      ...patch,
    })
    assert.deepEqual(await storage.updateCustomer(customer.appId, customer.id, {}), { ...customer, ...patch })
    assert.equal(await storage.findCustomerByExternalId(app.id, 'x'), null)
    const moved = { email: 'New@example.com', foldedEmail: 'new@example.com' }
    await storage.updateCustomer(customer.appId, customer.id, moved)
    assert.equal(await storage.findCustomerByEmail(app.id, customer.foldedEmail), null)
    assert.deepEqual(await storage.findCustomerByEmail(app.id, moved.foldedEmail), {
      ...customer,
      ...patch,
      ...moved,
    })
  }),
  storageCase('updateCustomer(): leaves a customer of another app as it is', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const customer = newCustomer(app.id)
    await storage.insertCustomer(customer)
    const patch = { name: 'x', updatedAt: madeAt + 1 }
    const entryOf = () => newEntry()
    const update = (session: StorageSession, note?: UpdateNote<CustomerRecord>) =>
      session.updateCustomer(other.id, customer.id, patch, note)
    for (const note of [undefined, { entryOf }, { entryOf, known: customer }]) {
      assert.equal(await update(storage, note), null)
      assert.equal(await storage.transaction((tx) => update(tx, note)), null)
    }
    assert.deepEqual(await storage.findCustomer(app.id, customer.id), customer)
    assert.equal(await storage.countAuditEntries({}), 0)
  }),
  storageCase('updateCustomer(): a taken e-mail or external id changes nothing', async (storage) => {
    const app = await addApp(storage)
    const [one, two] = [newCustomer(app.id, { externalId: '1' }), newCustomer(app.id, { externalId: '2' })]
    await storage.insertCustomer(one)
    await storage.insertCustomer(two)
    assert.equal(
      await storage.updateCustomer(two.appId, two.id, { name: 'x', foldedEmail: one.foldedEmail }),
      null,
    )
    assert.equal(await storage.updateCustomer(two.appId, two.id, { name: 'x', externalId: '1' }), null)
    assert.deepEqual(await storage.findCustomer(app.id, two.id), two)
    const same = { foldedEmail: two.foldedEmail, externalId: '2' }
    assert.deepEqual(await storage.updateCustomer(two.appId, two.id, same), two)
  }),
  storageCase('deleteCustomer(): deletes the customer’s licenses, and no others', async (storage) => {
    const parents = await addParents(storage)
    const other = newCustomer(parents.app.id)
    await storage.insertCustomer(other)
    const gone = await addLicense(storage, parents)
    const stays = await addLicense(storage, { ...parents, customer: other })
    assert.equal(await storage.deleteCustomer(parents.customer.id), true)
    assert.equal(await storage.findLicense(parents.app.id, gone.id), null)
    assert.equal(await storage.findCurrentLicense(parents.app.id, gone.installationId), null)
    assert.deepEqual(await storage.findLicense(parents.app.id, stays.id), stays)
  }),
]

const filterCases: readonly ConformanceCase[] = [
  storageCase('listCustomers(): no character of an e-mail part is a wildcard', async (storage) => {
    const app = await addApp(storage)
    const emails = ['a%b@x.com', 'a_b@x.com', 'a\\b@x.com', 'acb@x.com', 'żółć@x.com', "o'hara@x.com"]
    const customers = emails.map((foldedEmail) => newCustomer(app.id, { foldedEmail }))
    for (const customer of customers) await storage.insertCustomer(customer)
    const found = async (foldedEmailPart: string): Promise<number[]> => {
      const filter = { appId: app.id, foldedEmailPart }
      const ids = idsOf(await storage.listCustomers(filter, { limit: 9 }))
      assert.equal(await storage.countCustomers(filter), ids.length)
      return customers.flatMap((customer, index) => (ids.includes(customer.id) ? [index] : []))
    }
    assert.deepEqual(await found('%'), [0])
    assert.deepEqual(await found('_'), [1])
    assert.deepEqual(await found('\\'), [2])
    assert.deepEqual(await found('a%b'), [0])
    assert.deepEqual(await found('żół'), [4])
    assert.deepEqual(await found("'"), [5])
    assert.deepEqual(await found('@x.com'), [0, 1, 2, 3, 4, 5])
    assert.deepEqual(await found('@X'), [])
    assert.deepEqual(await found(''), [0, 1, 2, 3, 4, 5])
  }),
  storageCase('listCustomers(): filters by external id, alone and with an e-mail part', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const customer = newCustomer(app.id, { externalId: 'x', foldedEmail: 'me@example.com' })
    await storage.insertCustomer(customer)
    await storage.insertCustomer(newCustomer(app.id, { externalId: 'y' }))
    await storage.insertCustomer(newCustomer(other.id, { externalId: 'x' }))
    const filter = { appId: app.id, externalId: 'x' }
    assert.deepEqual(await storage.listCustomers(filter, { limit: 9 }), [customer])
    assert.equal(await storage.countCustomers(filter), 1)
    assert.equal(await storage.countCustomers({ ...filter, foldedEmailPart: 'me@' }), 1)
    assert.equal(await storage.countCustomers({ ...filter, foldedEmailPart: 'you@' }), 0)
  }),
]

export const customerCases: readonly ConformanceCase[] = [...recordCases, ...filterCases]
