import type { Context } from './context.ts'
import { deliveryOf, type LicensingEvent, type News } from './runtime/events.ts'
import type { AppRecord, DeliveryRecord, StorageSession } from './storage/index.ts'

class GivenUp extends Error {}

/** Tells of a change in the transaction that makes it. Resolves to what will be sent to the app's webhook, if it has one. */
export type Tell = (app: AppRecord, news: News) => Promise<DeliveryRecord | null>

/** Whether anybody wants to know: the app has a webhook, or a handler in this process. */
export function isTold(context: Context, app: AppRecord, type: News['type']): boolean {
  return app.webhookUrl !== null || (!context.lent && context.hub.isHeard(type))
}

/** A teller that writes into `tx`, and what it has told. */
export function tellerOf(context: Context, tx: StorageSession): { tell: Tell; told: LicensingEvent[] } {
  const told: LicensingEvent[] = []
  const tell: Tell = async (app, { type, data }) => {
    if (!isTold(context, app, type)) return null
    const event: LicensingEvent = {
      ...{ id: context.newId('evt'), type, time: context.now() },
      ...{ appId: app.id, app: app.slug, data },
    }
    told.push(event)
    if (app.webhookUrl === null) return null
    const delivery = deliveryOf(context.newId('whd'), event, app)
    await tx.insertDelivery(delivery)
    return delivery
  }
  return { tell, told }
}

/** Hands what was told to this process, once it is committed. A host's own transaction may still be rolled back. */
export function publish(context: Context, told: readonly LicensingEvent[]): void {
  if (!context.lent) context.hub.publish(told)
}

/**
 * Runs the writes of a use case as one transaction, which is given up when `write` resolves to `null` or `false`: a
 * guarded verb was lost. What it tells is written with it. `view` says what the use case will answer, short of a token;
 * under an idempotency key that answer is kept in the same transaction.
 */
export async function commit<Saved>(
  context: Context,
  write: (tx: StorageSession, tell: Tell) => Promise<Saved>,
  view: (saved: Saved) => object | Promise<object>,
): Promise<Saved> {
  let saved: Saved | undefined
  let told: readonly LicensingEvent[] = []
  const work = async (tx: StorageSession): Promise<void> => {
    const teller = tellerOf(context, tx)
    saved = await write(tx, teller.tell)
    if (saved === null || saved === false) throw new GivenUp()
    if (context.keeper !== null) await context.keeper.keep(tx, await view(saved))
    told = teller.told
  }
  await context.storage.transaction(work).catch((error: unknown) => {
    if (!(error instanceof GivenUp)) throw error
  })
  if (saved === null || saved === false) return saved as Saved
  context.keeper?.kept()
  publish(context, told)
  return saved as Saved
}
