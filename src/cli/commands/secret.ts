import { buildCommand, type Command } from '@stricli/core'
import { newMasterKey } from '../new-master-key.ts'
import { toggle } from './flags.ts'
import type { CliContext } from './context.ts'

interface SecretFlags {
  readonly env: boolean
}

export const secretCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Print a new master key',
    fullDescription:
      'Prints a new master key: 32 random bytes in base64, for HEARTWOOD_MASTER_KEY or for the file that HEARTWOOD_MASTER_KEY_FILE names. It keeps no copy and opens no database.',
  },
  parameters: {
    flags: { env: toggle('Print it as a line for an .env file') },
  },
  func(this: CliContext, { env }: SecretFlags) {
    const key = newMasterKey()
    this.output.line(env ? `HEARTWOOD_MASTER_KEY=${key}` : key)
  },
})
