import type { Context } from '../context.ts'
import { nullIfGone } from '../transaction.ts'
import { changeWebhook } from './secret.ts'

/** The queue of an app that has dropped events. */
export interface FullQueue {
  readonly appId: string
  /** The events that this process has dropped since the last report. */
  readonly dropped: number
}

/** A queue counts as having room again below this part of its limit. Otherwise its mark would come and go with each event. */
const roomAgain = 0.9

async function writeOne(context: Context, { appId, dropped }: FullQueue): Promise<void> {
  const { deliveryQueues, now } = context.runtime
  const written = changeWebhook(context, appId, ({ queueFullAt, droppedEvents }) => ({
    queueFullAt: queueFullAt ?? now(),
    droppedEvents: droppedEvents + dropped,
  }))
  try {
    await nullIfGone(written)
  } catch (error) {
    deliveryQueues.giveBack(appId, dropped)
    throw error
  }
}

/** Writes the counts of dropped events. One that cannot be written waits for the next call. */
export async function writeDropped(context: Context): Promise<readonly FullQueue[]> {
  const unwritten = context.runtime.deliveryQueues.takeDropped()
  const queues = [...unwritten].map(([appId, dropped]) => ({ appId, dropped }))
  const results = await Promise.allSettled(queues.map((queue) => writeOne(context, queue)))
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return queues
}

async function clearMarks(context: Context): Promise<void> {
  const { storage, runtime } = context
  const enough = Math.ceil(runtime.deliveryQueues.limit * roomAgain)
  for (const { appId } of await storage.listFullWebhooks()) {
    if ((await storage.countPendingDeliveries(appId, enough)) >= enough) continue
    const cleared = changeWebhook(context, appId, ({ queueFullAt }) =>
      queueFullAt === null ? null : { queueFullAt: null },
    )
    await nullIfGone(cleared)
  }
}

/** Writes the counts of dropped events, and clears the marks of queues with room: see `Outbox.reportFullQueues`. */
export async function reportFullQueues(context: Context): Promise<readonly FullQueue[]> {
  const queues = await writeDropped(context)
  await clearMarks(context)
  return queues
}
