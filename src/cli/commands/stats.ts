import { buildCommand, type Command } from '@stricli/core'
import { showStats } from '../stats.ts'
import { prepare, type CliContext } from './context.ts'
import { argument, database, json, optional, parseDate, type JsonFlags } from './flags.ts'

interface StatsFlags extends JsonFlags {
  readonly from?: number
  readonly to?: number
  readonly step?: 'hour' | 'day'
}

/** @throws {Error} */
function parseStep(given: string): 'hour' | 'day' {
  if (given !== 'hour' && given !== 'day') throw new Error('a step is hour or day')
  return given
}

export const statsCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Show the statistics of an app',
    fullDescription:
      'Shows what happened in an app, by day or hour of UTC, and its licenses by tier as a server counted them last. Servers write their numbers every minute.',
  },
  parameters: {
    flags: {
      from: optional(
        'The begin: 2027-01-31, or a time; default 30 days or 48 hours before the end',
        'time',
        parseDate,
      ),
      to: optional('The end; default now', 'time', parseDate),
      step: optional('day or hour; default day', 'step', parseStep),
      json,
      database,
    },
    positional: argument('The slug of the app', 'slug'),
  },
  async func(this: CliContext, flags: StatsFlags, slug: string) {
    const { json: asJson, database: _database, ...query } = flags
    await showStats(await prepare(this, flags), slug, { query, json: asJson }, this.output)
  },
})
