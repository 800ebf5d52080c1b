import type { NumericDate } from './time.ts'

/** The state of an app's webhook and of the deliveries that wait for it. */
export interface WebhookQueue {
  readonly appId: string
  /** Due deliveries, counted up to the limit. */
  readonly due: number
  /** The time since which the first of them is due; `null` if none is. */
  readonly oldestDueAt: NumericDate | null
  /** The time since which the webhook is switched off; `null` if it is on. */
  readonly disabledAt: NumericDate | null
}

export interface WebhookQueueStorage {
  /** The queues of these apps as of `now`, in any order. At most `limit` deliveries of an app are counted. */
  findWebhookQueues(
    appIds: readonly string[],
    now: NumericDate,
    limit: number,
  ): Promise<readonly WebhookQueue[]>
}
