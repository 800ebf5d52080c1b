import { buildCommand, type Command } from '@stricli/core'
import type { Mode } from '../../core/index.ts'
import { listAuditEntries, type ListAuditOptions } from '../audit.ts'
import { UsageError } from '../errors.ts'
import { prepare, type CliContext } from './context.ts'
import { database, json, optional, parseDate, parseLimit, text, type DatabaseFlags } from './flags.ts'

type ListFlags = ListAuditOptions & DatabaseFlags

/** @throws {Error} */
function parseMode(given: string): Mode {
  if (given !== 'live' && given !== 'test') throw new Error('a mode is live or test')
  return given
}

export const auditListCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'List the entries of the audit log, newest first',
    fullDescription:
      'Lists what was done, by whom and when. Without --app it lists the entries of all apps of the mode, also of deleted ones, and those outside any app.',
  },
  parameters: {
    flags: {
      app: text('Only the app with this slug or id', 'slug'),
      mode: optional('Without --app: live or test; default live', 'mode', parseMode),
      target: text('Only acts on the thing with this id', 'id'),
      actor: text('Only acts of this actor: an id, or cli, embedder or system', 'actor'),
      action: text('Only acts of this name, such as license.revoked', 'action'),
      from: optional('Only acts from this time on', 'time', parseDate),
      to: optional('Only acts before this time', 'time', parseDate),
      limit: optional('The maximum number of entries; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    if (flags.app !== undefined && flags.mode !== undefined)
      throw new UsageError('--mode cannot stand beside --app, because an app has one mode')
    await listAuditEntries(await prepare(this, flags), flags, this.output)
  },
})
