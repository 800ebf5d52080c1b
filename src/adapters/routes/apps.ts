import { appChanges, appQuery, newApp } from '../../core/apps.ts'
import { rotationFields, type Rotation, type RotationFields } from '../../core/keys/rotation.ts'
import {
  appExample,
  pageExample,
  publicKeyExample,
  rotationExample,
  signingKeyExample,
} from '../openapi/examples.ts'
import { cacheable } from '../http/cacheable.ts'
import { created, many, noContent, one } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import {
  appSchema,
  dataOf,
  jwksSchema,
  pageOf,
  pemSchema,
  rotationSchema,
  signingKeySchema,
  trustFileSchema,
} from '../openapi/schemas.ts'

const tag = 'Apps'
const appResponse = { description: 'The app', schema: dataOf(appSchema), example: { data: appExample } }

/** A rotation as HTTP shows it. */
export function rotationView(rotation: Rotation, { dryRun = false }: RotationFields): object {
  return { message: dryRun ? 'Dry run: nothing was changed' : 'Keys rotated successfully', ...rotation }
}

export const appRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps',
    access: 'read',
    tag,
    operationId: 'listApps',
    summary: 'List apps',
    description: 'The apps that the key may see, newest first.',
    query: appQuery,
    responses: {
      200: { description: 'A page of apps', schema: pageOf(appSchema), example: pageExample(appExample) },
    },
    run: ({ licensing, query }) => licensing.apps.list(query),
    respond: many,
  }),
  route({
    method: 'POST',
    path: '/apps',
    access: 'apps',
    tag,
    operationId: 'createApp',
    summary: 'Create an app',
    description:
      'Makes a 4096-bit RSA key pair for the app. The private key is sealed and never leaves the server.',
    body: newApp,
    bodyExample: {
      name: 'My Desktop App',
      slug: 'desktop-app',
      description: 'License management for my desktop application',
    },
    responses: { 201: appResponse },
    errors: ['conflict'],
    run: ({ licensing, body }) => licensing.apps.create(body),
    respond: created,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug',
    access: 'read',
    tag,
    operationId: 'getApp',
    summary: 'Get an app',
    description: 'One app by its slug or id.',
    responses: { 200: appResponse },
    run: ({ licensing, app }) => licensing.apps.get(app),
    respond: one,
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug',
    access: 'write',
    tag,
    operationId: 'updateApp',
    summary: 'Change an app',
    description: 'An absent field is unchanged, and null clears it. The slug never changes.',
    body: appChanges,
    bodyExample: { name: 'My Desktop App 2' },
    responses: { 200: appResponse },
    run: ({ licensing, app, body }) => licensing.apps.update(app, body),
    respond: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug',
    access: 'write',
    tag,
    operationId: 'deleteApp',
    summary: 'Delete an app',
    description:
      'Deletes the app, everything in it and the API keys bound to it. Its tokens are no longer valid.',
    responses: { 204: { description: 'Deleted' } },
    run: ({ licensing, app }) => licensing.apps.delete(app),
    respond: noContent,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/public-key',
    access: 'public',
    limit: 'publicKey',
    tag,
    operationId: 'getPublicKey',
    summary: 'Get the public key',
    description: 'The active public key as raw PEM, for programs that verify license tokens offline.',
    responses: {
      200: {
        description: 'The public key',
        contentType: 'application/x-pem-file',
        schema: pemSchema,
        example: publicKeyExample,
      },
      304: { description: 'Unchanged since the ETag in If-None-Match' },
    },
    run: ({ licensing, app }) => licensing.apps.publicKey(app),
    respond: (pem, { request }) => cacheable(request, pem, 'application/x-pem-file'),
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/jwks.json',
    access: 'public',
    limit: 'publicKey',
    tag,
    operationId: 'getJwks',
    summary: 'Get the public keys as a JWK Set',
    description:
      'The active public key first, then the keys in their grace period, whose tokens are still accepted.',
    responses: {
      200: {
        description: 'The public keys (RFC 7517)',
        schema: jwksSchema,
        example: {
          keys: [
            {
              kty: 'RSA',
              n: 'sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri',
              e: 'AQAB',
              kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
              alg: 'RS256',
              use: 'sig',
            },
          ],
        },
      },
      304: { description: 'Unchanged since the ETag in If-None-Match' },
    },
    run: ({ licensing, app }) => licensing.apps.jwks(app),
    respond: (jwks, { request }) => cacheable(request, JSON.stringify(jwks), 'application/json'),
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/trust.json',
    access: 'public',
    limit: 'publicKey',
    tag,
    operationId: 'getTrust',
    summary: 'Get the statements about the signing keys',
    description:
      'Each rotation adds a statement, which the old and the new key sign. A program that was built with any earlier key follows the statements to the active one. The file may be served by any other server too.',
    responses: {
      200: {
        description: 'The statements, oldest first',
        schema: trustFileSchema,
        example: {
          v: 1,
          statements: [
            {
              payload: 'eyJpc3MiOiJsaWNlbnNlLXNlcnZlciJ9',
              signatures: [{ protected: 'eyJhbGciOiJSUzI1NiJ9', signature: 'c2lnbmF0dXJl' }],
            },
          ],
        },
      },
      304: { description: 'Unchanged since the ETag in If-None-Match' },
    },
    run: ({ licensing, app }) => licensing.apps.trust(app),
    respond: (trust, { request }) => cacheable(request, JSON.stringify(trust), 'application/json'),
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/keys',
    access: 'write',
    tag,
    operationId: 'listSigningKeys',
    summary: 'List the signing keys',
    description:
      'The active key, the keys in their grace period and the retired ones, newest first; at most 100. A retired key keeps its public half, and the time and reason of its retirement.',
    responses: {
      200: {
        description: 'The signing keys',
        schema: pageOf(signingKeySchema),
        example: pageExample(signingKeyExample),
      },
    },
    run: ({ licensing, app }) => licensing.apps.keys(app),
    respond: (keys) =>
      many({ data: keys.slice(0, 100), total: keys.length, page: 1, perPage: 100, nextCursor: null }),
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/rotate-keys',
    access: 'write',
    tag,
    operationId: 'rotateKeys',
    summary: 'Rotate the keys',
    description:
      'Replaces the key pair with a fresh one and re-signs every active license. A token is derived from its license and the active key when somebody asks for it, so from the commit on every token is under the new key. Tokens under the old key then fail, except during grace_period_days. Never set a grace period after a suspected leak: set compromised, which revokes the old key for every program. If the app has recovery keys, only the command line can do that.',
    body: rotationFields,
    bodyExample: {},
    responses: {
      200: {
        description: 'The result of the rotation',
        schema: dataOf(rotationSchema),
        example: { data: rotationExample },
      },
    },
    errors: ['conflict', 'recovery_required'],
    run: ({ licensing, app, body }) => licensing.rotateKeys(app, body),
    respond: (rotation, { body }) => one(rotationView(rotation, body)),
  }),
]
