import { apiKeyQuery, newApiKey, type Principal } from '../../core/api-keys.ts'
import { apiKeyExample, pageExample } from '../examples.ts'
import { many, noContent, one, route, type Route } from '../route.ts'
import { apiKeySchema, dataOf, pageOf } from '../schemas.ts'

const tag = 'API keys'
const manager =
  'Only a secret key without end that is bound to no app manages keys; a test key only test keys.'

/** The key that asks; these routes are never reached without one. */
function asker(principal: Principal | null): { by?: Principal } {
  return principal === null ? {} : { by: principal }
}

export const apiKeyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api-keys',
    access: 'write',
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
    run: async ({ licensing, principal, query }) =>
      many(await licensing.apiKeys.list(query, asker(principal).by)),
  }),
  route({
    method: 'POST',
    path: '/api-keys',
    access: 'write',
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
    run: async ({ licensing, principal, body }) =>
      one(await licensing.apiKeys.create(body, asker(principal).by), 201),
  }),
  route({
    method: 'DELETE',
    path: '/api-keys/:id',
    access: 'write',
    tag,
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: `Refused from the next request on. ${manager}`,
    answers: { 204: { description: 'Revoked' } },
    run: async ({ licensing, principal, params }) => {
      await licensing.apiKeys.revoke(params.id ?? '', asker(principal).by)
      return noContent()
    },
  }),
]
