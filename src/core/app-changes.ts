import { actIn } from './acts/act.ts'
import type { Changes } from './acts/changes.ts'
import { appChanges } from './acts/records.ts'
import type { Context } from './context.ts'
import type { RecordUpdate } from './record-update.ts'
import type { AppPatch, AppRecord, StorageSession, WebhookPatch, WebhookRecord } from './storage/index.ts'
import type { Note } from './transaction.ts'
import { changeWebhook } from './webhooks/secret.ts'
import { isoTime } from './wire.ts'

function switchedOn({ failures, disabledAt }: WebhookRecord): WebhookPatch | null {
  return failures === 0 && disabledAt === null ? null : { failures: 0, disabledAt: null }
}

/** An address switches the webhook on. Resolves to the change, if it was off. */
async function switchOn(
  context: Context,
  tx: StorageSession,
  id: string,
  { webhookUrl }: AppPatch,
): Promise<Changes> {
  const webhook = webhookUrl === undefined ? null : await tx.findWebhook(id)
  if (webhook === null) return {}
  await changeWebhook(context, id, switchedOn, tx)
  const { disabledAt } = webhook
  return disabledAt === null ? {} : { webhook_disabled_at: [isoTime(disabledAt), null] }
}

/** The update of an app whose webhook stays as it is. */
export function appUpdate({ runtime }: Context, patch: AppPatch): RecordUpdate<AppRecord> {
  return {
    patch: { ...patch, updatedAt: runtime.now() },
    act: (before, after) => actIn(after, 'app.updated', ['app', after.id], appChanges(before, after)),
    verb: (tx, ...given) => tx.updateApp(...given),
  }
}

/** Changes an app that the transaction has locked. */
export async function patchApp(
  context: Context,
  tx: StorageSession,
  before: AppRecord,
  patch: AppPatch,
  note: Note,
): Promise<AppRecord | null> {
  const { id } = before
  const record = await tx.updateApp(id, { ...patch, updatedAt: context.runtime.now() })
  if (record === null) return null
  const changes = { ...appChanges(before, record), ...(await switchOn(context, tx, id, patch)) }
  note(actIn(record, 'app.updated', ['app', id], changes))
  return record
}
