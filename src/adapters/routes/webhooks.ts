import { deliverySelection } from '../../core/webhooks/retries.ts'
import { deliveryQuery, webhookRollOptions } from '../../core/webhooks/webhooks.ts'
import {
  deliveryDetailExample,
  deliveryExample,
  pageExample,
  webhookSecretExample,
} from '../openapi/examples.ts'
import { created, many, one } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import {
  dataOf,
  deliveryDetailSchema,
  deliverySchema,
  pageOf,
  retriedDeliveriesSchema,
  webhookSecretSchema,
} from '../openapi/schemas.ts'

const tag = 'Webhooks'
const secretResponse = { schema: dataOf(webhookSecretSchema), example: { data: webhookSecretExample } }
const deliveryResponse = { schema: dataOf(deliverySchema), example: { data: deliveryExample } }

export const webhookRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/webhook-secret',
    access: 'webhooks:write',
    tag,
    operationId: 'getWebhookSecret',
    summary: 'Get the webhook secret',
    description:
      'The secret that signs the app’s events, as Standard Webhooks defines it. Give it to the library that verifies them.',
    responses: { 200: { description: 'The secret', ...secretResponse } },
    run: ({ licensing, app }) => licensing.webhooks.secret(app),
    respond: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-secret/roll',
    access: 'webhooks:write',
    tag,
    operationId: 'rollWebhookSecret',
    summary: 'Roll the webhook secret',
    description:
      'Makes a new secret. For overlap_seconds, by default a day, events carry the signatures of both secrets.',
    body: webhookRollOptions,
    bodyExample: { overlap_seconds: 86_400 },
    responses: { 201: { description: 'The new secret', ...secretResponse } },
    run: ({ licensing, app, body }) => licensing.webhooks.rollSecret(app, body),
    respond: created,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/webhook-deliveries',
    access: 'webhooks:read',
    tag,
    operationId: 'listWebhookDeliveries',
    summary: 'List webhook deliveries',
    description: 'Pending, sent and failed deliveries, newest first. They are kept for 30 days.',
    query: deliveryQuery,
    responses: {
      200: {
        description: 'A page of deliveries',
        schema: pageOf(deliverySchema),
        example: pageExample(deliveryExample),
      },
    },
    run: ({ licensing, app, query }) => licensing.webhooks.deliveries(app, query),
    respond: many,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/webhook-deliveries/:id',
    access: 'webhooks:read',
    tag,
    operationId: 'getWebhookDelivery',
    summary: 'Get a webhook delivery',
    description:
      'The delivery with its body, to the byte, and its last ten attempts. Nothing that the receiver sent is kept, except the status.',
    responses: {
      200: {
        description: 'The delivery',
        schema: dataOf(deliveryDetailSchema),
        example: { data: deliveryDetailExample },
      },
    },
    run: ({ licensing, app, params }) => licensing.webhooks.delivery(app, params.id ?? ''),
    respond: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-deliveries/retry',
    access: 'webhooks:write',
    tag,
    operationId: 'retryWebhookDeliveries',
    summary: 'Send failed events again',
    description:
      'Sends all failed events since a time again, the oldest first. A call takes 10,000 at most, and no more than the queue has room for. If has_more is true, call again.',
    body: deliverySelection,
    bodyExample: { state: 'failed', since: '2026-01-23T10:00:00Z' },
    responses: {
      200: {
        description: 'The number of deliveries that are pending again',
        schema: dataOf(retriedDeliveriesSchema),
        example: { data: { retried: 41, has_more: false } },
      },
    },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.webhooks.retryAll(app, body),
    respond: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-deliveries/:id/retry',
    access: 'webhooks:write',
    tag,
    operationId: 'retryWebhookDelivery',
    summary: 'Send an event again',
    description:
      'Sends the event now, with the same webhook-id and a fresh set of attempts. A delivered event can be sent again too.',
    responses: { 200: { description: 'The delivery, pending', ...deliveryResponse } },
    errors: ['conflict'],
    run: ({ licensing, app, params }) => licensing.webhooks.retry(app, params.id ?? ''),
    respond: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-test',
    access: 'webhooks:write',
    tag,
    operationId: 'testWebhook',
    summary: 'Send a test event',
    description: 'Sends a webhook.test event. Read the outcome from webhook-deliveries.',
    responses: { 201: { description: 'The delivery, pending', ...deliveryResponse } },
    errors: ['conflict'],
    run: ({ licensing, app }) => licensing.webhooks.test(app),
    respond: created,
  }),
]
