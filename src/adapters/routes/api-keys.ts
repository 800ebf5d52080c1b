import { apiKeyQuery, newApiKey, rollOptions } from '../../core/api-keys/api-keys.ts'
import { apiKeyExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, route, type Route } from '../http/route.ts'
import { apiKeySchema, dataOf, pageOf } from '../openapi/schemas.ts'

const tag = 'API keys'
const manager =
  'Only a secret key without end that is bound to no app manages keys; a test key only test keys.'

export const apiKeyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api-keys',
    access: 'keys',
    tag,
    operationId: 'listApiKeys',
    summary: 'List API keys',
    description: `Newest first, as prefix and last four characters. ${manager}`,
    query: apiKeyQuery,
    answers: {
      200: {
        description: 'A page of keys',
        schema: pageOf(apiKeySchema),
        example: pageExample(apiKeyExample),
      },
    },
    run: ({ licensing, principal, query }) => licensing.apiKeys.list(query, principal ?? undefined),
    answer: many,
  }),
  route({
    method: 'POST',
    path: '/api-keys',
    access: 'keys',
    tag,
    operationId: 'createApiKey',
    summary: 'Create an API key',
    description: `Its secret is shown in this answer alone. A pk_ key reads customers’ e-mails and is not for shipping inside software. ${manager}`,
    body: newApiKey,
    bodyExample: { name: 'Shop', type: 'sk', mode: 'live' },
    answers: {
      201: {
        description: 'The key with its secret',
        schema: dataOf(apiKeySchema),
        example: { data: { ...apiKeyExample, secret: 'sk_live_…' } },
      },
    },
    errors: ['not_found'],
    run: ({ licensing, principal, body }) => licensing.apiKeys.create(body, principal ?? undefined),
    answer: created,
  }),
  route({
    method: 'DELETE',
    path: '/api-keys/:id',
    access: 'keys',
    tag,
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: `Refused from the next request on. ${manager}`,
    answers: { 204: { description: 'Revoked' } },
    run: ({ licensing, principal, params }) =>
      licensing.apiKeys.revoke(params.id ?? '', principal ?? undefined),
    answer: noContent,
  }),
  route({
    method: 'POST',
    path: '/api-keys/:id/roll',
    access: 'keys',
    tag,
    operationId: 'rollApiKey',
    summary: 'Roll an API key',
    description: `Makes a new key with the same rights, whose secret is shown in this answer alone; the old one goes on for overlap_seconds. ${manager}`,
    body: rollOptions,
    bodyExample: { overlap_seconds: 86_400 },
    answers: {
      201: {
        description: 'The new key with its secret',
        schema: dataOf(apiKeySchema),
        example: { data: { ...apiKeyExample, secret: 'sk_live_…' } },
      },
    },
    errors: ['conflict'],
    run: ({ licensing, principal, params, body }) =>
      licensing.apiKeys.roll(params.id ?? '', body, principal ?? undefined),
    answer: created,
  }),
]
