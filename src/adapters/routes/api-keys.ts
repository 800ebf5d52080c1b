import { apiKeyQuery, newApiKey, rollOptions } from '../../core/api-keys/api-keys.ts'
import { apiKeyExample, invitationExample, pageExample } from '../openapi/examples.ts'
import { LicensingError } from '../../core/errors.ts'
import { created, many, noContent, one } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { apiKeySchema, dataOf, invitationSchema, pageOf } from '../openapi/schemas.ts'

const tag = 'API keys'
const manager =
  'Only a secret key without expiry that is not bound to an app may manage keys. A test key manages test keys only.'

const nobodyFollows = 'Nobody can sign in with a link: the dashboard is off, or its host signs people in'

export const apiKeyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/me',
    access: 'me',
    tag,
    operationId: 'getOwnApiKey',
    summary: 'Get the API key of the request',
    description: 'The key that the request shows: its name, type, mode, app, scopes and expiry.',
    responses: {
      200: { description: 'The key', schema: dataOf(apiKeySchema), example: { data: apiKeyExample } },
    },
    run: ({ licensing }) => licensing.apiKeys.me(),
    respond: one,
  }),
  route({
    method: 'GET',
    path: '/api-keys',
    access: 'keys:write',
    tag,
    operationId: 'listApiKeys',
    summary: 'List API keys',
    description: `Newest first, each with its prefix and last four characters. A scoped key sees those that it may manage. ${manager}`,
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
    access: 'keys:write',
    tag,
    operationId: 'createApiKey',
    summary: 'Create an API key',
    description: `Only this response shows the secret. Do not ship a pk_ key inside software: it can read the e-mail addresses of customers. scopes or a preset give it fewer rights. ${manager} No key makes one that may do more than itself.`,
    body: newApiKey,
    bodyExample: { name: 'Help desk', mode: 'live', preset: 'support' },
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
    access: 'ownKey',
    tag,
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: `The next request with the key is refused. ${manager} Every key may revoke itself.`,
    responses: { 204: { description: 'Revoked' } },
    run: ({ licensing, params }) => licensing.apiKeys.revoke(params.id ?? ''),
    respond: noContent,
  }),
  route({
    method: 'POST',
    path: '/api-keys/:id/roll',
    access: 'keys:write',
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
  route({
    method: 'POST',
    path: '/api-keys/:id/invite',
    access: 'keys:write',
    tag,
    operationId: 'inviteToDashboard',
    summary: 'Invite a person to the dashboard',
    description: `Makes a link that signs one person in to the dashboard with the rights of this key. It works once, for ten minutes, and dies with the key. Without HEARTWOOD_PUBLIC_URL the URL is relative to that of the request. ${manager} No key invites one that may do more than itself.`,
    responses: {
      201: {
        description: 'The link',
        schema: dataOf(invitationSchema),
        example: { data: invitationExample },
      },
    },
    errors: ['conflict'],
    run: async ({ licensing, params, linkTo }) => {
      // The invitation is an act in the audit log, so one that nobody can use is refused before.
      if (linkTo === null) throw new LicensingError('conflict', nobodyFollows)
      const { url, expiresAt } = await licensing.apiKeys.invite(params.id ?? '')
      return { url: linkTo(url), expiresAt }
    },
    respond: created,
  }),
]
