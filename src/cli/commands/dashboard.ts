import { buildCommand, type Command } from '@stricli/core'
import { localAddress, printDashboardLink } from '../dashboard.ts'
import { UsageError } from '../errors.ts'
import { parsePublicUrl } from '../server-options.ts'
import { readListenAddress, readPort } from '../settings.ts'
import { database, optional, text, type DatabaseFlags } from './flags.ts'
import { prepare, type CliContext } from './context.ts'

interface DashboardFlags extends DatabaseFlags {
  readonly key?: string
  readonly mode?: 'live' | 'test'
  readonly port?: number
  readonly host?: string
}

export const dashboardCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Print a link that signs one person in to the dashboard',
    fullDescription:
      'Prints a link to the dashboard of the running server. It works once, for ten minutes, with the rights of an API key: by default the oldest one that may do everything. The link begins with HEARTWOOD_PUBLIC_URL, or with the address that the server listens on.',
  },
  parameters: {
    flags: {
      key: text('The id of the key, as heartwood keys list shows it', 'id'),
      mode: {
        kind: 'enum',
        values: ['live', 'test'],
        brief: 'The mode of the key, if --key names none; default live',
        optional: true,
      },
      port: optional('The port of the server; default 4000', 'port', readPort),
      host: text('The address of the server; default 127.0.0.1', 'address'),
      database,
    },
  },
  async func(this: CliContext, flags: DashboardFlags) {
    const { key, mode } = flags
    if (key !== undefined && mode !== undefined) throw new UsageError('Give --key or --mode, not both')
    const settings = await prepare(this, flags)
    const address =
      parsePublicUrl(this.environment) ?? localAddress(readListenAddress(this.environment, flags))
    const wanted = { address, ...(key !== undefined && { key }), ...(mode !== undefined && { mode }) }
    await printDashboardLink(settings, wanted, this.output)
  },
})
