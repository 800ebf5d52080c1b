import { appChanges, appQuery, newApp, type App } from '../../core/apps.ts'
import { rotationOptions, type Rotation, type RotationOptions } from '../../core/keys/rotation.ts'
import { appExample, pageExample, publicKeyExample, rotationExample } from '../openapi/examples.ts'
import { cacheable } from '../http/cacheable.ts'
import { asker, created, many, noContent, one, route, type Route } from '../http/route.ts'
import { appSchema, dataOf, jwksSchema, pageOf, pemSchema, rotationSchema } from '../openapi/schemas.ts'

const tag = 'Apps'
const answers = { description: 'The app', schema: dataOf(appSchema), example: { data: appExample } }

/** An app as it is answered. The issuer stays inside: clients go by the audience. */
export function visible({ issuer: _issuer, ...app }: App): object {
  return app
}

/** A rotation as it is answered. */
export function rotated(rotation: Rotation, { dryRun = false }: RotationOptions): object {
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
    description: 'The apps that the key sees, newest first.',
    query: appQuery,
    answers: {
      200: { description: 'A page of apps', schema: pageOf(appSchema), example: pageExample(appExample) },
    },
    run: ({ licensing, principal, query }) => licensing.apps.list(query, asker(principal)),
    answer: (listing) => many({ ...listing, data: listing.data.map(visible) }),
  }),
  route({
    method: 'POST',
    path: '/apps',
    access: 'apps',
    tag,
    operationId: 'createApp',
    summary: 'Create an app',
    description:
      'Makes a 4096-bit RSA key pair for it; the private key is sealed and never leaves the server.',
    body: newApp,
    bodyExample: {
      name: 'My Desktop App',
      slug: 'desktop-app',
      description: 'License management for my desktop application',
    },
    answers: { 201: answers },
    errors: ['conflict'],
    run: ({ licensing, principal, body }) => licensing.apps.create(body, asker(principal)),
    answer: (app) => created(visible(app)),
  }),
  route({
    method: 'GET',
    path: '/apps/:slug',
    access: 'read',
    tag,
    operationId: 'getApp',
    summary: 'Get an app',
    description: 'One app by its slug.',
    answers: { 200: answers },
    run: ({ licensing, app }) => licensing.apps.get(app),
    answer: (app) => one(visible(app)),
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug',
    access: 'write',
    tag,
    operationId: 'updateApp',
    summary: 'Change an app',
    description: 'Absent is unchanged, null clears. The slug never changes.',
    body: appChanges,
    bodyExample: { name: 'My Desktop App 2' },
    answers: { 200: answers },
    run: ({ licensing, app, body }) => licensing.apps.update(app, body),
    answer: (app) => one(visible(app)),
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug',
    access: 'write',
    tag,
    operationId: 'deleteApp',
    summary: 'Delete an app',
    description:
      'Deletes it with everything in it and the API keys bound to it. None of its tokens is good any more.',
    answers: { 204: { description: 'Deleted' } },
    run: ({ licensing, app }) => licensing.apps.delete(app),
    answer: noContent,
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
    answers: {
      200: {
        description: 'The public key',
        contentType: 'application/x-pem-file',
        schema: pemSchema,
        example: publicKeyExample,
      },
      304: { description: 'Not changed since the ETag in If-None-Match' },
    },
    run: ({ licensing, app }) => licensing.apps.publicKey(app),
    answer: (pem, { request }) => cacheable(request, pem, 'application/x-pem-file'),
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
      'The active public key first, then those whose tokens are still accepted after a rotation with grace.',
    answers: {
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
      304: { description: 'Not changed since the ETag in If-None-Match' },
    },
    run: ({ licensing, app }) => licensing.apps.jwks(app),
    answer: (jwks, { request }) => cacheable(request, JSON.stringify(jwks), 'application/json'),
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/rotate-keys',
    access: 'write',
    tag,
    operationId: 'rotateKeys',
    summary: 'Rotate the keys',
    description:
      'Replaces the key pair by a fresh one and re-signs every active license: tokens are derived from license and active key whenever they are asked for, so all of them are under the new key from the commit on. Tokens under the old key fail from then on, unless grace_period_days was given. Never give it after a suspected leak.',
    body: rotationOptions,
    bodyExample: {},
    answers: {
      200: {
        description: 'The keys were rotated',
        schema: dataOf(rotationSchema),
        example: { data: rotationExample },
      },
    },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.rotateKeys(app, body),
    answer: (rotation, { body }) => one(rotated(rotation, body)),
  }),
]
