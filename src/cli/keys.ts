import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { ApiKey, Licensing, NewApiKey } from '../core/index.ts'
import { withDatabase, withExistingDatabase } from './database.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { CliError } from './errors.ts'
import type { CliSettings } from './settings.ts'

function describe(key: ApiKey): string {
  const apps = key.app === null ? `every ${key.mode} app` : `app ${key.app}`
  const rights = key.scopes === null ? '' : ` with the scopes ${key.scopes.join(', ')}`
  return `${key.type === 'sk' ? 'secret' : 'public'} key ${key.id} for ${apps}${rights}`
}

/**
 * Prints the text with the secret of a new key. If standard output does not take it, nobody can learn the secret any more.
 *
 * @throws {CliError} after it has revoked such a key.
 */
export async function printSecret(
  { apiKeys }: Licensing,
  { id }: Pick<ApiKey, 'id'>,
  text: string,
  output: Output,
): Promise<void> {
  output.line(text)
  try {
    await output.written()
  } catch (cause) {
    await apiKeys.revoke(id)
    const { message } = cause as Error
    throw new CliError(`${message}, so API key ${id} is revoked: make another by heartwood keys create`, {
      cause,
    })
  }
}

/** Creates a key. Only the secret goes to standard output, so that `KEY=$(heartwood keys create)` works. */
export async function createKey(
  settings: CliSettings,
  key: NewApiKey,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  await withDatabase(
    settings,
    async ({ licensing }) => {
      const created = await licensing.apiKeys.create(key)
      if (!json) output.note(`Created ${describe(created)}. Its secret is shown only this once.`)
      await printSecret(licensing, created, json ? jsonOf(toWire(created)) : created.secret, output)
    },
    { announce: output.note },
  )
}

function statusOf(key: ApiKey): string {
  if (key.revokedAt !== null) return 'revoked'
  if (key.expiresAt === null) return 'active'
  const isOver = key.expiresAt <= Date.now() / 1000
  return `${isOver ? 'expired' : 'until'} ${isoTime(key.expiresAt)}`
}

const format: ListFormat<ApiKey> = {
  head: ['ID', 'KEY', 'APP', 'STATUS', 'CREATED', 'SCOPES', 'NAME'],
  row: (key) => [
    key.id,
    `${key.prefix}…${key.lastFour}`,
    key.app ?? '(all)',
    statusOf(key),
    isoTime(key.createdAt),
    key.scopes?.join(' ') ?? '(all)',
    key.name ?? '',
  ],
  toJson: toWire,
}

/** Lists every key, newest first. */
export async function listKeys(settings: CliSettings, output: Output, asJson: AsJson): Promise<void> {
  await withExistingDatabase(settings, async ({ licensing }) => {
    const pages = pagesOf((paging) => licensing.apiKeys.list(paging))
    await printList(pages, format, asJson, output)
  })
}

/** Revokes a key. A running server refuses it from the next request on. */
export async function revokeKey(
  settings: CliSettings,
  id: string,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  const key = await withExistingDatabase(settings, ({ licensing }) => licensing.apiKeys.revoke(id))
  output.line(json ? jsonOf(toWire(key)) : `Revoked ${describe(key)}.`)
}
