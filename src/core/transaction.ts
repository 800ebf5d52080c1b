import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { deliveryOf, type LicensingEvent, type EventDraft } from './runtime/events.ts'
import type { AppRecord, DeliveryRecord, StorageSession, TransactionOptions } from './storage/index.ts'

/** Rolls a transaction back whose work resolved to `null`. Work under an idempotency key may end with it. */
class LostRace extends LicensingError {
  constructor() {
    super('conflict', 'Other requests changed the same records first')
  }
}

/** Records an event in the transaction. Resolves to its delivery, or to `null` if the app has no webhook. */
export type Emit = (app: AppRecord, event: EventDraft) => Promise<DeliveryRecord | null>

/** Resolves to `null` if what the work names was deleted after it was read. */
export async function nullIfGone<Result>(work: Promise<Result | null>): Promise<Result | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof LicensingError && error.code === 'not_found') return null
    throw error
  }
}

/**
 * Resolves to `null`, as after any lost race, if a record that the write names was deleted after it was read. Then the caller
 * reads again, and its own checks say what is gone. In work under an idempotency key the failed write has ended everything.
 */
export function lostIfGone<Result>({ unit }: Context, write: Promise<Result | null>): Promise<Result | null> {
  return unit === null ? nullIfGone(write) : write
}

/** Events that one run of a transaction has emitted. */
interface EventRecorder {
  readonly emit: Emit
  readonly emitted: readonly LicensingEvent[]
  readonly counted: readonly Counted[]
}

/** A count in the statistics of an app, once the transaction is committed. */
type Counted = readonly [appId: string, name: 'issued' | 'revoked', times: number]

function countedOf({ id }: AppRecord, draft: EventDraft): Counted[] {
  const { type, data } = draft
  const { revokedSeats = 0 } = draft
  // A seat that comes back has a higher sequence.
  const isIssued = type === 'license.created' || (type === 'license.activated' && data.sequence === 1)
  if (isIssued) return [[id, 'issued', 1]]
  const revoked = type === 'license.revoked' ? 1 : revokedSeats
  return revoked > 0 ? [[id, 'revoked', revoked]] : []
}

/** True if an event of this type reaches anybody: the app's webhook, or a handler in this process. */
export function hasReceivers(context: Context, app: AppRecord, type: EventDraft['type']): boolean {
  return (
    app.webhookUrl !== null || (!context.inHostTransaction && context.runtime.listeners.hasListeners(type))
  )
}

function eventRecorder(context: Context, tx: StorageSession): EventRecorder {
  const emitted: LicensingEvent[] = []
  const counted: Counted[] = []
  const emit: Emit = async (app, draft) => {
    counted.push(...countedOf(app, draft))
    const { type, data } = draft
    if (!hasReceivers(context, app, type)) return null
    const id = context.runtime.newId('evt')
    const event: LicensingEvent = {
      id,
      type,
      time: context.runtime.now(),
      appId: app.id,
      app: app.slug,
      data,
    }
    emitted.push(event)
    if (app.webhookUrl === null) return null
    const delivery = deliveryOf(context.runtime.newId('whd'), event, app)
    await tx.insertDelivery(delivery)
    return delivery
  }
  return { emit, emitted, counted }
}

/** Runs `action` after the commit. Inside a host's transaction it never runs, because the host may still roll back. */
export function afterCommit({ inHostTransaction, unit }: Context, action: () => void): void {
  if (inHostTransaction) return
  if (unit === null) action()
  else unit.afterCommit(action)
}

function count({ runtime }: Context, counted: readonly Counted[]): void {
  for (const [appId, name, times] of counted) runtime.tallies.count(appId, name, runtime.now(), times)
}

/** The result of a use case, the events that it has emitted, and what its app counts. */
interface Done<Result> {
  readonly result: Result
  readonly emitted: readonly LicensingEvent[]
  readonly counted: readonly Counted[]
}

interface UseCaseOptions extends TransactionOptions {
  /**
   * True if `work` writes with one statement when it records no event for a webhook. One statement is whole by itself, so it
   * needs no transaction around it.
   */
  readonly isOneWrite?: boolean
}

/**
 * Runs the writes of a use case as one transaction. `work` resolves to the result of the use case, or to `null` if a guarded
 * verb lost its race: then everything is rolled back. The events that `work` emits are written with its writes. Under an
 * idempotency key the result is stored with them too.
 *
 * A use case that answers a POST or emits an event writes through here. Any other write may use the storage directly.
 */
export async function inTransaction<Result extends object | null>(
  context: Context,
  work: (tx: StorageSession, emit: Emit) => Promise<Result>,
  { alone, isOneWrite = false }: UseCaseOptions = {},
): Promise<Result> {
  const run = async (tx: StorageSession): Promise<Done<Result>> => {
    const { emit, emitted, counted } = eventRecorder(context, tx)
    const result = await work(tx, emit)
    if (result === null) throw new LostRace()
    await context.recorder?.record(tx, result)
    return { result, emitted, counted }
  }
  // In a host's transaction, a statement that fails alone would end all of it on PostgreSQL.
  const needsTransaction = !isOneWrite || context.recorder !== null || context.inHostTransaction
  const done = needsTransaction ? context.storage.transaction(run, { alone }) : run(context.storage)
  const committed = await done.catch((error: unknown) => {
    if (error instanceof LostRace) return null
    throw error
  })
  if (committed === null) return null as Result
  context.recorder?.committed()
  afterCommit(context, () => context.runtime.listeners.publish(committed.emitted))
  afterCommit(context, () => count(context, committed.counted))
  return committed.result
}
