import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { AuditEntry, AuditQuery, Mode } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import type { AsJson, Output } from './terminal/output.ts'

export interface ListAuditOptions extends AsJson, Pick<AuditQuery, 'target' | 'actor' | 'action'> {
  /** The slug or id of an app; by default all apps of the mode. */
  readonly app?: string
  readonly mode?: Mode
  /** Seconds since 1970. */
  readonly from?: number
  /** Seconds since 1970. */
  readonly to?: number
  readonly limit?: number
}

function actorOf({ actor: { type, id, label } }: AuditEntry): string {
  const name = id ?? type
  return label === null || label === '' ? name : `${name} (${label})`
}

const format: ListFormat<AuditEntry> = {
  head: ['TIME', 'ACTION', 'TARGET', 'ACTOR', 'CHANGED'],
  row: (entry) => [
    isoTime(entry.time),
    entry.action,
    entry.target.id ?? entry.target.type,
    actorOf(entry),
    Object.keys(entry.changes).join(' '),
  ],
  toJson: toWire,
}

/** Lists the entries of the audit log, newest first. */
export async function listAuditEntries(
  settings: CliSettings,
  { app, mode, limit, json, target, actor, action, from, to }: ListAuditOptions,
  output: Output,
): Promise<void> {
  const given = Object.entries({ target, actor, action, from, to }).filter(([, value]) => value !== undefined)
  const query: AuditQuery = Object.fromEntries(given)
  const options = mode === undefined ? {} : { mode }
  await withExistingDatabase(settings, async ({ licensing: { audit } }) => {
    const pages = pagesOf((paging) => audit.list(app ?? null, { ...query, ...paging }, options), limit)
    await printList(pages, format, { json }, output)
  })
}
