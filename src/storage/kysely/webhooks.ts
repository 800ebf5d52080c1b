import type { StorageSession, WebhookRecord } from '../../core/storage/index.ts'
import { type Access, wrote } from './session.ts'
import { webhookRows } from './rows.ts'

type WebhookVerbs = Pick<StorageSession, 'findWebhook' | 'insertWebhook' | 'updateWebhook'>

export function webhookVerbs({ read, write, atomically }: Access): WebhookVerbs {
  return {
    findWebhook: async (appId) => {
      const query = read.selectFrom('heartwood_webhook').selectAll().where('app_id', '=', appId)
      return webhookRows.toRecordOrNull(await query.executeTakeFirst())
    },
    insertWebhook: (webhook) =>
      atomically(async (db): Promise<WebhookRecord> => {
        const isFirst = await wrote(
          db
            .insertInto('heartwood_webhook')
            .values(webhookRows.toRow(webhook))
            .onConflict((conflict) => conflict.column('app_id').doNothing())
            .returning('app_id'),
        )
        if (isFirst) return webhook
        const query = db.selectFrom('heartwood_webhook').selectAll().where('app_id', '=', webhook.appId)
        return webhookRows.toRecord(await query.executeTakeFirstOrThrow())
      }),
    updateWebhook: async (appId, expectedVersion, patch) => {
      const query = write
        .updateTable('heartwood_webhook')
        .set({ ...webhookRows.toColumns(patch), version: expectedVersion + 1 })
        .where('app_id', '=', appId)
        .where('version', '=', expectedVersion)
        .returningAll()
      return webhookRows.toRecordOrNull(await query.executeTakeFirst())
    },
  }
}
