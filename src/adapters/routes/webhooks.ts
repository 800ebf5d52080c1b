import { deliveryQuery, webhookRollOptions } from '../../core/webhooks/webhooks.ts'
import { deliveryExample, pageExample, webhookSecretExample } from '../openapi/examples.ts'
import { created, many, one, route, type Route } from '../http/route.ts'
import { dataOf, deliverySchema, pageOf, webhookSecretSchema } from '../openapi/schemas.ts'

const tag = 'Webhooks'
const secretAnswer = { schema: dataOf(webhookSecretSchema), example: { data: webhookSecretExample } }
const deliveryAnswer = { schema: dataOf(deliverySchema), example: { data: deliveryExample } }

export const webhookRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/webhook-secret',
    access: 'write',
    tag,
    operationId: 'getWebhookSecret',
    summary: 'Get the webhook secret',
    description:
      'What the app’s events are signed with, as Standard Webhooks has it: give it to the library that verifies them.',
    answers: { 200: { description: 'The secret', ...secretAnswer } },
    run: ({ licensing, app }) => licensing.webhooks.secret(app),
    answer: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-secret/roll',
    access: 'write',
    tag,
    operationId: 'rollWebhookSecret',
    summary: 'Roll the webhook secret',
    description:
      'Makes a new secret. For overlap_seconds, a day unless told otherwise, events carry the signatures of both.',
    body: webhookRollOptions,
    bodyExample: { overlap_seconds: 86_400 },
    answers: { 201: { description: 'The new secret', ...secretAnswer } },
    run: ({ licensing, app, body }) => licensing.webhooks.rollSecret(app, body),
    answer: created,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/webhook-deliveries',
    access: 'write',
    tag,
    operationId: 'listWebhookDeliveries',
    summary: 'List webhook deliveries',
    description: 'What was sent and what waits to be, newest first. Kept for 30 days.',
    query: deliveryQuery,
    answers: {
      200: {
        description: 'A page of deliveries',
        schema: pageOf(deliverySchema),
        example: pageExample(deliveryExample),
      },
    },
    run: ({ licensing, app, query }) => licensing.webhooks.deliveries(app, query),
    answer: many,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-deliveries/:id/retry',
    access: 'write',
    tag,
    operationId: 'retryWebhookDelivery',
    summary: 'Send an event again',
    description:
      'At once, with all its attempts before it, and under the same webhook-id. Also for one that was delivered.',
    answers: { 200: { description: 'The delivery, pending', ...deliveryAnswer } },
    errors: ['conflict'],
    run: ({ licensing, app, params }) => licensing.webhooks.retry(app, params.id ?? ''),
    answer: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/webhook-test',
    access: 'write',
    tag,
    operationId: 'testWebhook',
    summary: 'Send a test event',
    description: 'Sends a webhook.test event. How it went stands in webhook-deliveries.',
    answers: { 201: { description: 'The delivery, pending', ...deliveryAnswer } },
    errors: ['conflict'],
    run: ({ licensing, app }) => licensing.webhooks.test(app),
    answer: created,
  }),
]
