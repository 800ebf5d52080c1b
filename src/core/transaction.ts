import { type Act, entryOf } from './acts/act.ts'
import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { deliveryOf, type LicensingEvent, type EventDraft } from './runtime/events.ts'
import type {
  AppRecord,
  AuditEntryRecord,
  DeliveryRecord,
  StorageSession,
  TransactionOptions,
} from './storage/index.ts'

/** Rolls a transaction back whose work resolved to `null`. Work under an idempotency key may end with it. */
class LostRace extends LicensingError {
  constructor() {
    super('conflict', 'Other requests changed the same records first')
  }
}

/**
 * Records an event in the transaction. Resolves to its delivery, or to `null` if the app has no webhook, or if its queue is
 * full: then the change goes on without it.
 */
export type Emit = (app: AppRecord, event: EventDraft) => Promise<DeliveryRecord | null>

/** Adds the act to those whose entries the transaction writes. An act that changed nothing has no entry. */
export type Note = (act: Act) => void

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
  /** The apps of events that found a full queue, one for each event. */
  readonly dropped: readonly string[]
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
  const { deliveryQueues } = context.runtime
  const emitted: LicensingEvent[] = []
  const dropped: string[] = []
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
    if (!(await deliveryQueues.takes(tx, app.id, event.time))) {
      dropped.push(app.id)
      return null
    }
    const delivery = deliveryOf(context.runtime.newId('whd'), event, app)
    await tx.insertDelivery(delivery)
    return delivery
  }
  return { emit, emitted, dropped, counted }
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

function entriesOf(context: Context, act: Act): readonly AuditEntryRecord[] {
  const entry = entryOf(context, act)
  return entry === undefined ? [] : [entry]
}

/** The same context without the idempotency key of the call, for writes whose result must not be stored, or are no whole use case. */
export function unrecorded(context: Context): Context {
  return { ...context, recorder: null }
}

/** The result of a use case, and the events that it has emitted. */
interface Done<Result> extends Omit<EventRecorder, 'emit'> {
  readonly result: Result
}

interface UseCaseOptions extends TransactionOptions {
  /**
   * True if `work` writes with one statement when it records no event for a webhook. One statement is whole by itself, so it
   * needs no transaction around it. Then it notes no act: the verb writes the entry with its record.
   */
  readonly isOneWrite?: boolean
}

/**
 * Runs the writes of a use case as one transaction. `work` resolves to the result of the use case, or to `null` if a guarded
 * verb lost its race: then everything is rolled back. The events that `work` emits are written with its writes. Under an
 * idempotency key the result is stored with them too.
 *
 * Every use case that changes something writes through here. `work` notes what it does, or gives the entry to the verb that writes the
 * record: then both are there, or neither. Housekeeping alone may use the storage directly.
 */
export async function inTransaction<Result extends object | null>(
  context: Context,
  work: (tx: StorageSession, emit: Emit, note: Note) => Promise<Result>,
  { alone, isOneWrite = false }: UseCaseOptions = {},
): Promise<Result> {
  const run = async (tx: StorageSession): Promise<Done<Result> | null> => {
    const { emit, ...events } = eventRecorder(context, tx)
    const entries: AuditEntryRecord[] = []
    const result = await work(tx, emit, (act) => void entries.push(...entriesOf(context, act)))
    if (result === null) return null
    if (entries.length > 0) await tx.insertAuditEntries(entries)
    await context.recorder?.record(tx, result)
    return { result, ...events }
  }
  // In a host's transaction, a statement that fails alone would end all of it on PostgreSQL.
  const needsTransaction = !isOneWrite || context.recorder !== null || context.inHostTransaction
  const whole = async (tx: StorageSession): Promise<Done<Result>> => {
    const done = await run(tx)
    if (done === null) throw new LostRace()
    return done
  }
  const done = needsTransaction ? context.storage.transaction(whole, { alone }) : run(context.storage)
  const committed = await done.catch((error: unknown) => {
    if (error instanceof LostRace) return null
    throw error
  })
  if (committed === null) return null as Result
  context.recorder?.committed()
  afterCommit(context, () => context.runtime.listeners.publish(committed.emitted))
  afterCommit(context, () => count(context, committed.counted))
  noteDropped(context, committed.dropped)
  return committed.result
}

/** Nobody tells the end of a host's transaction, and an event that is counted in vain does less harm than one that is missed. */
function noteDropped(context: Context, dropped: readonly string[]): void {
  if (dropped.length === 0) return
  const note = (): void => context.runtime.deliveryQueues.noteDropped(dropped)
  if (context.inHostTransaction) note()
  else afterCommit(context, note)
}
