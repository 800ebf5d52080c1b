import { getLogger } from '@logtape/logtape'
import {
  checkOptions,
  isFlag,
  isFunction,
  isInteger,
  isLicensing,
  type OptionRules,
} from '../core/input/options.ts'
import type { Licensing } from '../core/licensing.ts'
import type { Outbox } from '../core/webhooks/outbox.ts'
import type { AttemptOptions } from './attempt.ts'
import { connect, type Connect } from './connect.ts'
import { Dispatcher, type DispatchLimits } from './dispatcher.ts'
import { systemResolve, type Resolve } from './ip-address.ts'
import { repeat } from './repeat.ts'
import { defaultPauses } from './retry-schedule.ts'

/** The options of {@link startDelivery}. All are optional. */
export interface DeliveryOptions {
  /**
   * The pause between two looks for due events, in milliseconds; default 1,000. Events that this process writes need no
   * look: it sends them at once.
   */
  readonly pollMs?: number
  /** The time limit of one attempt, from the name look-up to the end of the response, in milliseconds; default 15,000. */
  readonly deadlineMs?: number
  /** The pauses between the attempts at one event, in seconds; default ten attempts within about 75 hours. */
  readonly pauses?: readonly number[]
  /** The most events of one app that are sent at the same time; default 8. */
  readonly perApp?: number
  /** The most events of all apps that are sent at the same time; default 512. */
  readonly concurrency?: number
  /** The time for which an event belongs to this server, in seconds; default 60, at least one second over `deadlineMs`. */
  readonly leaseSeconds?: number
  /** The time that `stop` gives to attempts in progress, in milliseconds; default 5,000. */
  readonly stopMs?: number
  /** True to send to private addresses too. The default is the option of `createLicensing`. */
  readonly allowPrivateTargets?: boolean
  /** Finds the addresses of a host name; default the system's resolver. */
  readonly resolve?: Resolve
  /** Sends one request to one address; default `node:http` and `node:https`. */
  readonly connect?: Connect
  /** Returns a number from 0 up to, but not including, 1, for the jitter; default `Math.random`. */
  readonly random?: () => number
}

/** A running delivery. */
export interface Delivery {
  /** Leases no more events, lets attempts in progress end, and releases the other events. Resolves when this is done. */
  stop(): Promise<void>
}

const log = getLogger(['heartwood', 'webhooks'])
const minute = 60_000
const hour = 3_600_000
const tenSeconds = 10_000

/** Milliseconds that a timer can wait. */
const longest = 2 ** 31 - 1
const wait = isInteger(1, longest)

const optionRules: OptionRules<DeliveryOptions> = {
  pollMs: wait,
  deadlineMs: wait,
  pauses: {
    rule: 'a list of seconds, zero or more',
    holds: (value) => Array.isArray(value) && value.every((each) => Number.isFinite(each) && each >= 0),
  },
  perApp: isInteger(1),
  concurrency: isInteger(1),
  leaseSeconds: isInteger(1),
  stopMs: isInteger(0, longest),
  allowPrivateTargets: isFlag,
  resolve: isFunction,
  connect: isFunction,
  random: isFunction,
}

function attemptOptions(outbox: Outbox, options: DeliveryOptions): AttemptOptions {
  return {
    resolve: options.resolve ?? systemResolve,
    connect: options.connect ?? connect,
    allowPrivateTargets: options.allowPrivateTargets ?? outbox.allowPrivateTargets,
    schedule: { pauses: options.pauses ?? defaultPauses, random: options.random ?? Math.random },
    deadlineMs: options.deadlineMs ?? 15_000,
    now: () => Math.floor(Date.now() / 1000),
    userAgent: 'Heartwood (https://www.standardwebhooks.com)',
  }
}

/** A lease must outlive an attempt, or another server would send the event too. */
function dispatchLimits(options: DeliveryOptions, deadlineMs: number): DispatchLimits {
  const { perApp = 8, concurrency: total = 512, leaseSeconds = 60 } = options
  return { perApp, total, leaseSeconds: Math.max(leaseSeconds, Math.ceil(deadlineMs / 1000) + 1) }
}

/** The word is the same in the log, in the doctor's notes and in errors. */
async function reportFullQueues(outbox: Outbox): Promise<void> {
  for (const { appId: app, dropped } of await outbox.reportFullQueues())
    log.warn('webhook_queue_full: the queue of app {app} is full, and {dropped} events were dropped', {
      app,
      dropped,
    })
}

function createDispatcher(outbox: Outbox, options: DeliveryOptions): Dispatcher {
  const attempts = attemptOptions(outbox, options)
  return new Dispatcher(outbox, attempts, dispatchLimits(options, attempts.deadlineMs))
}

/**
 * Sends the events of licensing to the webhooks of its apps until it is stopped, each at least once. `heartwood serve` calls
 * it. A backend that embeds licensing calls it when it starts to listen. Any number of processes may call it.
 *
 * It follows the Standard Webhooks specification, https://www.standardwebhooks.com. Every minute it also writes the events
 * of licenses that expire, finishes deletions that another process left, and keeps the statistics: see `Licensing.keepStats`.
 * Every second it seals the entries of the audit log. Every hour it deletes deliveries that ended more than 30 days ago. Every
 * ten seconds it reports the events that full queues have dropped. It logs this and failures under `heartwood`, `webhooks`
 * (LogTape), and no failure throws.
 *
 * @throws {TypeError} that names an unknown or unusable option, never its value.
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
  checkOptions({ licensing }, { licensing: isLicensing })
  checkOptions(options, optionRules)
  const { outbox } = licensing
  const dispatcher = createDispatcher(outbox, options)
  const onError = (error: unknown): void => log.error('Webhooks are not served: {error}', { error })
  const onAuditError = (error: unknown): void => log.error('The audit log is not sealed: {error}', { error })
  const onStatsError = (error: unknown): void => log.error('Statistics are not kept: {error}', { error })
  const onDeletionError = (error: unknown): void => log.error('A deletion waits: {error}', { error })
  const tasks = [
    repeat(options.pollMs ?? 1_000, () => dispatcher.poll(), onError),
    repeat(options.pollMs ?? 1_000, () => licensing.audit.seal(), onAuditError),
    repeat(minute, () => outbox.announceEnds(), onError),
    repeat(hour, () => outbox.prune(), onError),
    repeat(hour, () => licensing.audit.prune(), onAuditError),
    repeat(tenSeconds, () => reportFullQueues(outbox), onError),
    repeat(minute, () => licensing.finishDeletions(), onDeletionError),
    repeat(minute, () => licensing.keepStats(), onStatsError),
  ]
  const stopListening = outbox.onWritten((appId) => dispatcher.notify(appId))
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopListening()
    await Promise.all([dispatcher.stop(options.stopMs ?? 5_000), ...tasks.map((task) => task.stop())])
    await reportFullQueues(outbox).catch(onError)
  }
  return { stop: () => (stopping ??= stop()) }
}
