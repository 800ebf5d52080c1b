import type { WebhookQueueStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { type LookUps, queueOf } from './tables.ts'

export function webhookQueueStorage({ read }: Runner): WebhookQueueStorage {
  return {
    findWebhookQueues: (appIds, now, limit) =>
      read((tables) =>
        appIds
          .filter((id) => tables.apps.get(id) !== null)
          .map((appId) => ({
            appId,
            ...dueOf(tables, appId, now, limit),
            disabledAt: tables.webhooks.get(appId)?.disabledAt ?? null,
          })),
      ),
  }
}

function dueOf({ queue }: LookUps, appId: string, now: number, limit: number) {
  const times = [0, 1]
    .flatMap((priority) => [...queue.ascending(queueOf(appId, priority))])
    .map(({ position }) => position)
    .filter((dueAt) => dueAt <= now)
  return {
    due: Math.min(times.length, limit),
    oldestDueAt: times.length === 0 ? null : Math.min(...times),
  }
}
