import { buildCommand, type Command } from '@stricli/core'
import { readDashboard } from '../dashboard.ts'
import { UsageError } from '../errors.ts'
import { readMetricsPort, readServerOptions } from '../server-options.ts'
import { serve, serveDemo } from '../serve.ts'
import { readAuditDays, readListenAddress, readPort, readSigning, readWebhooks } from '../settings.ts'
import { database, optional, text, toggle, type DatabaseFlags } from './flags.ts'
import { prepare, type CliContext } from './context.ts'

interface ServeFlags extends DatabaseFlags {
  readonly port?: number
  readonly host?: string
  readonly demo: boolean
}

export const serveCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Run the licensing server',
    fullDescription:
      'Runs the licensing server. The first start creates the database, its master key and one secret API key.',
  },
  parameters: {
    flags: {
      port: optional('The port to listen on; 0 for any free port; default 4000', 'port', readPort),
      host: text('The address to listen on; default 127.0.0.1, for this machine only', 'address'),
      demo: toggle('Serve invented data from memory, to look at the dashboard'),
      database,
    },
  },
  async func(this: CliContext, flags: ServeFlags) {
    if (flags.demo && flags.database !== undefined)
      throw new UsageError('--demo keeps its data in memory: leave --database out')
    const settings = await prepare(this, flags)
    const address = readListenAddress(this.environment, flags)
    const dashboard = readDashboard(this.environment, address)
    const options = { ...readServerOptions(this.environment), dashboard }
    const metricsPort = readMetricsPort(this.environment)
    const signing = readSigning(this.environment)
    const webhooks = readWebhooks(this.environment)
    const auditDays = readAuditDays(this.environment)
    const wanted = { address, options, metricsPort, signing, webhooks, auditDays }
    await (flags.demo ? serveDemo(wanted, this.output) : serve(settings, wanted, this.output))
  },
})
