import { newFeature } from '../../core/features.ts'
import { newTier, tierChanges, tierQuery } from '../../core/tiers.ts'
import { featureExample, pageExample, tierExample } from '../openapi/examples.ts'
import { created, many, noContent, one } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { dataOf, featureSchema, pageOf, tierSchema } from '../openapi/schemas.ts'

const tag = 'Tiers'
const tierResponse = { description: 'The tier', schema: dataOf(tierSchema), example: { data: tierExample } }

const reading = { access: 'catalogue:read', tag } as const
const writing = { access: 'catalogue:write', tag } as const
const deleting = { access: 'catalogue:delete', tag } as const

const ownRoutes: readonly Route[] = [
  route({
    ...reading,
    method: 'GET',
    path: '/apps/:slug/tiers',
    operationId: 'listTiers',
    summary: 'List tiers',
    description: 'The tiers of an app, by position.',
    query: tierQuery,
    responses: {
      200: { description: 'A page of tiers', schema: pageOf(tierSchema), example: pageExample(tierExample) },
    },
    run: ({ licensing, app, query }) => licensing.tiers.list(app, query),
    respond: many,
  }),
  route({
    ...writing,
    method: 'POST',
    path: '/apps/:slug/tiers',
    operationId: 'createTier',
    summary: 'Create a tier',
    description:
      'Features that are not in the app’s catalogue are added to it, with their slug as their name.',
    body: newTier,
    bodyExample: { name: 'Pro', slug: 'pro', features: ['api_access'] },
    responses: { 201: tierResponse },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.tiers.create(app, body),
    respond: created,
  }),
  route({
    ...reading,
    method: 'GET',
    path: '/apps/:slug/tiers/:tier',
    operationId: 'getTier',
    summary: 'Get a tier',
    description: 'One tier by id or slug.',
    responses: { 200: tierResponse },
    run: ({ licensing, app, params }) => licensing.tiers.get(app, params.tier ?? ''),
    respond: one,
  }),
  route({
    ...writing,
    method: 'PUT',
    path: '/apps/:slug/tiers/:tier',
    operationId: 'updateTier',
    summary: 'Change a tier',
    description: 'An absent field is unchanged, and null clears it. The slug never changes.',
    body: tierChanges,
    bodyExample: { position: 2 },
    responses: { 200: tierResponse },
    run: ({ licensing, app, params, body }) => licensing.tiers.update(app, params.tier ?? '', body),
    respond: one,
  }),
  route({
    ...deleting,
    method: 'DELETE',
    path: '/apps/:slug/tiers/:tier',
    operationId: 'deleteTier',
    summary: 'Delete a tier',
    description:
      'The tier’s licenses keep their tokens. Regenerating one fails with missing_tier until the license gets another tier.',
    responses: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.tiers.delete(app, params.tier ?? ''),
    respond: noContent,
  }),
]

const featureRoutes: readonly Route[] = [
  route({
    ...reading,
    method: 'GET',
    path: '/apps/:slug/tiers/:tier/features',
    operationId: 'listTierFeatures',
    summary: 'List the features of a tier',
    description: 'All features of the tier, in the order in which they were added.',
    responses: {
      200: {
        description: 'The tier’s features',
        schema: pageOf(featureSchema),
        example: pageExample(featureExample),
      },
    },
    run: ({ licensing, app, params }) => licensing.tiers.features(app, params.tier ?? ''),
    respond: (data) => many({ data, total: data.length, page: 1, perPage: 100, nextCursor: null }),
  }),
  route({
    ...writing,
    method: 'POST',
    path: '/apps/:slug/tiers/:tier/features',
    operationId: 'addTierFeature',
    summary: 'Add a feature to a tier',
    description:
      'Adds the feature to the app’s catalogue if its slug is new there; otherwise the existing feature is used. Existing licenses get it when they are regenerated.',
    body: newFeature,
    bodyExample: { name: 'Webhooks', slug: 'webhooks' },
    responses: {
      200: {
        description: 'The tier already has the feature; nothing changed',
        schema: dataOf(featureSchema),
        example: { data: featureExample },
      },
      201: { description: 'Added', schema: dataOf(featureSchema), example: { data: featureExample } },
    },
    run: ({ licensing, app, params, body }) => licensing.tiers.addFeature(app, params.tier ?? '', body),
    respond: ({ feature, added }) => (added ? created(feature) : one(feature)),
  }),
  route({
    ...writing,
    method: 'DELETE',
    path: '/apps/:slug/tiers/:tier/features/:feature',
    operationId: 'removeTierFeature',
    summary: 'Remove a feature from a tier',
    description: 'The feature stays in the catalogue. Tokens keep it until they are regenerated.',
    responses: { 204: { description: 'Removed' } },
    run: ({ licensing, app, params }) =>
      licensing.tiers.removeFeature(app, params.tier ?? '', params.feature ?? ''),
    respond: noContent,
  }),
]

export const tierRoutes: readonly Route[] = [...ownRoutes, ...featureRoutes]
