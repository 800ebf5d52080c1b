import { buildCommand, type Command } from '@stricli/core'
import { readServerOptions } from '../server-options.ts'
import { serve } from '../serve.ts'
import { readAddress, readPort, readSigning, readWebhooks } from '../settings.ts'
import { database, optional, text, type DatabaseFlags } from './flags.ts'
import { prepare, type Surroundings } from './context.ts'

interface ServeFlags extends DatabaseFlags {
  readonly port?: number
  readonly host?: string
}

export const serveCommand: Command<Surroundings> = buildCommand({
  docs: {
    brief: 'Run the licensing server',
    fullDescription:
      'Runs the licensing server. The first start makes the database, its master key and one secret API key.',
  },
  parameters: {
    flags: {
      port: optional('Port to listen on, 0 for any; default 4000', 'port', readPort),
      host: text('Address to listen on; default 127.0.0.1, which only this machine reaches', 'address'),
      database,
    },
  },
  async func(this: Surroundings, flags: ServeFlags) {
    const settings = await prepare(this, flags)
    const address = readAddress(this.environment, flags)
    const options = readServerOptions(this.environment)
    const signing = readSigning(this.environment)
    const webhooks = readWebhooks(this.environment)
    await serve(settings, { address, options, signing, webhooks }, this.output)
  },
})
