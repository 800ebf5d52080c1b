import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import {
  createCustomer,
  getCustomer,
  listCustomers,
  type CustomerOptions,
  type ListCustomersOptions,
} from '../customers.ts'
import { prepare, type CliContext } from './context.ts'
import {
  argument,
  database,
  json,
  optional,
  parseLimit,
  required,
  text,
  type DatabaseFlags,
} from './flags.ts'

type ListFlags = ListCustomersOptions & DatabaseFlags
type CustomerFlags = CustomerOptions & DatabaseFlags

interface CreateFlags extends CustomerOptions, DatabaseFlags {
  readonly name?: string
  readonly externalId?: string
}

const app = required('The slug of the app', 'slug')

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the customers of an app, newest first' },
  parameters: {
    flags: {
      app,
      email: text('Only customers with this part in their e-mail', 'part'),
      externalId: text('Only the customer with this id in your own system', 'id'),
      limit: optional('The maximum number of customers; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listCustomers(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Create a customer' },
  parameters: {
    flags: {
      app,
      name: text('The name, for people', 'name'),
      externalId: text('The id in your own system', 'id'),
      json,
      database,
    },
    positional: argument('The e-mail', 'email'),
  },
  async func(this: CliContext, flags: CreateFlags, email: string) {
    const { name, externalId } = flags
    const customer = {
      email,
      ...(name !== undefined && { name }),
      ...(externalId !== undefined && { externalId }),
    }
    await createCustomer(await prepare(this, flags), customer, flags, this.output)
  },
})

const getCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show a customer' },
  parameters: { flags: { app, json, database }, positional: argument('The id or e-mail', 'customer') },
  async func(this: CliContext, flags: CustomerFlags, customer: string) {
    await getCustomer(await prepare(this, flags), customer, flags, this.output)
  },
})

export const customersCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List and create customers' },
  routes: { list: listCommand, create: createCommand, get: getCommand },
})
