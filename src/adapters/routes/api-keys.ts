import { apiKeyQuery, newApiKey, rollOptions } from '../../core/api-keys/api-keys.ts'
import { apiKeyExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { apiKeySchema, dataOf, pageOf } from '../openapi/schemas.ts'

const tag = 'API keys'
const manager =
  'Only a secret key without expiry that is not bound to an app may manage keys. A test key manages test keys only.'

export const apiKeyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api-keys',
    access: 'keys',
    tag,
    operationId: 'listApiKeys',
    summary: 'List API keys',
    description: `Newest first, each with its prefix and last four characters. ${manager}`,
    query: apiKeyQuery,
    responses: {
      200: {
        description: 'A page of keys',
        schema: pageOf(apiKeySchema),
        example: pageExample(apiKeyExample),
      },
    },
    run: ({ licensing, query }) => licensing.apiKeys.list(query),
    respond: many,
  }),
  route({
    method: 'POST',
    path: '/api-keys',
    access: 'keys',
    tag,
    operationId: 'createApiKey',
    summary: 'Create an API key',
    description: `Only this response shows the secret. Do not ship a pk_ key inside software: it can read the e-mail addresses of customers. ${manager}`,
    body: newApiKey,
    bodyExample: { name: 'Shop', type: 'sk', mode: 'live' },
    responses: {
      201: {
        description: 'The key with its secret',
        schema: dataOf(apiKeySchema),
        example: { data: { ...apiKeyExample, secret: 'sk_live_…' } },
      },
    },
    errors: ['not_found'],
    run: ({ licensing, body }) => licensing.apiKeys.create(body),
    respond: created,
  }),
  route({
    method: 'DELETE',
    path: '/api-keys/:id',
    access: 'keys',
    tag,
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: `The next request with the key is refused. ${manager}`,
    responses: { 204: { description: 'Revoked' } },
    run: ({ licensing, params }) => licensing.apiKeys.revoke(params.id ?? ''),
    respond: noContent,
  }),
  route({
    method: 'POST',
    path: '/api-keys/:id/roll',
    access: 'keys',
    tag,
    operationId: 'rollApiKey',
    summary: 'Roll an API key',
    description: `Makes a new key with the same rights. Only this response shows its secret. The old key keeps working for overlap_seconds. ${manager}`,
    body: rollOptions,
    bodyExample: { overlap_seconds: 86_400 },
    responses: {
      201: {
        description: 'The new key with its secret',
        schema: dataOf(apiKeySchema),
        example: { data: { ...apiKeyExample, secret: 'sk_live_…' } },
      },
    },
    errors: ['conflict'],
    run: ({ licensing, params, body }) => licensing.apiKeys.roll(params.id ?? '', body),
    respond: created,
  }),
]
