import { buildCommand, type Command } from '@stricli/core'
import { searchRecords, type SearchCommandOptions } from '../search.ts'
import { prepare, type CliContext } from './context.ts'
import { argument, database, json, type DatabaseFlags } from './flags.ts'

type SearchFlags = SearchCommandOptions & DatabaseFlags

export const searchCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Find customers, licenses and other records in all apps',
    fullDescription:
      'Finds ids, installations, external ids, slugs and jtis exactly, and customers by the beginning of their e-mail or name. It shows at most 20 records.',
  },
  parameters: {
    flags: {
      mode: {
        kind: 'enum',
        values: ['live', 'test'],
        brief: 'Only apps of this mode; default both',
        optional: true,
      },
      json,
      database,
    },
    positional: argument('The text; - for standard input, which keeps it out of the process list', 'text'),
  },
  async func(this: CliContext, flags: SearchFlags, text: string) {
    await searchRecords(await prepare(this, flags), text, flags, this.output)
  },
})
