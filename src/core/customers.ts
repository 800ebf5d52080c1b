import { Type } from '@sinclair/typebox'
import { allItems, type FilterOf } from './all-items.ts'
import type { Context } from './context.ts'
import { type Act, actIn, entryOf } from './acts/act.ts'
import { customerChanges as differences } from './acts/records.ts'
import { deleteInPages } from './deletions.ts'
import { LicensingError } from './errors.ts'
import { checkEmail, foldEmail } from './input/email.ts'
import { metadata, nullable, text } from './input/fields.ts'
import { checkMetadata, input, isText, type Input } from './input/parse.ts'
import { requireApp } from './lookup.ts'
import { eachPage, mapListing, pagingFields, readPage, type Listing, type Paging } from './paging.ts'
import { updateRecord, type RecordUpdate } from './record-update.ts'
import { retryUntilWon } from './retry.ts'
import { licenseEvent, licenseKeyEvent } from './runtime/events.ts'
import type {
  AppRecord,
  CustomerFilter,
  CustomerPatch,
  CustomerRecord,
  LicenseKeyRecord,
  LicenseRecord,
  Metadata,
  NumericDate,
  StorageSession,
} from './storage/index.ts'
import { hasReceivers, inTransaction, type Emit, type Note } from './transaction.ts'

/** A person or company that holds licenses of an app. Times are whole seconds since 1970. */
export interface Customer {
  /** `cus_…` */
  readonly id: string
  readonly email: string
  readonly name: string | null
  /** The customer's id in the vendor's own system. */
  readonly externalId: string | null
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/**
 * Input of `licensing.customers.create`.
 *
 * @example
 * ```ts
 * import type { NewCustomer } from 'heartwood'
 *
 * const customer: NewCustomer = { email: 'ada@example.com', externalId: 'crm-1815' }
 * ```
 */
export interface NewCustomer {
  /** Unique in the app, in any case. 3 to 254 characters. */
  readonly email: string
  /** At most 255 characters. */
  readonly name?: string | null
  /** The customer's id in the vendor's own system, unique in the app. 1 to 255 characters. */
  readonly externalId?: string | null
  /** A JSON object of at most 16 KiB. */
  readonly metadata?: Metadata
}

/** Changes to a customer. An absent field stays unchanged; `null` clears it; `metadata` is replaced as a whole. */
export interface CustomerChanges {
  readonly email?: string
  readonly name?: string | null
  readonly externalId?: string | null
  readonly metadata?: Metadata | null
}

/** Filter and page of `licensing.customers.list`. */
export interface CustomerQuery extends Paging {
  /** Part of the e-mail, in any case. There are no wildcards. */
  readonly email?: string
  /** The whole external id. */
  readonly externalId?: string
}

/** Result of `licensing.customers.getOrCreate`. */
export interface FoundCustomer {
  readonly customer: Customer
  /** True if the customer is new. */
  readonly created: boolean
}

/**
 * The use cases of customers: `licensing.customers`.
 *
 * @example
 * ```ts
 * import type { Customer, Licensing } from 'heartwood'
 *
 * async function customerOf(licensing: Licensing, email: string): Promise<Customer> {
 *   const { customer } = await licensing.customers.getOrCreate('desktop-app', { email })
 *   return customer
 * }
 * ```
 */
export interface Customers {
  /** @throws {LicensingError} `validation_error`, `not_found`; `conflict` if the e-mail or the external id is taken. */
  create(app: string, customer: NewCustomer): Promise<Customer>
  /**
   * Resolves to the customer with this e-mail, unchanged, or to a new customer. Exactly one of several concurrent callers
   * creates it.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` if another customer has the external id.
   */
  getOrCreate(app: string, customer: NewCustomer): Promise<FoundCustomer>
  /** @throws {LicensingError} `not_found`. */
  get(app: string, id: string): Promise<Customer>
  /** @throws {LicensingError} `not_found`. */
  getByEmail(app: string, email: string): Promise<Customer>
  /** @throws {LicensingError} `not_found`. */
  getByExternalId(app: string, externalId: string): Promise<Customer>
  /** Newest first. @throws {LicensingError} `validation_error`, `not_found`. */
  list(app: string, query?: CustomerQuery): Promise<Listing<Customer>>
  /** Every matching customer, newest first, for `for await`. @throws {LicensingError} `validation_error`, `not_found`. */
  all(app: string, filter?: FilterOf<CustomerQuery>): AsyncIterable<Customer>
  /** @throws {LicensingError} `validation_error`, `not_found`, `conflict`. */
  update(app: string, id: string, changes: CustomerChanges): Promise<Customer>
  /**
   * Deletes the customer, all its license keys and all its licenses. Many of them take several transactions: see {@link Licensing.finishDeletions}.
   * @throws {LicensingError} `not_found`.
   */
  delete(app: string, id: string): Promise<void>
}

const emailField = () => text('E-mail address, unique in the app without regard to case', 3, 254)
const nameField = () => nullable(text('Name', 0, 255))
const externalIdField = () =>
  nullable(text('What the vendor’s own system calls them, unique in the app', 1, 255))

export const newCustomer: Input<NewCustomer> = input<NewCustomer>()(
  Type.Object({
    email: emailField(),
    name: Type.Optional(nameField()),
    externalId: Type.Optional(externalIdField()),
    metadata: Type.Optional(metadata()),
  }),
)

export const customerChanges: Input<CustomerChanges> = input<CustomerChanges>()(
  Type.Object({
    email: Type.Optional(emailField()),
    name: Type.Optional(nameField()),
    externalId: Type.Optional(externalIdField()),
    metadata: Type.Optional(nullable(metadata())),
  }),
)

export const customerQuery: Input<CustomerQuery> = input<CustomerQuery>()(
  Type.Object({
    ...pagingFields,
    email: Type.Optional(text('Part of the e-mail, without regard to case', 1, 254)),
    externalId: Type.Optional(text('The external id, exactly', 1, 255)),
  }),
)

function toCustomer({ appId: _appId, foldedEmail: _folded, ...customer }: CustomerRecord): Customer {
  return customer
}

function notFound(): LicensingError {
  return new LicensingError('not_found', 'Customer not found')
}

/** @throws {LicensingError} `not_found` for text that no storage takes. */
function sought(name: string): string {
  if (!isText(name)) throw notFound()
  return name
}

function required(record: CustomerRecord | null): Customer {
  if (record === null) throw notFound()
  return toCustomer(record)
}

function readNewCustomer(customer: NewCustomer): NewCustomer {
  const given = newCustomer.parse(customer)
  checkEmail(given.email)
  checkMetadata(given.metadata)
  return given
}

export function customerRecord(context: Context, appId: string, given: NewCustomer): CustomerRecord {
  const now = context.runtime.now()
  return {
    id: context.runtime.newId('cus'),
    appId,
    email: given.email,
    foldedEmail: foldEmail(given.email),
    name: given.name ?? null,
    externalId: given.externalId ?? null,
    metadata: given.metadata ?? {},
    createdAt: now,
    updatedAt: now,
  }
}

/** The act of making a customer. */
export function customerCreated(app: AppRecord, customer: CustomerRecord): Act {
  return actIn(app, 'customer.created', ['customer', customer.id], differences(null, customer))
}

/** The values of a customer that are unique in the app. */
type Wanted = Partial<Pick<CustomerRecord, 'foldedEmail' | 'externalId'>> & Pick<CustomerRecord, 'id'>

/** @throws {LicensingError} `conflict` that names the field that another customer holds, if one still does. */
async function checkTaken({ storage }: Context, app: AppRecord, wanted: Wanted): Promise<void> {
  const { id, foldedEmail, externalId } = wanted
  const byEmail = foldedEmail === undefined ? null : await storage.findCustomerByEmail(app.id, foldedEmail)
  if (byEmail !== null && byEmail.id !== id) throw taken('email', 'E-mail')
  const isNamed = externalId !== undefined && externalId !== null
  const byName = isNamed ? await storage.findCustomerByExternalId(app.id, externalId) : null
  if (byName !== null && byName.id !== id) throw taken('externalId', 'External id')
}

function taken(field: 'email' | 'externalId', what: string): LicensingError {
  return new LicensingError('conflict', `${what} is already taken`, {
    details: { [field]: ['is already taken'] },
  })
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the customer first')
}

async function createCustomer(context: Context, app: string, customer: NewCustomer): Promise<Customer> {
  const given = readNewCustomer(customer)
  const appRecord = await requireApp(context, app, 'customers:write')
  const record = customerRecord(context, appRecord.id, given)
  const insert = async (tx: StorageSession): Promise<Customer | null> =>
    (await tx.insertCustomer(record, entryOf(context, customerCreated(appRecord, record))))
      ? toCustomer(record)
      : null
  const attempt = async (): Promise<Customer | null> => {
    const created = await inTransaction(context, insert, { isOneWrite: true })
    if (created === null) await checkTaken(context, appRecord, record)
    return created
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

async function getOrCreateCustomer(
  context: Context,
  app: string,
  customer: NewCustomer,
): Promise<FoundCustomer> {
  const given = readNewCustomer(customer)
  const appRecord = await requireApp(context, app, 'customers:write')
  const fresh = customerRecord(context, appRecord.id, given)
  const find = async (): Promise<FoundCustomer | null> => {
    const found = await context.storage.findCustomerByEmail(appRecord.id, fresh.foldedEmail)
    return found && { customer: toCustomer(found), created: false }
  }
  const insert = async (tx: StorageSession): Promise<FoundCustomer | null> =>
    (await tx.insertCustomer(fresh, entryOf(context, customerCreated(appRecord, fresh))))
      ? { customer: toCustomer(fresh), created: true }
      : null
  const attempt = async (): Promise<FoundCustomer | null> => {
    const existing = await find()
    if (existing !== null) return existing
    const made = await inTransaction(context, insert, { isOneWrite: true })
    const outcome = made ?? (await find())
    if (outcome === null) await checkTaken(context, appRecord, { id: fresh.id, externalId: fresh.externalId })
    return outcome
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

async function listCustomers(
  context: Context,
  app: string,
  query: CustomerQuery = {},
): Promise<Listing<Customer>> {
  const { email: part, externalId: external, ...paging } = customerQuery.parse(query)
  const { id: appId } = await requireApp(context, app, 'customers:read')
  const filter: CustomerFilter = {
    appId,
    foldedEmailPart: part === undefined ? undefined : foldEmail(part),
    externalId: external,
  }
  const listing = await readPage(paging, {
    prefix: 'cus',
    list: (page) => context.storage.listCustomers(filter, page),
    count: () => context.storage.countCustomers(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, toCustomer)
}

function customerUpdate(app: AppRecord, patch: CustomerPatch): RecordUpdate<CustomerRecord> {
  return {
    patch,
    act: (before, after) =>
      actIn(app, 'customer.updated', ['customer', after.id], differences(before, after)),
    verb: (tx, ...given) => tx.updateCustomer(app.id, ...given),
  }
}

async function updateCustomer(
  context: Context,
  app: string,
  id: string,
  changes: CustomerChanges,
): Promise<Customer> {
  const { metadata: replacement, ...given } = customerChanges.parse(changes)
  if (given.email !== undefined) checkEmail(given.email)
  checkMetadata(replacement)
  const appRecord = await requireApp(context, app, 'customers:write')
  const known = sought(id)
  const folded = given.email === undefined ? {} : { foldedEmail: foldEmail(given.email) }
  const patch = {
    ...given,
    ...folded,
    ...(replacement !== undefined && { metadata: replacement ?? {} }),
    updatedAt: context.runtime.now(),
  }
  const update = customerUpdate(appRecord, patch)
  const attempt = async (): Promise<Customer | null> => {
    const updated = await updateRecord(context, known, update)
    if (updated !== null) return toCustomer(updated)
    if ((await context.storage.findCustomer(appRecord.id, known)) === null) throw notFound()
    await checkTaken(context, appRecord, { id: known, ...patch })
    return null
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}

/**
 * Reads every license of a customer behind a write to each, so that no change falls between this and its deletion. Resolves
 * to `null` if another request changed a license first.
 */
async function lastStatesOf(
  tx: StorageSession,
  { id, appId, updatedAt }: CustomerRecord,
): Promise<readonly LicenseRecord[] | null> {
  await tx.updateCustomer(appId, id, { updatedAt })
  const filter = { appId, customerId: id, now: updatedAt }
  const licenses: LicenseRecord[] = []
  for await (const page of eachPage<LicenseRecord>(1_000, (wanted) => tx.listLicenses(filter, wanted)))
    for (const license of page) {
      const left = await tx.updateLicense(license.id, license.version, {})
      if (left === null) return null
      licenses.push(left)
    }
  return licenses
}

/** Holds every license key of a customer, so that nobody changes it between this and its deletion. */
async function lastKeysOf(
  tx: StorageSession,
  { id, appId, updatedAt }: CustomerRecord,
): Promise<readonly LicenseKeyRecord[]> {
  const filter = { appId, customerId: id, now: updatedAt }
  const keys: LicenseKeyRecord[] = []
  for await (const page of eachPage<LicenseKeyRecord>(1_000, (wanted) => tx.listLicenseKeys(filter, wanted)))
    for (const key of page) keys.push((await tx.holdLicenseKey(key.id)) ?? key)
  return keys
}

async function deleteCustomer(context: Context, app: string, id: string): Promise<void> {
  const record = await requireApp(context, app, 'customers:delete')
  const customer = await context.storage.findCustomer(record.id, sought(id))
  if (customer === null) throw notFound()
  const act = actIn(record, 'customer.deleted', ['customer', id], differences(customer, null))
  if (await deleteInPages(context, { id, appId: record.id, kind: 'customer' }, act)) return
  const remove = async (tx: StorageSession, emit: Emit, note: Note): Promise<object | null> => {
    const now = context.runtime.now()
    const isAnnounced = hasReceivers(context, record, 'license.deleted')
    const keys = hasReceivers(context, record, 'license_key.deleted') ? await lastKeysOf(tx, customer) : []
    const licenses = isAnnounced ? await lastStatesOf(tx, customer) : []
    if (licenses === null) return null
    if (!(await tx.deleteCustomer(id))) throw notFound()
    for (const license of licenses) await emit(record, licenseEvent('license.deleted', license, now))
    for (const key of keys) await emit(record, licenseKeyEvent('license_key.deleted', key, 0, now))
    note(act)
    return {}
  }
  await retryUntilWon(() => inTransaction(context, remove, { alone: true }))
}

export function bindCustomers(context: Context): Customers {
  const { storage } = context
  const idOf = async (app: string): Promise<string> => (await requireApp(context, app, 'customers:read')).id
  return {
    create: (app, customer) => createCustomer(context, app, customer),
    getOrCreate: (app, customer) => getOrCreateCustomer(context, app, customer),
    get: async (app, id) => required(await storage.findCustomer(await idOf(app), sought(id))),
    getByEmail: async (app, email) =>
      required(await storage.findCustomerByEmail(await idOf(app), foldEmail(sought(email)))),
    getByExternalId: async (app, externalId) =>
      required(await storage.findCustomerByExternalId(await idOf(app), sought(externalId))),
    list: (app, query) => listCustomers(context, app, query),
    all: (app, filter) => allItems((paging) => listCustomers(context, app, { ...filter, ...paging })),
    update: (app, id, changes) => updateCustomer(context, app, id, changes),
    delete: (app, id) => deleteCustomer(context, app, id),
  }
}
