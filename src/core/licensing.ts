import { actorFor, embedder, type NamedActor } from './actor.ts'
import type { Context } from './context.ts'
import type { App, NewAppOptions } from './apps.ts'
import { bindAuditLog, type AuditLog } from './audit-chain/chain.ts'
import { finishDeletions } from './deletions.ts'
import { ensure, type Catalogue } from './ensure.ts'
import { idempotently, idempotentlyOnce, type IdempotencyKey, type IdempotentResult } from './idempotency.ts'
import { bindRecovery, type Recovery } from './keys/recovery.ts'
import { loadOf, type Load } from './load.ts'
import { createRuntime, type LicensingOptions } from './options.ts'
import { rekey, type RekeyResult, type RekeyOptions } from './rekey.ts'
import { checkedPrincipal, type Principal } from './principal.ts'
import { bindRestricted, naming, type RestrictedLicensing } from './restricted.ts'
import type { EventType, LicensingEvent } from './runtime/events.ts'
import type { Refusal } from './runtime/refusals.ts'
import { checkMasterKey } from './runtime/master-key.ts'
import { takeSnapshots } from './statistics/snapshots.ts'
import { bindSessions, type Sessions } from './sessions/sessions.ts'
import type { Storage } from './storage/index.ts'
import { writeDropped } from './webhooks/full-queues.ts'
import { bindOutbox, type Outbox } from './webhooks/outbox.ts'

/**
 * All of Heartwood's use cases. `app` is always an app's slug or id.
 *
 * @example
 * ```ts
 * import { createLicensing, type Licensing } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing: Licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
 * await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro', features: ['export'] })
 * const { id } = await licensing.customers.create('desktop-app', { email: 'ada@example.com' })
 * const license = await licensing.licenses.create('desktop-app', {
 *   installationId: crypto.randomUUID(),
 *   customerId: id,
 *   tierId: 'pro',
 *   durationDays: 365,
 * })
 * console.log(license.token)
 * ```
 */
export interface Licensing extends RestrictedLicensing {
  /** The queue of events for webhooks. `startDelivery` of `heartwood/webhooks` sends them. */
  readonly outbox: Outbox
  /** The audit log, and its chain, which shows each change of a sealed entry. */
  readonly audit: AuditLog
  /** The recovery keys of apps, which lead programs past a thief of a signing key. */
  readonly recovery: Recovery
  /** The people who are signed in to the dashboard with an API key. */
  readonly sessions: Sessions
  /**
   * The use cases as the holder of an API key may call them. An app that the key does not see is `not_found`. Licenses lack
   * `jti` and `token` for a public key. The audit log names the key as the actor, unless `as` has named another before. It keeps
   * `requestId` as well.
   * @throws {TypeError} if the principal has no `scopes`, because they are then not known: `null` gives all rights of its type.
   */
  restrictedTo(principal: Principal, requestId?: string): RestrictedLicensing
  as(actor: NamedActor): Licensing
  forRequest(requestId: string): Licensing
  /**
   * Brings an app, its features and its tiers to what the catalogue says, and resolves to the app. A backend calls it at every
   * start, and several servers may call it at once.
   *
   * It makes what is missing. It changes names, descriptions, the webhook URL, the order of tiers and the features of tiers
   * where they differ. An absent field stays unchanged, and so do features and tiers outside the catalogue: it deletes none.
   * It writes nothing if all is so. Licenses get a tier's new features when they are regenerated. `options` are for the
   * creation of the app.
   * @throws {LicensingError} `validation_error`; `unavailable` if too many key pairs are being made.
   * @throws {TypeError} if the app is missing inside a host's transaction, and no `keyPair` is given.
   *
   * @example
   * ```ts
   * import { createLicensing } from 'heartwood'
   * import { memoryStorage } from 'heartwood/storage/memory'
   *
   * const masterKey = crypto.getRandomValues(new Uint8Array(32))
   * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
   * const app = await licensing.ensure({
   *   app: { name: 'My Desktop App', slug: 'desktop-app' },
   *   tiers: [{ name: 'Pro', slug: 'pro', features: ['api_access'] }],
   * })
   * console.log(app.id)
   * ```
   */
  ensure(catalogue: Catalogue, options?: NewAppOptions): Promise<App>
  /**
   * Reseals every secret under the first master key, so that the other keys are no longer needed. Servers may keep running,
   * if all of them have the same first key and the old key behind it. The work may stop and start again. The check record
   * changes last: until then both keys are needed, and together they open everything.
   *
   * Resolves to the counts of secrets that were resealed.
   * @throws {LicensingError} `master_key` if a secret opens with none of the keys; `conflict` if other servers go on sealing
   * under another key.
   *
   * @example
   * ```ts
   * import { createLicensing } from 'heartwood'
   * import { memoryStorage } from 'heartwood/storage/memory'
   *
   * const storage = memoryStorage()
   * const oldKey = crypto.getRandomValues(new Uint8Array(32))
   * await createLicensing({ storage, masterKey: oldKey })
   *
   * const newKey = crypto.getRandomValues(new Uint8Array(32))
   * const licensing = await createLicensing({ storage, masterKey: [newKey, oldKey] })
   * const { keyCheck } = await licensing.rekey()
   * console.log(keyCheck) // true: the new key alone opens everything now
   * ```
   */
  rekey(options?: RekeyOptions): Promise<RekeyResult>
  /**
   * Calls `handler` after each change of this type that this process commits. Returns a function that ends the calls.
   *
   * The handler runs in a microtask of its own. If it throws, the process has an uncaught error, and the call that made the
   * change still succeeds. Only the app's webhook receives changes by other processes, and changes inside a host's
   * transaction ({@link Licensing.with}). The events of time, `license.expiring` and `license.expired`, need `startDelivery`.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * function logRevocations(licensing: Licensing): () => void {
   *   return licensing.on('license.revoked', ({ data }) => console.log(data.licenseId, 'was revoked'))
   * }
   * ```
   */
  on<Type extends EventType>(type: Type, handler: (event: LicensingEvent<Type>) => unknown): () => void
  idempotent<Result extends object>(
    key: IdempotencyKey,
    work: (licensing: Licensing) => Promise<Result>,
  ): Promise<IdempotentResult<Result>>
  idempotentCall<Result extends object>(
    key: IdempotencyKey,
    call: (licensing: Licensing) => Promise<Result>,
  ): Promise<IdempotentResult<Result>>
  /**
   * Licensing inside a transaction of the host's own: licenses and the host's rows commit or roll back together. Nothing is
   * signed there, so a license has the token `null`: call `licenses.token` after the commit. To create an app or to rotate,
   * give a ready `keyPair`.
   *
   * @example
   * ```ts
   * import type { Licensing, NewLicense } from 'heartwood'
   * import { kyselyStorage } from 'heartwood/storage/kysely'
   * import type { Kysely } from 'kysely'
   *
   * interface Database {
   *   readonly order: { readonly number: string }
   * }
   *
   * async function sell(db: Kysely<Database>, licensing: Licensing, license: NewLicense): Promise<void> {
   *   await db.transaction().execute(async (trx) => {
   *     await trx.insertInto('order').values({ number: '2026-0001' }).execute()
   *     await licensing.with(kyselyStorage(trx)).licenses.create('desktop-app', license)
   *   })
   * }
   * ```
   */
  with(storage: Storage): Licensing
  /**
   * Finishes the deletions that a process has begun and not ended, for example because it was killed. The deletion of an app,
   * tier or customer with more than 1,000 records takes several transactions. Nobody finds it from the first one on. A caller
   * of `delete` waits for the others, but for 3 seconds at most; then they go on without the caller.
   * `startDelivery` of `heartwood/webhooks` calls this at its start and every minute. Any number of servers may.
   *
   * Resolves to the number of deletions that this call has finished.
   */
  finishDeletions(): Promise<number>
  /** The present load of this process, and its counts since it began, for metrics of your own. */
  load(): Load
  /** Resolves if the storage answers. @throws {LicensingError} `unavailable`. */
  ping(): Promise<void>
  /**
   * Writes what is batched in memory: the times of last use of API keys, the numbers for `stats`, and the counts of events that
   * a full webhook queue has dropped. Call it before you close the storage.
   */
  flush(): Promise<void>
  /**
   * Keeps the numbers of `stats`: writes those of this process, counts the licenses of the apps that are due, and deletes old
   * numbers. `startDelivery` of `heartwood/webhooks` calls it at its start and every minute. Any number of servers may, because
   * each app is counted by one.
   *
   * Resolves to the number of apps whose licenses this call has counted.
   */
  keepStats(): Promise<number>
  /** Notes a request that a server has refused, for `status`. The servers of Heartwood call it. It must hold no secret. */
  noteRefusal(refusal: Omit<Refusal, 'time'>): void
}

/** The context of a call by the holder of an API key. */
function restrict(context: Context, principal: Principal, requestId = context.requestId): Context {
  const actor = actorFor(context.actor, principal)
  return { ...context, principal: checkedPrincipal(principal), actor, requestId }
}

/** A failure of one must not lose the others. */
async function flush(context: Context): Promise<void> {
  const { lastUsed, tallies } = context.runtime
  const done = await Promise.allSettled([lastUsed.flush(), tallies.flush(), writeDropped(context)])
  for (const each of done) if (each.status === 'rejected') throw each.reason
}

async function keepStats(context: Context): Promise<number> {
  await context.runtime.tallies.flush()
  return takeSnapshots(context)
}

function bind(context: Context): Licensing {
  const { runtime } = context
  const restricted = bindRestricted(context)
  return {
    ...restricted,
    sessions: bindSessions(context, restricted.apiKeys.authenticate),
    outbox: bindOutbox(context),
    recovery: bindRecovery(context),
    audit: bindAuditLog(context),
    ...naming(context, bind),
    restrictedTo: (principal, requestId) => bindRestricted(restrict(context, principal, requestId)),
    on: (type, handler) => runtime.listeners.on(type, handler),
    ensure: (catalogue, options) => ensure(context, catalogue, options),
    rekey: (options) => rekey(context, options),
    idempotent: (key, work) => idempotently(context, key, (within) => work(bind(within))),
    idempotentCall: (key, work) => idempotentlyOnce(context, key, (recording) => work(bind(recording))),
    with: (storage) => bind({ ...context, storage, inHostTransaction: true, unit: null }),
    finishDeletions: () => finishDeletions(context),
    load: () => loadOf(runtime),
    ping: () => context.storage.ping(),
    flush: () => flush(context),
    keepStats: () => keepStats(context),
    noteRefusal: (refusal) => runtime.refusals.note({ time: runtime.now(), ...refusal }),
  }
}

/**
 * Makes licensing from a storage and a master key. A backend needs nothing else.
 *
 * @throws {LicensingError} `master_key` if the key is malformed, or is not the key that sealed this storage. Nothing has been
 * written then.
 * @throws {TypeError} that names an unknown or unusable option, never its value.
 *
 * @example
 * ```ts
 * import { createLicensing } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const app = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
 * console.log(app.publicKeyPem)
 * ```
 */
export async function createLicensing(options: LicensingOptions): Promise<Licensing> {
  const runtime = await createRuntime(options)
  const { storage } = options
  await checkMasterKey(storage, runtime.sealer)
  runtime.keyPairs.fill()
  const call = { inHostTransaction: false, recorder: null, unit: null, principal: null, app: null }
  return bind({ runtime, storage, ...call, actor: embedder, requestId: null })
}
