import type { WebhookRecord, WebhookStorage } from '../../core/storage/index.ts'
import { patched } from './frozen.ts'
import type { Runner } from './runner.ts'
import { type LookUps, requireParent } from './tables.ts'

export function webhookStorage({ read, write }: Runner): WebhookStorage {
  return {
    findWebhook: (appId) => read((tables) => findWebhook(tables, appId)),
    insertWebhook: (webhook) =>
      write((tables) => {
        requireParent(tables.apps.get(webhook.appId))
        tables.webhooks.insert({ ...webhook, id: webhook.appId })
        return findWebhook(tables, webhook.appId)!
      }),
    updateWebhook: (appId, expectedVersion, patch) =>
      write((tables) => {
        const webhook = tables.webhooks.get(appId)
        if (webhook?.version !== expectedVersion) return null
        tables.webhooks.replace({ ...patched(webhook, patch), version: expectedVersion + 1 })
        return findWebhook(tables, appId)
      }),
    listFullWebhooks: () =>
      read((tables) =>
        [...tables.webhooks.ascending()]
          .filter(({ queueFullAt }) => queueFullAt !== null)
          .map(({ appId }) => findWebhook(tables, appId)!),
      ),
  }
}

function findWebhook({ webhooks }: LookUps, appId: string): WebhookRecord | null {
  const stored = webhooks.get(appId)
  if (stored === null) return null
  const { id: _id, ...webhook } = stored
  return webhook
}
