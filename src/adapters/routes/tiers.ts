import { newFeature } from '../../core/features.ts'
import { newTier, tierChanges, tierQuery } from '../../core/tiers.ts'
import { featureExample, pageExample, tierExample } from '../openapi/examples.ts'
import { created, many, noContent, one, route, type Route } from '../http/route.ts'
import { dataOf, featureSchema, pageOf, tierSchema } from '../openapi/schemas.ts'

const tag = 'Tiers'
const answers = { description: 'The tier', schema: dataOf(tierSchema), example: { data: tierExample } }

const tierRow = { access: 'read', tag } as const
const tierWrite = { access: 'write', tag } as const

const itself: readonly Route[] = [
  route({
    ...tierRow,
    method: 'GET',
    path: '/apps/:slug/tiers',
    operationId: 'listTiers',
    summary: 'List tiers',
    description: 'The tiers of an app by position.',
    query: tierQuery,
    answers: {
      200: { description: 'A page of tiers', schema: pageOf(tierSchema), example: pageExample(tierExample) },
    },
    run: ({ licensing, app, query }) => licensing.tiers.list(app, query),
    answer: many,
  }),
  route({
    ...tierWrite,
    method: 'POST',
    path: '/apps/:slug/tiers',
    operationId: 'createTier',
    summary: 'Create a tier',
    description: 'With features, those that the app’s catalogue lacks are created there, their slug as name.',
    body: newTier,
    bodyExample: { name: 'Pro', slug: 'pro', features: ['api_access'] },
    answers: { 201: answers },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.tiers.create(app, body),
    answer: created,
  }),
  route({
    ...tierRow,
    method: 'GET',
    path: '/apps/:slug/tiers/:tier',
    operationId: 'getTier',
    summary: 'Get a tier',
    description: 'One tier by id or slug.',
    answers: { 200: answers },
    run: ({ licensing, app, params }) => licensing.tiers.get(app, params.tier ?? ''),
    answer: one,
  }),
  route({
    ...tierWrite,
    method: 'PUT',
    path: '/apps/:slug/tiers/:tier',
    operationId: 'updateTier',
    summary: 'Change a tier',
    description: 'Absent is unchanged, null clears. The slug never changes.',
    body: tierChanges,
    bodyExample: { position: 2 },
    answers: { 200: answers },
    run: ({ licensing, app, params, body }) => licensing.tiers.update(app, params.tier ?? '', body),
    answer: one,
  }),
  route({
    ...tierWrite,
    method: 'DELETE',
    path: '/apps/:slug/tiers/:tier',
    operationId: 'deleteTier',
    summary: 'Delete a tier',
    description:
      'Its licenses keep their tokens; regenerating one answers missing_tier until it is given another tier.',
    answers: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.tiers.delete(app, params.tier ?? ''),
    answer: noContent,
  }),
]

const itsFeatures: readonly Route[] = [
  route({
    ...tierRow,
    method: 'GET',
    path: '/apps/:slug/tiers/:tier/features',
    operationId: 'listTierFeatures',
    summary: 'List the features of a tier',
    description: 'All of them, in the order of adding.',
    answers: {
      200: {
        description: 'The tier’s features',
        schema: pageOf(featureSchema),
        example: pageExample(featureExample),
      },
    },
    run: ({ licensing, app, params }) => licensing.tiers.features(app, params.tier ?? ''),
    answer: (data) => many({ data, total: data.length, page: 1, perPage: 100, nextCursor: null }),
  }),
  route({
    ...tierWrite,
    method: 'POST',
    path: '/apps/:slug/tiers/:tier/features',
    operationId: 'addTierFeature',
    summary: 'Add a feature to a tier',
    description:
      'Creates it in the app’s catalogue when its slug is new there, else links the existing one. Existing licenses get it when they are regenerated.',
    body: newFeature,
    bodyExample: { name: 'Webhooks', slug: 'webhooks' },
    answers: {
      200: {
        description: 'The tier had it already; nothing changed',
        schema: dataOf(featureSchema),
        example: { data: featureExample },
      },
      201: { description: 'Added', schema: dataOf(featureSchema), example: { data: featureExample } },
    },
    run: ({ licensing, app, params, body }) => licensing.tiers.addFeature(app, params.tier ?? '', body),
    answer: ({ feature, added }) => (added ? created(feature) : one(feature)),
  }),
  route({
    ...tierWrite,
    method: 'DELETE',
    path: '/apps/:slug/tiers/:tier/features/:feature',
    operationId: 'removeTierFeature',
    summary: 'Take a feature out of a tier',
    description: 'The catalogue keeps it. Tokens keep it until they are regenerated.',
    answers: { 204: { description: 'Taken out' } },
    run: ({ licensing, app, params }) =>
      licensing.tiers.removeFeature(app, params.tier ?? '', params.feature ?? ''),
    answer: noContent,
  }),
]

export const tierRoutes: readonly Route[] = [...itself, ...itsFeatures]
