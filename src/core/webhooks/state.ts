import type { NumericDate, WebhookRecord } from '../storage/index.ts'

/** The state of an app's webhook, as the app shows it. */
export interface WebhookState {
  /**
   * The time when its webhook was switched off, after many failures or a 410; `null` while it is on. Saving `webhookUrl`
   * switches it on again.
   */
  readonly webhookDisabledAt: NumericDate | null
  /** The time since which the queue of its events is full, so that new events are dropped; `null` while there is room. */
  readonly webhookQueueFullAt: NumericDate | null
  /** The number of events that a full queue has ever dropped. Servers write it every 10 seconds. */
  readonly webhookDroppedEvents: number
}

/** The state that a webhook is in; `null` for an app that has none yet. */
export function webhookState(webhook: WebhookRecord | null): WebhookState {
  return {
    webhookDisabledAt: webhook?.disabledAt ?? null,
    webhookQueueFullAt: webhook?.queueFullAt ?? null,
    webhookDroppedEvents: webhook?.droppedEvents ?? 0,
  }
}
