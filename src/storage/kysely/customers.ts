import type { SelectQueryBuilder } from 'kysely'
import type {
  CustomerFilter,
  CustomerPatch,
  CustomerRecord,
  CustomerStorage,
  Page,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { contains, lockLicenseKeys } from './dialect.ts'
import type { Executor, Reader } from './executor.ts'
import { KyselyFeatures } from './features.ts'
import { countOf, deletePresent, newestFirst } from './queries.ts'
import { findLeavingCustomers, isPresent } from './presence.ts'
import { customerRows } from './rows.ts'
import { nullIfTaken } from './savepoint.ts'

export abstract class KyselyCustomers extends KyselyFeatures implements CustomerStorage {
  async findCustomer(appId: string, id: string): Promise<CustomerRecord | null> {
    return customerRows.toRecordOrNull(await this.executor.readFirst(this.executor.hot.customer, [appId, id]))
  }

  findCustomerByEmail(appId: string, foldedEmail: string): Promise<CustomerRecord | null> {
    return findBy(this.executor, 'folded_email', appId, foldedEmail)
  }

  findCustomerByExternalId(appId: string, externalId: string): Promise<CustomerRecord | null> {
    return findBy(this.executor, 'external_id', appId, externalId)
  }

  async insertCustomer(customer: CustomerRecord): Promise<boolean> {
    const { insertCustomer } = this.executor.hot
    return (await this.executor.writeFirst(insertCustomer, customerRows.toValues(customer))) !== undefined
  }

  async updateCustomer(id: string, patch: CustomerPatch): Promise<CustomerRecord | null> {
    const changes = customerRows.toChanges(id, patch)
    const row = await this.executor.write((writer) =>
      nullIfTaken(writer, (db) =>
        db
          .updateTable('heartwood_customer')
          .set(changes)
          .where('id', '=', id)
          .where(isPresent('id'))
          .returningAll()
          .executeTakeFirst(),
      ),
    )
    return customerRows.toRecordOrNull(row)
  }

  deleteCustomer(id: string): Promise<boolean> {
    return this.executor.atomically(async (db) => {
      await lockLicenseKeys(db, 'customer_id', id)
      return deletePresent(db, 'heartwood_customer', id)
    })
  }

  async listCustomers(filter: CustomerFilter, page: Page): Promise<readonly CustomerRecord[]> {
    const rows = await this.executor.read((db) =>
      newestFirst(matching(db, filter).selectAll().where(isPresent('id')), page).execute(),
    )
    return customerRows.toRecords(rows)
  }

  countCustomers(filter: CustomerFilter): Promise<number> {
    return this.executor.read((db) => countCustomers(db, filter))
  }
}

/** Two counts, because a condition on each customer would take several times as long. */
async function countCustomers(db: Reader, filter: CustomerFilter): Promise<number> {
  const leaving = await findLeavingCustomers(db, filter.appId)
  const all = await countOf(matching(db, filter))
  return leaving.length === 0 ? all : all - (await countOf(matching(db, filter).where('id', 'in', leaving)))
}

async function findBy(
  executor: Executor,
  column: 'folded_email' | 'external_id',
  appId: string,
  value: string,
): Promise<CustomerRecord | null> {
  const row = await executor.read((db) =>
    matching(db, { appId }).where(column, '=', value).selectAll().executeTakeFirst(),
  )
  return customerRows.toRecordOrNull(row)
}

function matching(
  db: Reader,
  { appId, foldedEmailPart, externalId }: CustomerFilter,
): SelectQueryBuilder<Database, 'heartwood_customer', unknown> {
  let query = db.selectFrom('heartwood_customer').where('app_id', '=', appId)
  if (foldedEmailPart !== undefined) query = query.where(contains(db, 'folded_email', foldedEmailPart))
  if (externalId !== undefined) query = query.where('external_id', '=', externalId)
  return query
}
