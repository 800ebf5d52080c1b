import { allItems } from '../../core/all-items.ts'
import type { Customer, Customers } from '../../core/customers.ts'
import { orNotFound, type Api } from '../api.ts'
import { idSegment, path } from '../path.ts'
import { readMade } from '../response.ts'

export function remoteCustomers(api: Api): Customers {
  const at = (app: string, id: string): string => path`/apps/${app}/customers/${idSegment(id)}`
  const find = (at: string, query: object): Promise<Customer> =>
    orNotFound(api.get<Customer>(at, query), 'Customer not found')
  const list: Customers['list'] = (app, query) => api.list<Customer>(path`/apps/${app}/customers`, query)
  return {
    list,
    all: (app, filter) => allItems((paging) => list(app, { ...filter, ...paging })),
    create: (app, customer) => api.post<Customer>(path`/apps/${app}/customers`, customer),
    getOrCreate: (app, given) =>
      api.post(path`/apps/${app}/customers/get-or-create`, given, { read: readMade('customer', 'created') }),
    get: (app, id) => api.get<Customer>(at(app, id)),
    getByEmail: (app, email) => find(path`/apps/${app}/customers/by-email`, { email }),
    getByExternalId: (app, externalId) => find(path`/apps/${app}/customers/by-external-id`, { externalId }),
    update: (app, id, changes) => api.put<Customer>(at(app, id), changes),
    delete: (app, id) => api.delete(at(app, id)),
  }
}
