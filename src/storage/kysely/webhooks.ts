import type { WebhookPatch, WebhookRecord, WebhookStorage } from '../../core/storage/index.ts'
import { KyselyApiKeys } from './api-keys.ts'
import type { Writer } from './executor.ts'
import { wroteRow } from './queries.ts'
import { webhookRows } from './rows.ts'

export abstract class KyselyWebhooks extends KyselyApiKeys implements WebhookStorage {
  async findWebhook(appId: string): Promise<WebhookRecord | null> {
    const row = await this.executor.read((db) =>
      db.selectFrom('heartwood_webhook').selectAll().where('app_id', '=', appId).executeTakeFirst(),
    )
    return webhookRows.toRecordOrNull(row)
  }

  insertWebhook(webhook: WebhookRecord): Promise<WebhookRecord> {
    return this.executor.atomically((db) => insertWebhook(db, webhook))
  }

  async updateWebhook(
    appId: string,
    expectedVersion: number,
    patch: WebhookPatch,
  ): Promise<WebhookRecord | null> {
    const row = await this.executor.write((db) =>
      db
        .updateTable('heartwood_webhook')
        .set({ ...webhookRows.toColumns(patch), version: expectedVersion + 1 })
        .where('app_id', '=', appId)
        .where('version', '=', expectedVersion)
        .returningAll()
        .executeTakeFirst(),
    )
    return webhookRows.toRecordOrNull(row)
  }

  async listFullWebhooks(): Promise<readonly WebhookRecord[]> {
    const rows = await this.executor.read((db) =>
      db.selectFrom('heartwood_webhook').selectAll().where('queue_full_at', 'is not', null).execute(),
    )
    return webhookRows.toRecords(rows)
  }
}

async function insertWebhook(db: Writer, webhook: WebhookRecord): Promise<WebhookRecord> {
  const isFirst = await wroteRow(
    db
      .insertInto('heartwood_webhook')
      .values(webhookRows.toRow(webhook))
      .onConflict((conflict) => conflict.column('app_id').doNothing())
      .returning('app_id'),
  )
  if (isFirst) return webhook
  const query = db.selectFrom('heartwood_webhook').selectAll().where('app_id', '=', webhook.appId)
  return webhookRows.toRecord(await query.executeTakeFirstOrThrow())
}
