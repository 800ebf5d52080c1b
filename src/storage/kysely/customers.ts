import type { SelectQueryBuilder } from 'kysely'
import type {
  AuditEntryRecord,
  CustomerFilter,
  CustomerPatch,
  CustomerRecord,
  CustomerStorage,
  Page,
  UpdateNote,
} from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'
import { insertWithEntry } from './entry-writes.ts'
import { contains, lockLicenseKeys } from './dialect.ts'
import type { Executor, Reader } from './executor.ts'
import { KyselyFeatures } from './features.ts'
import { countOf, deletePresent, newestFirst } from './queries.ts'
import { findLeavingCustomers, isPresent } from './presence.ts'
import { updateRecord } from './record-update.ts'
import { customerRows, storedCustomerRows } from './rows.ts'
import { countList, isNoneOf, type List, readList } from './walk.ts'

export abstract class KyselyCustomers extends KyselyFeatures implements CustomerStorage {
  findCustomer(appId: string, id: string): Promise<CustomerRecord | null> {
    return findBy(this.executor, 'id', appId, id)
  }

  findCustomerByEmail(appId: string, foldedEmail: string): Promise<CustomerRecord | null> {
    return findBy(this.executor, 'folded_email', appId, foldedEmail)
  }

  findCustomerByExternalId(appId: string, externalId: string): Promise<CustomerRecord | null> {
    return findBy(this.executor, 'external_id', appId, externalId)
  }

  insertCustomer(customer: CustomerRecord, entry?: AuditEntryRecord): Promise<boolean> {
    const query = this.executor.hot.insertCustomer
    return insertWithEntry(this.executor, { query, parameters: storedCustomerRows.toValues(customer) }, entry)
  }

  updateCustomer(
    appId: string,
    id: string,
    patch: CustomerPatch,
    note?: UpdateNote<CustomerRecord>,
  ): Promise<CustomerRecord | null> {
    const changes = storedCustomerRows.toChanges(id, patch)
    const mayBeTaken = patch.foldedEmail !== undefined || patch.externalId !== undefined
    const of = { table: 'heartwood_customer', rows: customerRows, appId, id } as const
    return updateRecord(this.executor, { ...of, patch, changes, note, mayBeTaken })
  }

  deleteCustomer(id: string): Promise<boolean> {
    return this.executor.atomically(async (db) => {
      await lockLicenseKeys(db, 'customer_id', id)
      return deletePresent(db, 'heartwood_customer', id)
    })
  }

  async listCustomers(filter: CustomerFilter, page: Page): Promise<readonly CustomerRecord[]> {
    const { executor } = this
    const rows = executor.blocksLoop
      ? await readList(executor, await customerList(executor, filter), page, selectPresent)
      : await executor.read((db) => newestFirst(selectPresent(matching(db, filter)), page).execute())
    return customerRows.toRecords(rows)
  }

  async countCustomers(filter: CustomerFilter): Promise<number> {
    const { executor } = this
    if (executor.blocksLoop) return countList(executor, await customerList(executor, filter))
    return executor.read((db) => countCustomers(db, filter))
  }
}

/** Two counts, because a condition on each customer would take several times as long. */
async function countCustomers(db: Reader, filter: CustomerFilter): Promise<number> {
  const leaving = await findLeavingCustomers(db, filter.appId)
  const all = await countOf(matching(db, filter))
  return leaving.length === 0 ? all : all - (await countOf(matching(db, filter).where('id', 'in', leaving)))
}

/** The customers that pass the filter, as a list to walk. Those that are being deleted are left out. */
function customerList(executor: Executor, filter: CustomerFilter): Promise<List<'heartwood_customer'>> {
  const { foldedEmailPart, ...indexed } = filter
  return executor.read(async (db) => {
    const leaving = await findLeavingCustomers(db, filter.appId)
    return {
      indexed: (reader) => matching(reader, indexed),
      conditions: [
        ...(foldedEmailPart === undefined ? [] : [contains(db, 'folded_email', foldedEmailPart)]),
        ...(leaving.length === 0 ? [] : [isNoneOf('id', leaving)]),
      ],
    }
  })
}

function selectPresent(
  customers: SelectQueryBuilder<Database, 'heartwood_customer', unknown>,
): SelectQueryBuilder<Database, 'heartwood_customer', Row<CustomerRecord>> {
  return customers.selectAll().where(isPresent('id'))
}

async function findBy(
  executor: Executor,
  column: 'id' | 'folded_email' | 'external_id',
  appId: string,
  value: string,
): Promise<CustomerRecord | null> {
  const row = await executor.readFirst(executor.hot.customerBy[column], [appId, value])
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
