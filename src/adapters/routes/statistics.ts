import { statsQuery } from '../../core/statistics/stats.ts'
import { statsExample, statusExample } from '../openapi/examples.ts'
import { one } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { dataOf, statsSchema, statusSchema } from '../openapi/schemas.ts'

const tag = 'Statistics'

export const statisticsRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/stats',
    access: 'catalogue:read',
    tag,
    operationId: 'getStats',
    summary: 'Get the statistics of an app',
    description:
      'Verifications, renewals and activations by outcome, and licenses issued and revoked, by hour or day of UTC; at most 400 steps. Each server writes its numbers every minute, so the last minute is missing, and a kill loses no more. The snapshot has the licenses by tier as they were counted at night, or in this hour if they are few.',
    query: statsQuery,
    responses: {
      200: {
        description: 'The numbers, one for each step',
        schema: dataOf(statsSchema),
        example: { data: statsExample },
      },
    },
    run: ({ licensing, app, query }) => licensing.stats(app, query),
    respond: one,
  }),
  route({
    method: 'GET',
    path: '/status',
    access: 'keys:write',
    tag,
    operationId: 'getStatus',
    summary: 'Get the status of the server',
    description:
      'The storage, the signing queue, the webhooks and the clock, and the last requests that this process refused. With several servers, each responds for itself. A key sees the apps of its mode.',
    responses: {
      200: { description: 'The status', schema: dataOf(statusSchema), example: { data: statusExample } },
    },
    run: ({ licensing }) => licensing.status(),
    respond: one,
  }),
]
