import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { webhookSecretPurpose } from '../keys/purposes.ts'
import { retryUntilWon } from '../retry.ts'
import type { Sealer } from '../runtime/sealer.ts'
import type { StorageSession, WebhookPatch, WebhookRecord } from '../storage/index.ts'

/** A fresh secret by Standard Webhooks, sealed: `whsec_` and 32 random bytes in base64. */
export function sealWebhookSecret(context: Context, appId: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const secret = `whsec_${btoa(String.fromCharCode(...bytes))}`
  return context.runtime.sealer.seal(new TextEncoder().encode(secret), webhookSecretPurpose(appId))
}

export function openWebhookSecret(context: Context, appId: string, sealed: string): string {
  return new TextDecoder().decode(context.runtime.sealer.open(sealed, webhookSecretPurpose(appId)))
}

/** Webhook secrets under the first master key; `null` if they are already. @throws {LicensingError} `master_key`. */
export function resealWebhookSecrets(sealer: Sealer, webhook: WebhookRecord): WebhookPatch | null {
  const { appId, secret, previousSecret } = webhook
  const next = sealer.reseal(secret, webhookSecretPurpose(appId))
  const previous = previousSecret === null ? null : sealer.reseal(previousSecret, webhookSecretPurpose(appId))
  if (next === null && previous === null) return null
  return { secret: next ?? secret, previousSecret: previous ?? previousSecret }
}

/** The webhook of an app, made when it is first needed. @throws {LicensingError} `not_found` if the app is gone. */
export async function webhookOf(
  context: Context,
  appId: string,
  session: StorageSession = context.storage,
): Promise<WebhookRecord> {
  const found = await session.findWebhook(appId)
  if (found !== null) return found
  return session.insertWebhook({
    appId,
    secret: sealWebhookSecret(context, appId),
    previousSecret: null,
    previousUntil: null,
    failures: 0,
    disabledAt: null,
    queueFullAt: null,
    droppedEvents: 0,
    version: 1,
  })
}

/** Changes a webhook by compare-and-set, so that no concurrent change is lost. A `change` of `null` writes nothing. */
export async function changeWebhook(
  context: Context,
  appId: string,
  change: (webhook: WebhookRecord) => WebhookPatch | null,
  session: StorageSession = context.storage,
): Promise<WebhookRecord> {
  const attempt = async (): Promise<WebhookRecord | null> => {
    const webhook = await webhookOf(context, appId, session)
    const patch = change(webhook)
    return patch === null ? webhook : session.updateWebhook(appId, webhook.version, patch)
  }
  const lost = () => new LicensingError('conflict', 'Other requests changed the webhook first')
  return retryUntilWon(attempt, { lost })
}
