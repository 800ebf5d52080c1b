import { Type, type TObject } from '@sinclair/typebox'
import { instant, nullable, oneOf } from '../../core/input/fields.ts'
import { input } from '../../core/input/parse.ts'
import type { Stats } from '../../core/statistics/stats.ts'
import type { Status } from '../../core/statistics/status.ts'
import { count, line, list, matching, object, slug } from './fields.ts'

const tierCounts = object('The licenses of one tier', {
  tier: nullable(slug('Slug of the tier; null for the licenses whose tier was deleted')),
  active: count('Active licenses'),
  expired: count('Expired licenses'),
  revoked: count('Revoked licenses'),
})

const series = Type.Unsafe<Stats['series']>(
  Type.Object(
    {},
    {
      description: 'Numbers by name, such as verify.ok: one for each step, the earliest first',
      maxProperties: 100,
      additionalProperties: Type.Array(count('Number of times'), { maxItems: 400 }),
    },
  ),
)

const stats = input<Stats>()(
  object('Numbers of what happened in an app', {
    from: instant('Begin of the first step'),
    to: instant('End of the last step'),
    step: oneOf('Span of each number, in UTC', ['hour', 'day']),
    series,
    snapshot: nullable(
      object('The licenses as they were last counted; null before the first time', {
        at: instant('Time as of which they were counted'),
        tiers: list(tierCounts, 'The tiers in their order', 10_000),
      }),
    ),
  }),
)

const refusal = object('A refused request', {
  time: instant('Time of the refusal'),
  route: line('Method and path of the route below /api/v1, with :name for each parameter', 128),
  code: line('Machine code of the error', 63),
  app: nullable(line('Slug of the app; null if the path names none that the key sees', 63)),
  kid: nullable(matching('kid in the refused token; null without one', '^[A-Za-z0-9_-]{43}$', 43)),
  requestId: line('X-Request-Id of the response', 128),
})

const status = input<Status>()(
  object('State of this process and of its storage', {
    storage: oneOf('error if storage does not respond', ['ok', 'error']),
    signing: object('The signing queue', {
      running: count('Tokens that are being signed'),
      waiting: count('Tokens that wait to be signed'),
    }),
    webhooks: object('The webhooks of the apps that the key sees', {
      due: nullable(count('Due events, at most 10,000 of an app; null if storage does not respond')),
      oldestDueAt: nullable(instant('Time since which the first is due; null if none is')),
      disabled: list(
        matching('Slug of an app', '^[a-z0-9-]{1,63}$', 63),
        'Apps whose webhook is switched off because of failures',
        1_000_000,
      ),
      webhookQueueFull: list(
        matching('Slug of an app', '^[a-z0-9-]{1,63}$', 63),
        'Apps whose queue is full, so that new events are dropped',
        1_000_000,
      ),
    }),
    clock: instant('Time by the clock of this process'),
    refusals: list(refusal, 'The last requests that this process refused, newest first', 100),
  }),
)

export type StatisticsViewName = 'Stats' | 'Status'

export const statisticsViews: Readonly<Record<StatisticsViewName, TObject>> = {
  Stats: stats.schema,
  Status: status.schema,
}
