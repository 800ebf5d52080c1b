import { isoTime, toWire } from '../adapters/wire.ts'
import type { ApiKey, ApiKeys, NewApiKey } from '../core/index.ts'
import { requireDatabase, withDatabase } from './database.ts'
import type { Output } from './output.ts'
import type { Settings } from './settings.ts'

interface AsJson {
  readonly json: boolean
}

function json(value: object): string {
  return JSON.stringify(value, null, 2)
}

function describe(key: ApiKey): string {
  const scope = key.app === null ? `every ${key.mode} app` : `app ${key.app}`
  return `${key.type === 'sk' ? 'secret' : 'public'} key ${key.id} to ${scope}`
}

/** Makes a key. Standard output gets the secret alone, so that `KEY=$(heartwood keys create)` works. */
export async function createKey(
  settings: Settings,
  key: NewApiKey,
  output: Output,
  { json: asJson }: AsJson,
): Promise<void> {
  await withDatabase(settings, async ({ licensing, made }) => {
    const created = await licensing.apiKeys.create(key)
    if (made.length > 0) output.note(`Made ${made.join(' and ')}.`)
    if (!asJson) output.note(`Made ${describe(created)}. Its secret is shown only this once.`)
    output.line(asJson ? json(toWire(created)) : created.secret)
  })
}

async function allKeys(keys: ApiKeys): Promise<readonly ApiKey[]> {
  const all: ApiKey[] = []
  let cursor: string | null = null
  do {
    const listing = await keys.list({ perPage: 100, ...(cursor !== null && { cursor }) })
    all.push(...listing.data)
    cursor = listing.nextCursor
  } while (cursor !== null)
  return all
}

function statusOf(key: ApiKey): string {
  if (key.revokedAt !== null) return 'revoked'
  if (key.expiresAt === null) return 'active'
  const isOver = key.expiresAt <= Date.now() / 1000
  return `${isOver ? 'expired' : 'until'} ${isoTime(key.expiresAt)}`
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A name may hold anything, a terminal's control sequences too. */
function shown(name: string | null): string {
  return (name ?? '').replace(/\p{Cc}/gu, '?')
}

function table(keys: readonly ApiKey[]): string {
  const rows = keys.map((key) => [
    ...[key.id, `${key.prefix}…${key.lastFour}`, key.app ?? '(all)', statusOf(key)],
    ...[isoTime(key.createdAt), shown(key.name)],
  ])
  return columns([['ID', 'KEY', 'APP', 'STATUS', 'CREATED', 'NAME'], ...rows])
}

/** Lists every key, newest first. */
export async function listKeys(settings: Settings, output: Output, { json: asJson }: AsJson): Promise<void> {
  await requireDatabase(settings)
  const keys = await withDatabase(settings, ({ licensing }) => allKeys(licensing.apiKeys))
  output.line(asJson ? json(keys.map(toWire)) : table(keys))
}

/** Revokes a key; a running server refuses it from the next request on. */
export async function revokeKey(
  settings: Settings,
  id: string,
  output: Output,
  { json: asJson }: AsJson,
): Promise<void> {
  await requireDatabase(settings)
  const key = await withDatabase(settings, ({ licensing }) => licensing.apiKeys.revoke(id))
  output.line(asJson ? json(toWire(key)) : `Revoked ${describe(key)}.`)
}
