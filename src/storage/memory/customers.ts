import type {
  CustomerFilter,
  CustomerRecord,
  CustomerStorage,
  LicenseRecord,
} from '../../core/storage/index.ts'
import { addEntry } from './audit-entries.ts'
import type { Runner } from './runner.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { inApp, requireParent, type Tables } from './tables.ts'
import { updateRecord } from './update.ts'

export function customerStorage({ read, write }: Runner): CustomerStorage {
  return {
    findCustomer: (appId, id) => read(({ customers }) => inApp(appId, customers.get(id))),
    findCustomerByEmail: (appId, foldedEmail) =>
      read(({ customers }) => customers.getBy(0, keyOf(appId, foldedEmail))),
    findCustomerByExternalId: (appId, externalId) =>
      read(({ customers }) => customers.getBy(1, keyOf(appId, externalId))),
    insertCustomer: (customer, entry) =>
      write((tables) => {
        requireParent(tables.apps.get(customer.appId))
        return addEntry(tables, entry, tables.customers.insert(customer))
      }),
    updateCustomer: (appId, id, patch, note) =>
      write((tables) =>
        inApp(appId, tables.customers.get(id)) === null
          ? null
          : updateRecord(tables, tables.customers, { id, patch, note }),
      ),
    deleteCustomer: (id) => write((tables) => deleteCustomer(tables, id)),
    listCustomers: (filter, page) =>
      read(({ customers }) =>
        takePage(customers.descending(filter.appId, page.after), page, customerPasses(filter)),
      ),
    countCustomers: (filter) =>
      read(({ customers }) => countOf(customers.ascending(filter.appId), customerPasses(filter))),
  }
}

function deleteCustomer({ customers, licenses, licenseKeys, notices }: Tables, id: string): boolean {
  const customer = customers.get(id)
  if (customer === null) return false
  const keys = [...licenseKeys.ascending(customer.appId)].filter((key) => key.customerId === id)
  const keyIds = new Set(keys.map((key) => key.id))
  const isTheirs = ({ customerId, licenseKeyId }: LicenseRecord): boolean =>
    customerId === id || (licenseKeyId !== null && keyIds.has(licenseKeyId))
  for (const license of licenses.ascending(customer.appId))
    if (isTheirs(license)) notices.deleteWhere(license.id)
  licenses.deleteWhere(customer.appId, isTheirs)
  for (const key of keys) licenseKeys.delete(key.id)
  return customers.delete(id)
}

function customerPasses({
  foldedEmailPart,
  externalId,
}: CustomerFilter): (customer: CustomerRecord) => boolean {
  return (customer) =>
    (foldedEmailPart === undefined || customer.foldedEmail.includes(foldedEmailPart)) &&
    (externalId === undefined || customer.externalId === externalId)
}
