import { Webhook } from 'standardwebhooks'

/** The signed content of Standard Webhooks. The signature covers id and time, which prevents a replay. */
export interface SignedContent {
  /** The `webhook-id`, the same on every attempt. */
  readonly id: string
  /** The time of this attempt, in whole seconds since 1970. */
  readonly timestamp: number
  readonly payload: string
}

/** The headers of Standard Webhooks, with one signature for each secret. */
export function signatureHeaders(
  secrets: readonly string[],
  { id, timestamp, payload }: SignedContent,
): Readonly<Record<string, string>> {
  const time = new Date(timestamp * 1000)
  return {
    'webhook-id': id,
    'webhook-timestamp': `${timestamp}`,
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, time, payload)).join(' '),
  }
}
