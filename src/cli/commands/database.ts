import { buildCommand, type Command } from '@stricli/core'
import { version } from '../../adapters/version.ts'
import { withDatabase } from '../database.ts'
import { doctor } from '../doctor/doctor.ts'
import { exportRecords } from '../backup/export.ts'
import { importRecords } from '../backup/import.ts'
import { rekey } from '../rekey.ts'
import { shownDatabase } from '../settings.ts'
import { argument, database, json, toggle, type DatabaseFlags, type JsonFlags } from './flags.ts'
import { prepare, type CliContext } from './context.ts'

interface ImportFlags extends JsonFlags {
  readonly restore: boolean
}

export const migrateCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Create the database, or bring it to this version' },
  parameters: { flags: { database } },
  async func(this: CliContext, flags: DatabaseFlags) {
    const settings = await prepare(this, flags)
    await withDatabase(settings, async () => {}, { announce: this.output.line })
    this.output.line(`${shownDatabase(settings.database)} is at version ${version}.`)
  },
})

export const exportCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Write every record to a file, with its secrets sealed, while servers run' },
  parameters: {
    flags: { json, database },
    positional: argument('The new file; - for standard output', 'file'),
  },
  async func(this: CliContext, flags: JsonFlags, file: string) {
    await exportRecords(await prepare(this, flags), file, this.output, flags)
  },
})

export const importCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Import an exported file into an empty database, all of it or nothing' },
  parameters: {
    flags: {
      restore: toggle('Restore a backup: raises every revision so that no jti is issued twice'),
      json,
      database,
    },
    positional: argument('The exported file; - for standard input', 'file'),
  },
  async func(this: CliContext, flags: ImportFlags, file: string) {
    await importRecords(await prepare(this, flags), file, this.output, flags)
  },
})

export const doctorCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Check every sealed key and every record, and change nothing' },
  parameters: { flags: { json, database } },
  async func(this: CliContext, flags: JsonFlags) {
    await doctor(await prepare(this, flags), this.output, flags)
  },
})

export const rekeyCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Reseal every secret under a new master key while servers run',
    fullDescription:
      'Reseals every secret under the first configured master key. Set the new key first and the old key second, separated by a comma. Servers with the same two keys may run meanwhile. You may interrupt the command and start it again. Afterwards the new key alone opens everything.',
  },
  parameters: { flags: { json, database } },
  async func(this: CliContext, flags: JsonFlags) {
    await rekey(await prepare(this, flags), this.output, flags)
  },
})
