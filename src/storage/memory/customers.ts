import type { CustomerFilter, CustomerRecord, LicenseRecord } from '../../core/storage/index.ts'
import { patched } from './frozen.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { requireParent, type SyncSession, type Tables } from './tables.ts'
import { ofApp } from './tiers.ts'

type CustomerVerbs = Pick<
  SyncSession,
  | 'findCustomer'
  | 'findCustomerByEmail'
  | 'findCustomerByExternalId'
  | 'insertCustomer'
  | 'updateCustomer'
  | 'deleteCustomer'
  | 'listCustomers'
  | 'countCustomers'
>

export function customerVerbs({ apps, customers, licenses, notices }: Tables): CustomerVerbs {
  return {
    findCustomer: (appId, id) => ofApp(appId, customers.get(id)),
    findCustomerByEmail: (appId, foldedEmail) => customers.getBy(0, keyOf(appId, foldedEmail)),
    findCustomerByExternalId: (appId, externalId) => customers.getBy(1, keyOf(appId, externalId)),
    insertCustomer: (customer) => {
      requireParent(apps.get(customer.appId))
      return customers.insert(customer)
    },
    updateCustomer: (id, patch) => {
      const customer = customers.get(id)
      return customer && customers.replace(patched(customer, patch))
    },
    deleteCustomer: (id) => {
      const customer = customers.get(id)
      if (customer === null) return false
      const isTheirs = (license: LicenseRecord): boolean => license.customerId === id
      for (const license of licenses.ascending(customer.appId))
        if (isTheirs(license)) notices.deleteWhere(license.id)
      licenses.deleteWhere(customer.appId, isTheirs)
      return customers.delete(id)
    },
    listCustomers: (filter, page) =>
      takePage(customers.descending(filter.appId, page.after), page, customerPasses(filter)),
    countCustomers: (filter) => countOf(customers.ascending(filter.appId), customerPasses(filter)),
  }
}

function customerPasses({
  foldedEmailPart,
  externalId,
}: CustomerFilter): (customer: CustomerRecord) => boolean {
  return (customer) =>
    (foldedEmailPart === undefined || customer.foldedEmail.includes(foldedEmailPart)) &&
    (externalId === undefined || customer.externalId === externalId)
}
