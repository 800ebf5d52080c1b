import type { Kysely, SelectQueryBuilder } from 'kysely'
import type { CustomerFilter, CustomerRecord, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, countOf, newestFirst, wrote } from './session.ts'
import { contains } from './dialect.ts'
import { unlessTaken } from './errors.ts'
import { customerRows } from './rows.ts'

type CustomerVerbs = Pick<
  StorageSession,
  | 'findCustomer'
  | 'findCustomerByEmail'
  | 'findCustomerByExternalId'
  | 'insertCustomer'
  | 'updateCustomer'
  | 'deleteCustomer'
  | 'listCustomers'
  | 'countCustomers'
>

export function customerVerbs({ read, write }: Access): CustomerVerbs {
  const findBy = (column: 'id' | 'folded_email' | 'external_id') => (appId: string, value: string) =>
    findCustomer(matching(read, { appId }).where(column, '=', value))
  return {
    findCustomer: findBy('id'),
    findCustomerByEmail: findBy('folded_email'),
    findCustomerByExternalId: findBy('external_id'),
    insertCustomer: (customer) =>
      wrote(
        write
          .insertInto('heartwood_customer')
          .values(customerRows.toRow(customer))
          .onConflict((conflict) => conflict.doNothing())
          .returning('id'),
      ),
    updateCustomer: async (id, patch) => {
      const changes = { id, ...customerRows.toColumns(patch) }
      const row = await unlessTaken(write, (db) =>
        db
          .updateTable('heartwood_customer')
          .set(changes)
          .where('id', '=', id)
          .returningAll()
          .executeTakeFirst(),
      )
      return customerRows.toRecordOrNull(row ?? undefined)
    },
    deleteCustomer: (id) =>
      wrote(write.deleteFrom('heartwood_customer').where('id', '=', id).returning('id')),
    listCustomers: async (filter, page) => {
      const rows = await newestFirst(matching(read, filter).selectAll(), page).execute()
      return rows.map((row) => customerRows.toRecord(row))
    },
    countCustomers: (filter) => countOf(matching(read, filter)),
  }
}

type Customers = SelectQueryBuilder<Database, 'heartwood_customer', unknown>

async function findCustomer(query: Customers): Promise<CustomerRecord | null> {
  return customerRows.toRecordOrNull(await query.selectAll().executeTakeFirst())
}

function matching(db: Kysely<Database>, { appId, foldedEmailPart, externalId }: CustomerFilter): Customers {
  let query = db.selectFrom('heartwood_customer').where('app_id', '=', appId)
  if (foldedEmailPart !== undefined) query = query.where(contains(db, 'folded_email', foldedEmailPart))
  if (externalId !== undefined) query = query.where('external_id', '=', externalId)
  return query
}
