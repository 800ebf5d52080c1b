import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { Customer, Licensing, NewCustomer } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { detailLines } from './terminal/columns.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'

/** The options of every customer command. `app` is a slug. */
export interface CustomerOptions extends AsJson {
  readonly app: string
}

export interface ListCustomersOptions extends CustomerOptions {
  /** Part of an e-mail. */
  readonly email?: string
  readonly externalId?: string
  readonly limit?: number
}

const format: ListFormat<Customer> = {
  head: ['ID', 'EMAIL', 'NAME', 'CREATED'],
  row: ({ id, email, name, createdAt }) => [id, email, name ?? '', isoTime(createdAt)],
  toJson: toWire,
}

function details(customer: Customer): string {
  return detailLines([
    ['id', customer.id],
    ['email', customer.email],
    ['name', customer.name ?? ''],
    ['external id', customer.externalId ?? ''],
    ['created', isoTime(customer.createdAt)],
  ])
}

/** True for an e-mail: only an e-mail contains an @. */
function isEmail(customer: string): boolean {
  return customer.includes('@')
}

/** Finds a customer by id or e-mail. @throws {LicensingError} `not_found`. */
export function findCustomer({ customers }: Licensing, app: string, customer: string): Promise<Customer> {
  return isEmail(customer) ? customers.getByEmail(app, customer) : customers.get(app, customer)
}

/** The id of a customer who is given by id or e-mail. An id stays as it is, known or not. */
export async function customerId(licensing: Licensing, app: string, customer: string): Promise<string> {
  return isEmail(customer) ? (await findCustomer(licensing, app, customer)).id : customer
}

/** A tier and its buyer, by id or e-mail. */
interface Purchase {
  readonly app: string
  readonly customer: string
  readonly tier: string
}

/** The id of a buyer. An unknown e-mail becomes a customer, unless the tier is unknown too, because it may be misspelt. */
export async function buyerId(licensing: Licensing, { app, customer, tier }: Purchase): Promise<string> {
  if (!isEmail(customer)) return customer
  await licensing.tiers.get(app, tier)
  return (await licensing.customers.getOrCreate(app, { email: customer })).customer.id
}

/** Lists customers, newest first. */
export async function listCustomers(
  settings: CliSettings,
  { app, email, externalId, limit, json }: ListCustomersOptions,
  output: Output,
): Promise<void> {
  const filter = {
    ...(email !== undefined && { email }),
    ...(externalId !== undefined && { externalId }),
  }
  await withExistingDatabase(settings, async ({ licensing }) => {
    const pages = pagesOf((paging) => licensing.customers.list(app, { ...filter, ...paging }), limit)
    await printList(pages, format, { json }, output)
  })
}

/** Creates a customer. */
export async function createCustomer(
  settings: CliSettings,
  customer: NewCustomer,
  { app, json }: CustomerOptions,
  output: Output,
): Promise<void> {
  const created = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.customers.create(app, customer),
  )
  output.line(json ? jsonOf(toWire(created)) : `Created customer ${created.email} (${created.id}).`)
}

/** Shows a customer, by id or e-mail. */
export async function getCustomer(
  settings: CliSettings,
  customer: string,
  { app, json }: CustomerOptions,
  output: Output,
): Promise<void> {
  const found = await withExistingDatabase(settings, ({ licensing }) =>
    findCustomer(licensing, app, customer),
  )
  output.line(json ? jsonOf(toWire(found)) : details(found))
}
