import { featureChanges, featureQuery, newFeature } from '../../core/features.ts'
import { featureExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, one } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { dataOf, featureSchema, pageOf } from '../openapi/schemas.ts'

const tag = 'Features'
const featureResponse = {
  description: 'The feature',
  schema: dataOf(featureSchema),
  example: { data: featureExample },
}

export const featureRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/features',
    access: 'catalogue:read',
    tag,
    operationId: 'listFeatures',
    summary: 'List features',
    description: 'The app’s catalogue of features, newest first.',
    query: featureQuery,
    responses: {
      200: {
        description: 'A page of features',
        schema: pageOf(featureSchema),
        example: pageExample(featureExample),
      },
    },
    run: ({ licensing, app, query }) => licensing.features.list(app, query),
    respond: many,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/features',
    access: 'catalogue:write',
    tag,
    operationId: 'createFeature',
    summary: 'Create a feature',
    description: 'Adds the feature to the app’s catalogue. No tier has it yet.',
    body: newFeature,
    bodyExample: { name: 'Webhooks', slug: 'webhooks' },
    responses: { 201: featureResponse },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.features.create(app, body),
    respond: created,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/features/:feature',
    access: 'catalogue:read',
    tag,
    operationId: 'getFeature',
    summary: 'Get a feature',
    description: 'One feature by id or slug.',
    responses: { 200: featureResponse },
    run: ({ licensing, app, params }) => licensing.features.get(app, params.feature ?? ''),
    respond: one,
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug/features/:feature',
    access: 'catalogue:write',
    tag,
    operationId: 'updateFeature',
    summary: 'Change a feature',
    description: 'An absent field is unchanged, and null clears it. The slug never changes.',
    body: featureChanges,
    bodyExample: { name: 'Web hooks' },
    responses: { 200: featureResponse },
    run: ({ licensing, app, params, body }) => licensing.features.update(app, params.feature ?? '', body),
    respond: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug/features/:feature',
    access: 'catalogue:delete',
    tag,
    operationId: 'deleteFeature',
    summary: 'Delete a feature',
    description: 'Removes the feature from every tier. Tokens keep it until they are regenerated.',
    responses: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.features.delete(app, params.feature ?? ''),
    respond: noContent,
  }),
]
