import { buildCommand, type Command } from '@stricli/core'
import { readMetricsPort, readServerOptions } from '../server-options.ts'
import { serve } from '../serve.ts'
import { readAuditDays, readListenAddress, readPort, readSigning, readWebhooks } from '../settings.ts'
import { database, optional, text, type DatabaseFlags } from './flags.ts'
import { prepare, type CliContext } from './context.ts'

interface ServeFlags extends DatabaseFlags {
  readonly port?: number
  readonly host?: string
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
      database,
    },
  },
  async func(this: CliContext, flags: ServeFlags) {
    const settings = await prepare(this, flags)
    const address = readListenAddress(this.environment, flags)
    const options = readServerOptions(this.environment)
    const metricsPort = readMetricsPort(this.environment)
    const signing = readSigning(this.environment)
    const webhooks = readWebhooks(this.environment)
    const auditDays = readAuditDays(this.environment)
    await serve(settings, { address, options, metricsPort, signing, webhooks, auditDays }, this.output)
  },
})
