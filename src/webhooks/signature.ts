import { Webhook } from 'standardwebhooks'

/** What is signed: all of it is, so that nothing can be sent again at another time. */
export interface Signed {
  /** The `webhook-id`, the same on every attempt. */
  readonly id: string
  /** Whole seconds since 1970: the time of this attempt. */
  readonly timestamp: number
  readonly payload: string
}

/** The headers of Standard Webhooks, with one signature for each secret. */
export function signatureHeaders(
  secrets: readonly string[],
  { id, timestamp, payload }: Signed,
): Readonly<Record<string, string>> {
  const time = new Date(timestamp * 1000)
  return {
    'webhook-id': id,
    'webhook-timestamp': `${timestamp}`,
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, time, payload)).join(' '),
  }
}
