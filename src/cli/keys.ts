import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { ApiKey, NewApiKey } from '../core/index.ts'
import { withDatabase, withStandingDatabase } from './database.ts'
import { pagesOf, printList, type Table } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import type { Settings } from './settings.ts'
import { shown } from './terminal/table.ts'

function describe(key: ApiKey): string {
  const scope = key.app === null ? `every ${key.mode} app` : `app ${key.app}`
  return `${key.type === 'sk' ? 'secret' : 'public'} key ${key.id} to ${scope}`
}

/** Makes a key. Standard output gets the secret alone, so that `KEY=$(heartwood keys create)` works. */
export async function createKey(
  settings: Settings,
  key: NewApiKey,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  await withDatabase(settings, async ({ licensing, made }) => {
    const created = await licensing.apiKeys.create(key)
    if (made.length > 0) output.note(`Made ${made.join(' and ')}.`)
    if (!json) output.note(`Made ${describe(created)}. Its secret is shown only this once.`)
    output.line(json ? jsonOf(toWire(created)) : created.secret)
  })
}

function statusOf(key: ApiKey): string {
  if (key.revokedAt !== null) return 'revoked'
  if (key.expiresAt === null) return 'active'
  const isOver = key.expiresAt <= Date.now() / 1000
  return `${isOver ? 'expired' : 'until'} ${isoTime(key.expiresAt)}`
}

const table: Table<ApiKey> = {
  head: ['ID', 'KEY', 'APP', 'STATUS', 'CREATED', 'NAME'],
  row: (key) => [
    ...[key.id, `${key.prefix}…${key.lastFour}`, key.app ?? '(all)', statusOf(key)],
    ...[isoTime(key.createdAt), shown(key.name)],
  ],
  answer: toWire,
}

/** Lists every key, newest first. */
export async function listKeys(settings: Settings, output: Output, asJson: AsJson): Promise<void> {
  await withStandingDatabase(settings, ({ licensing }) =>
    printList(
      pagesOf((paging) => licensing.apiKeys.list(paging)),
      table,
      asJson,
      output,
    ),
  )
}

/** Revokes a key; a running server refuses it from the next request on. */
export async function revokeKey(
  settings: Settings,
  id: string,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  const key = await withStandingDatabase(settings, ({ licensing }) => licensing.apiKeys.revoke(id))
  output.line(json ? jsonOf(toWire(key)) : `Revoked ${describe(key)}.`)
}
