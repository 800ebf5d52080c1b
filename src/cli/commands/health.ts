import { buildCommand, type Command } from '@stricli/core'
import { printHealth } from '../health.ts'
import { readListenAddress, readPort } from '../settings.ts'
import { json, optional, text } from './flags.ts'
import type { CliContext } from './context.ts'

interface HealthFlags {
  readonly port?: number
  readonly host?: string
  readonly json: boolean
}

export const healthCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Check the health of the server on this machine',
    fullDescription:
      'Asks the server on this machine for its health, by the address and port that heartwood serve has. It exits with 0 if server and storage respond within 5 seconds. Containers and supervisors call it. It needs no key and opens no database.',
  },
  parameters: {
    flags: {
      port: optional('The port of the server; default 4000', 'port', readPort),
      host: text('The address of the server; default 127.0.0.1', 'address'),
      json,
    },
  },
  async func(this: CliContext, flags: HealthFlags) {
    await printHealth(readListenAddress(this.environment, flags), flags, this.output)
  },
})
