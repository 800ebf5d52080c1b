import { getLogger } from '@logtape/logtape'
import type { DeliveryLease, LeasedDelivery, Outbox, WebhookTarget } from '../core/webhooks/outbox.ts'
import { attemptDelivery, type AttemptOptions } from './attempt.ts'
import { coalesce } from './coalesce.ts'
import { Slots, type SlotLimits } from './slots.ts'
import { TaskGroup } from './task-group.ts'

/** The limits of one process. */
export interface DispatchLimits extends SlotLimits {
  readonly leaseSeconds: number
}

const log = getLogger(['heartwood', 'webhooks'])

function logFailure(error: unknown): void {
  log.error('An event was not settled: {error}', { error })
}

/** Leases due events and sends them, as many at the same time as there are slots. */
export class Dispatcher {
  readonly #outbox: Outbox
  readonly #options: AttemptOptions
  readonly #leaseSeconds: number
  readonly #slots: Slots
  readonly #tasks = new TaskGroup()
  /** An app has one lease in progress at a time: two would lease more events than there are slots. */
  readonly #fillSlots = coalesce((appId) => this.#leaseAndSend(appId))
  readonly #abort = new AbortController()
  #isStopped = false

  constructor(outbox: Outbox, options: AttemptOptions, limits: DispatchLimits) {
    this.#outbox = outbox
    this.#options = options
    this.#leaseSeconds = limits.leaseSeconds
    this.#slots = new Slots(limits)
  }

  /** Looks for due events of every app and begins to send them. */
  poll(): Promise<void> {
    return this.#tasks.add(this.#poll())
  }

  /** Looks for due events of one app and begins to send them. */
  notify(appId: string): void {
    this.#run(() => this.#fillSlots(appId))
  }

  /** Waits up to `timeoutMs` milliseconds for the attempts in progress, ends the others, and releases their events. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true
    const timer = setTimeout(() => this.#abort.abort(), timeoutMs)
    await this.#tasks.whenIdle()
    clearTimeout(timer)
  }

  async #poll(): Promise<void> {
    if (this.#isStopped) return
    const due = await this.#outbox.due()
    await Promise.all(due.map((appId) => this.#fillSlots(appId)))
  }

  async #leaseAndSend(appId: string): Promise<void> {
    if (this.#isStopped) return
    // Take the slots before the lease, because other apps lease at the same time.
    const slots = this.#slots.takeAll(appId)
    if (slots === 0) return
    const lease = await this.#lease(appId, slots)
    const deliveries = lease?.deliveries ?? []
    this.#slots.release(appId, slots - deliveries.length)
    for (const delivery of deliveries) this.#run(() => this.#deliver(delivery, lease!.target))
  }

  async #lease(appId: string, limit: number): Promise<DeliveryLease | null> {
    try {
      return await this.#outbox.lease(appId, { limit, leaseSeconds: this.#leaseSeconds })
    } catch (error) {
      this.#slots.release(appId, limit)
      throw error
    }
  }

  async #deliver(delivery: LeasedDelivery, target: WebhookTarget): Promise<void> {
    try {
      await this.#send(delivery, target)
    } finally {
      this.#slots.release(delivery.appId, 1)
    }
    // An app that waits for a slot comes before more events of this app.
    const { firstWaiting } = this.#slots
    if (firstWaiting !== undefined) await this.#fillSlots(firstWaiting)
    await this.#fillSlots(delivery.appId)
  }

  async #send(delivery: LeasedDelivery, target: WebhookTarget): Promise<void> {
    const outcome = this.#isStopped
      ? null
      : await attemptDelivery(delivery, target, this.#options, this.#abort.signal)
    if (outcome === null) return this.#outbox.release(delivery)
    await this.#outbox.settle(delivery, outcome)
    const { error: reason, retryIn } = outcome
    const { eventId: event, appId: app } = delivery
    if (reason !== null && retryIn === null)
      log.warn('Event {event} of app {app} was given up: {reason}', { event, app, reason })
  }

  /** Runs work that `stop` waits for. */
  #run(work: () => Promise<void>): void {
    void this.#tasks.add(work()).catch(logFailure)
  }
}
