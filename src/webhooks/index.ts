/**
 * Sends the events of licensing to the webhooks of its apps, as Standard Webhooks specifies.
 *
 * @module
 */
export { startDelivery, type Delivery, type DeliveryOptions } from './delivery.ts'
export type { IpAddress, Resolve } from './ip-address.ts'
export type { Connect, WebhookRequest, WebhookResponse } from './connect.ts'
