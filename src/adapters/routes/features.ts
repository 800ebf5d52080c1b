import { featureChanges, featureQuery, newFeature } from '../../core/features.ts'
import { featureExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, one, route, type Route } from '../http/route.ts'
import { dataOf, featureSchema, pageOf } from '../openapi/schemas.ts'

const tag = 'Features'
const answers = {
  description: 'The feature',
  schema: dataOf(featureSchema),
  example: { data: featureExample },
}

export const featureRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/features',
    access: 'read',
    tag,
    operationId: 'listFeatures',
    summary: 'List features',
    description: 'The catalogue of an app, newest first.',
    query: featureQuery,
    answers: {
      200: {
        description: 'A page of features',
        schema: pageOf(featureSchema),
        example: pageExample(featureExample),
      },
    },
    run: ({ licensing, app, query }) => licensing.features.list(app, query),
    answer: many,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/features',
    access: 'write',
    tag,
    operationId: 'createFeature',
    summary: 'Create a feature',
    description: 'Adds it to the app’s catalogue, to no tier yet.',
    body: newFeature,
    bodyExample: { name: 'Webhooks', slug: 'webhooks' },
    answers: { 201: answers },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.features.create(app, body),
    answer: created,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/features/:feature',
    access: 'read',
    tag,
    operationId: 'getFeature',
    summary: 'Get a feature',
    description: 'One feature by id or slug.',
    answers: { 200: answers },
    run: ({ licensing, app, params }) => licensing.features.get(app, params.feature ?? ''),
    answer: one,
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug/features/:feature',
    access: 'write',
    tag,
    operationId: 'updateFeature',
    summary: 'Change a feature',
    description: 'Absent is unchanged, null clears. The slug never changes.',
    body: featureChanges,
    bodyExample: { name: 'Web hooks' },
    answers: { 200: answers },
    run: ({ licensing, app, params, body }) => licensing.features.update(app, params.feature ?? '', body),
    answer: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug/features/:feature',
    access: 'write',
    tag,
    operationId: 'deleteFeature',
    summary: 'Delete a feature',
    description: 'Takes it out of every tier. Tokens keep it until they are regenerated.',
    answers: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.features.delete(app, params.feature ?? ''),
    answer: noContent,
  }),
]
