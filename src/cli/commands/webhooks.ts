import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { eventTypes, type EventType } from '../../core/runtime/events.ts'
import {
  getDelivery,
  listDeliveries,
  retryDelivery,
  retryFailed,
  type ListDeliveriesOptions,
  type RetryFailedOptions,
  type WebhookCommandOptions,
} from '../webhooks.ts'
import { prepare, type CliContext } from './context.ts'
import {
  argument,
  database,
  json,
  optional,
  parseLimit,
  parseTime,
  required,
  text,
  type DatabaseFlags,
} from './flags.ts'

type ListFlags = ListDeliveriesOptions & DatabaseFlags
type DeliveryFlags = WebhookCommandOptions & DatabaseFlags
type RetryFailedFlags = RetryFailedOptions & DatabaseFlags

const app = required('The slug of the app', 'slug')
const delivery = argument('The id of the delivery, as listed', 'id')

const deliveriesCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the deliveries of an app, newest first' },
  parameters: {
    flags: {
      app,
      state: {
        kind: 'enum',
        values: ['pending', 'delivered', 'failed'],
        brief: 'Only deliveries in this state',
        optional: true,
      },
      type: {
        kind: 'enum',
        values: Object.keys(eventTypes) as EventType[],
        brief: 'Only events of this type',
        optional: true,
      },
      license: text('Only events about this license, by id', 'id'),
      limit: optional('The maximum number of deliveries; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listDeliveries(await prepare(this, flags), flags, this.output)
  },
})

const deliveryCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show a delivery with its body and its last attempts' },
  parameters: { flags: { app, json, database }, positional: delivery },
  async func(this: CliContext, flags: DeliveryFlags, id: string) {
    await getDelivery(await prepare(this, flags), id, flags, this.output)
  },
})

const retryCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Send an event again: a running server sends it at once' },
  parameters: { flags: { app, json, database }, positional: delivery },
  async func(this: CliContext, flags: DeliveryFlags, id: string) {
    await retryDelivery(await prepare(this, flags), id, flags, this.output)
  },
})

const retryFailedCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Send all failed events since a time again' },
  parameters: {
    flags: {
      app,
      since: {
        kind: 'parsed',
        parse: parseTime,
        brief: 'The time of the first event, as in 2027-01-31T00:00:00Z',
        placeholder: 'time',
      },
      json,
      database,
    },
  },
  async func(this: CliContext, flags: RetryFailedFlags) {
    await retryFailed(await prepare(this, flags), flags, this.output)
  },
})

export const webhooksCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List the deliveries of webhooks, and send events again' },
  routes: {
    deliveries: deliveriesCommand,
    delivery: deliveryCommand,
    retry: retryCommand,
    retryFailed: retryFailedCommand,
  },
})
