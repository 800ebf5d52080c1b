/**
 * Sends the events of licensing to the webhooks of its apps, as Standard Webhooks has it.
 *
 * @module
 */
export { startDelivery, type Delivery, type DeliveryOptions } from './delivery.ts'
export type { Address, Resolve } from './address.ts'
export type { Connect, Connection, Received } from './connection.ts'
