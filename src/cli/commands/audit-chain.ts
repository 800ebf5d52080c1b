import { buildCommand, type Command } from '@stricli/core'
import { exportAuditLog, verifyAuditLog } from '../audit-chain.ts'
import { argument, database, json, text, type JsonFlags } from './flags.ts'
import { prepare, type CliContext } from './context.ts'

interface VerifyFlags extends JsonFlags {
  readonly checkpoint?: string
}

export const auditVerifyCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Verify that no sealed entry of the audit log was changed',
    fullDescription:
      'Compares each sealed entry with its code. It exits with 1 at the first entry that was changed, removed, added or moved. Only a checkpoint that you have kept elsewhere shows that the newest entries were cut off.',
  },
  parameters: {
    flags: {
      checkpoint: text('The file of a checkpoint, as an event audit.checkpoint has it', 'file'),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: VerifyFlags) {
    await verifyAuditLog(await prepare(this, flags), flags, this.output)
  },
})

export const auditExportCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Write the audit log and its checkpoints to a file, one JSON document a line' },
  parameters: {
    flags: { json, database },
    positional: argument('The new file; - for standard output', 'file'),
  },
  async func(this: CliContext, flags: JsonFlags, file: string) {
    await exportAuditLog(await prepare(this, flags), file, this.output, flags)
  },
})
