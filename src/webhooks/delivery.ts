import { getLogger } from '@logtape/logtape'
import type { Licensing } from '../core/licensing.ts'
import type { DeliveryLease, LeasedDelivery, Outbox, WebhookTarget } from '../core/webhooks/outbox.ts'
import { systemResolve, type Resolve } from './address.ts'
import { attempt, type Sending } from './attempt.ts'
import { defaultPauses } from './backoff.ts'
import { connect, type Connect } from './connection.ts'
import { every } from './every.ts'

/** How events are sent. Every option has the documented default. */
export interface DeliveryOptions {
  /** How often to look for what is due, in milliseconds; default 1,000. What this process writes is sent at once. */
  readonly pollMs?: number
  /** How long one attempt may take, in milliseconds; default 15,000. */
  readonly deadlineMs?: number
  /** The pauses between the attempts at one event, in seconds; default ten attempts over some 75 hours. */
  readonly pauses?: readonly number[]
  /** How many events of one app are sent at the same time; default 8. */
  readonly perApp?: number
  /** How many events are sent at the same time in all; default 512. */
  readonly concurrency?: number
  /** For how long an event is this server's, in seconds; default 60, and never shorter than an attempt. */
  readonly leaseSeconds?: number
  /** How long `stop` waits for attempts that run, in milliseconds; default 5,000. */
  readonly stopMs?: number
  /** Sends to private addresses too; default: as `createLicensing` was told. */
  readonly allowPrivateTargets?: boolean
  /** Finds the addresses of a name; default: the system's resolver. */
  readonly resolve?: Resolve
  /** Sends a request to an address; default: `node:http` and `node:https`. */
  readonly connect?: Connect
  /** A number from 0 up to 1, for the jitter; default `Math.random`. */
  readonly random?: () => number
}

/** Delivery that runs. */
export interface Delivery {
  /** Takes no more events, lets those that are being sent end, puts the others back, and resolves then. */
  stop(): Promise<void>
}

const log = getLogger(['heartwood', 'webhooks'])
const minute = 60_000
const hour = 3_600_000

function sendingOf(outbox: Outbox, options: DeliveryOptions): Sending {
  return {
    resolve: options.resolve ?? systemResolve,
    connect: options.connect ?? connect,
    allowPrivateTargets: options.allowPrivateTargets ?? outbox.allowPrivateTargets,
    backoff: { pauses: options.pauses ?? defaultPauses, random: options.random ?? Math.random },
    deadlineMs: options.deadlineMs ?? 15_000,
    now: () => Math.floor(Date.now() / 1000),
    userAgent: 'Heartwood (https://www.standardwebhooks.com)',
  }
}

/** The events of this process that are being sent, app by app: one app's never take another's places. */
class Sender {
  readonly #outbox: Outbox
  readonly #sending: Sending
  readonly #limits: { readonly perApp: number; readonly all: number; readonly leaseSeconds: number }
  readonly #running = new Map<string, number>()
  /** The apps that a claim is under way for, and those that were asked for meanwhile. */
  readonly #claiming = new Set<string>()
  readonly #wanted = new Set<string>()
  /** The apps that found every place taken, the first to have come first. */
  readonly #waiting = new Set<string>()
  readonly #work = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  #inFlight = 0
  #stopped = false

  constructor(outbox: Outbox, options: DeliveryOptions) {
    const { perApp = 8, concurrency: all = 512, leaseSeconds = 60 } = options
    this.#outbox = outbox
    this.#sending = sendingOf(outbox, options)
    const shortest = Math.ceil(this.#sending.deadlineMs / 1000) + 1
    this.#limits = { perApp, all, leaseSeconds: Math.max(leaseSeconds, shortest) }
  }

  /** Looks for what is due and begins to send it. */
  async look(): Promise<void> {
    if (this.#stopped) return
    const due = await this.#outbox.due()
    await Promise.all(due.map((appId) => this.#take(appId)))
  }

  /** Begins to send what an app may have waiting. */
  lookAt(appId: string): void {
    this.#track(() => this.#take(appId))
  }

  /** Waits for what is being sent, at most so long, and puts the rest back. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopped = true
    const timer = setTimeout(() => this.#stop.abort(), patienceMs)
    while (this.#work.size > 0) await Promise.all(this.#work)
    clearTimeout(timer)
  }

  #free(appId: string): number {
    const ofApp = this.#limits.perApp - (this.#running.get(appId) ?? 0)
    return Math.min(ofApp, this.#limits.all - this.#inFlight)
  }

  /** One claim of an app at a time: two would take more than there are places. */
  async #take(appId: string): Promise<void> {
    if (this.#claiming.has(appId)) return void this.#wanted.add(appId)
    this.#claiming.add(appId)
    try {
      do {
        this.#wanted.delete(appId)
        await this.#claim(appId)
      } while (this.#wanted.has(appId))
    } finally {
      this.#claiming.delete(appId)
    }
  }

  async #claim(appId: string): Promise<void> {
    const limit = this.#free(appId)
    if (this.#limits.all <= this.#inFlight) this.#waiting.add(appId)
    if (this.#stopped || limit <= 0) return
    this.#waiting.delete(appId)
    const { leaseSeconds } = this.#limits
    // The places are taken before they are asked for: other apps ask at the same time.
    this.#inFlight += limit
    let claim: DeliveryLease | null = null
    try {
      claim = await this.#outbox.lease(appId, { limit, leaseSeconds })
    } finally {
      this.#inFlight -= limit
    }
    for (const event of claim?.deliveries ?? []) this.#begin(event, claim!.target)
  }

  /** A place is free: for an app that found none before, else for more of the same one. */
  async #takeNext(appId: string): Promise<void> {
    const [first] = this.#waiting
    if (first !== undefined) await this.#take(first)
    await this.#take(appId)
  }

  #begin(event: LeasedDelivery, target: WebhookTarget): void {
    this.#count(event.appId, 1)
    this.#track(async () => {
      try {
        await this.#send(event, target)
      } finally {
        this.#count(event.appId, -1)
      }
      await this.#takeNext(event.appId)
    })
  }

  /** Work that `stop` waits for. */
  #track(work: () => Promise<void>): void {
    const failed = (error: unknown): void => log.error('An event was not settled: {error}', { error })
    const kept = work()
      .catch(failed)
      .finally(() => this.#work.delete(kept))
    this.#work.add(kept)
  }

  #count(appId: string, by: number): void {
    this.#inFlight += by
    const running = (this.#running.get(appId) ?? 0) + by
    if (running === 0) this.#running.delete(appId)
    else this.#running.set(appId, running)
  }

  async #send(event: LeasedDelivery, target: WebhookTarget): Promise<void> {
    const outcome = this.#stopped ? null : await attempt(event, target, this.#sending, this.#stop.signal)
    if (outcome === null) return this.#outbox.release(event)
    await this.#outbox.settle(event, outcome)
    if (outcome.error !== null && outcome.retryIn === null)
      log.warn('Event {event} of app {app} was given up: {reason}', {
        ...{ event: event.eventId, app: event.appId, reason: outcome.error },
      })
  }
}

/**
 * Sends the events of licensing to the webhooks of its apps, at least once each, until it is stopped. `heartwood serve` does
 * this by itself; a backend that embeds licensing starts it where it listens. Any number of processes may.
 *
 * It tells of license ends every minute, and forgets deliveries of more than 30 days ago every hour. Trouble is logged under
 * `heartwood`, `webhooks` (LogTape), and never thrown.
 *
 * @example
 * ```ts
 * import { createLicensing } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 * import { startDelivery } from 'heartwood/webhooks'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const delivery = startDelivery(licensing)
 * await delivery.stop()
 * ```
 */
export function startDelivery(licensing: Licensing, options: DeliveryOptions = {}): Delivery {
  const { outbox } = licensing
  const sender = new Sender(outbox, options)
  const failed = (error: unknown): void => log.error('Webhooks are not served: {error}', { error })
  const tasks = [
    every(options.pollMs ?? 1_000, () => sender.look(), failed),
    every(minute, () => outbox.announceEnds(), failed),
    every(hour, () => outbox.prune(), failed),
  ]
  const stopListening = outbox.onWritten((appId) => sender.lookAt(appId))
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopListening()
    await Promise.all([sender.stop(options.stopMs ?? 5_000), ...tasks.map((task) => task.stop())])
  }
  return { stop: () => (stopping ??= stop()) }
}
