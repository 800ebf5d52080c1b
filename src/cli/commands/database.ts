import { buildCommand, type Command } from '@stricli/core'
import { version } from '../../adapters/version.ts'
import { withDatabase } from '../database.ts'
import { doctor } from '../doctor/doctor.ts'
import { exportRecords } from '../backup/export.ts'
import { importRecords } from '../backup/import.ts'
import { rekey } from '../rekey.ts'
import { shownDatabase } from '../settings.ts'
import { argument, database, json, toggle, type DatabaseFlags, type JsonFlags } from './flags.ts'
import { prepare, type Surroundings } from './context.ts'

interface ImportFlags extends JsonFlags {
  readonly restore: boolean
}

export const migrateCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Bring the database to this version, making it where there is none' },
  parameters: { flags: { database } },
  async func(this: Surroundings, flags: DatabaseFlags) {
    const settings = await prepare(this, flags)
    const { made } = await withDatabase(settings, async (opened) => opened)
    if (made.length > 0) this.output.line(`Made ${made.join(' and ')}.`)
    this.output.line(`${shownDatabase(settings.database)} is of version ${version}.`)
  },
})

export const exportCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Write every record to a file, secrets sealed, while servers go on' },
  parameters: {
    flags: { json, database },
    positional: argument('A new file; - for standard output', 'file'),
  },
  async func(this: Surroundings, flags: JsonFlags, file: string) {
    await exportRecords(await prepare(this, flags), file, this.output, flags)
  },
})

export const importCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Read what export wrote into an empty database, all of it or nothing' },
  parameters: {
    flags: {
      restore: toggle(
        'It is a backup of a database that was lost: tokens issued since keep a jti of their own',
      ),
      json,
      database,
    },
    positional: argument('The file; - for standard input', 'file'),
  },
  async func(this: Surroundings, flags: ImportFlags, file: string) {
    await importRecords(await prepare(this, flags), file, this.output, flags)
  },
})

export const doctorCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Open every sealed key and hold every record against its rules, changing nothing' },
  parameters: { flags: { json, database } },
  async func(this: Surroundings, flags: JsonFlags) {
    await doctor(await prepare(this, flags), this.output, flags)
  },
})

export const rekeyCommand: Command<Surroundings> = buildCommand({
  docs: {
    brief: 'Reseal everything under a new master key, while servers go on',
    fullDescription:
      'Reseals everything under the first of the configured master keys, which is the new one; the old one stands behind it, separated by a comma. Servers with the same two keys may go on meanwhile. Safe to break off and to begin again. Afterwards the new key alone opens everything.',
  },
  parameters: { flags: { json, database } },
  async func(this: Surroundings, flags: JsonFlags) {
    await rekey(await prepare(this, flags), this.output, flags)
  },
})
