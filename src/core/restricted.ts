import { checkedRequestId, namedActor, type NamedActor } from './actor.ts'
import { bindApiKeys, type ApiKeys } from './api-keys/api-keys.ts'
import { bindApps, type Apps } from './apps.ts'
import { bindAudit, type Audit } from './audit/log.ts'
import type { Context } from './context.ts'
import { bindCustomers, type Customers } from './customers.ts'
import { diagnose } from './diagnosis/diagnose.ts'
import type { Diagnosis, DiagnosisInput } from './diagnosis/diagnosis.ts'
import { bindFeatures, type Features } from './features.ts'
import { idempotently, idempotentlyOnce, type IdempotencyKey, type IdempotentResult } from './idempotency.ts'
import { rotateKeys, type Rotation, type RotationOptions } from './keys/rotation.ts'
import { bindLicenseKeys, type LicenseKeys } from './license-keys/license-keys.ts'
import { bindLicenses, type Licenses } from './licenses/licenses.ts'
import { bindVerification, type VerificationUseCases } from './licenses/verify.ts'
import { requireApp } from './lookup.ts'
import { may, requirePermission, type Permission } from './principal.ts'
import type { KeyPair } from './runtime/key-pool.ts'
import { search, type SearchOptions, type SearchResult } from './search.ts'
import { stats, type Stats, type StatsQuery } from './statistics/stats.ts'
import { status, type Status } from './statistics/status.ts'
import { bindInvitations, type Invitations } from './sessions/invitation.ts'
import { bindTiers, type Tiers } from './tiers.ts'
import { bindWebhooks, type Webhooks } from './webhooks/webhooks.ts'

/**
 * The use cases that an API key may be given. `licensing.restrictedTo(principal)` binds them to one key: it sees what the key
 * may see, and rejects with `forbidden` what the key may not do. `app` is always an app's slug or id.
 *
 * @example
 * ```ts
 * import type { App, Licensing, Listing } from 'heartwood'
 *
 * async function appsOf(licensing: Licensing, secret: string): Promise<Listing<App>> {
 *   const principal = await licensing.apiKeys.authenticate(secret)
 *   if (principal === null) throw new Error('Invalid API key')
 *   return licensing.restrictedTo(principal).apps.list()
 * }
 * ```
 */
export interface RestrictedLicensing {
  readonly apps: Apps
  readonly tiers: Tiers
  readonly features: Features
  readonly customers: Customers
  readonly licenses: Licenses
  readonly licenseKeys: LicenseKeys
  readonly verification: VerificationUseCases
  readonly apiKeys: ApiKeys & Invitations
  readonly webhooks: Webhooks
  readonly audit: Audit
  /**
   * Finds records in all apps that the caller sees, at most 20: by id, installation, external id, slug or `jti` exactly, and
   * customers by the beginning of their e-mail or name, in any case. It shows only nouns that the caller may read.
   * @param text At most 200 characters.
   * @throws {LicensingError} `validation_error`, also for the form of a token, a license key or an API key.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function printCustomers(licensing: Licensing, beginning: string): Promise<void> {
   *   for (const { kind, label } of await licensing.search(beginning)) console.log(kind, label)
   * }
   * ```
   */
  search(text: string, options?: SearchOptions): Promise<readonly SearchResult[]>
  /**
   * Replaces an app's key pair. Tokens are derived and never stored, so from the commit on the token of every active license
   * is under the new key. Tokens under the old key fail, unless `gracePeriodDays` is given. The same transaction writes a
   * statement that both keys sign, and programs follow it from the old key to the new: see `apps.trust`.
   *
   * `keyPair` is the new pair; by default one is generated, which takes a second or two.
   * @throws {LicensingError} `validation_error`, `not_found`; `recovery_required` if the rotation is `compromised` and the app
   * has recovery keys that do not sign; `conflict` if another rotation was faster; `unavailable` if too many key pairs or
   * signatures are being made.
   * @throws {TypeError} if `keyPair` is malformed, is a pair that the app has or had, or one of its recovery keys, or is
   * missing inside a host's transaction.
   */
  rotateKeys(app: string, options?: RotationOptions, keyPair?: KeyPair): Promise<Rotation>
  /**
   * The same use cases in the name of somebody: the audit log keeps the actor with every change. It names and never restricts,
   * and it holds in `restrictedTo`, `with`, `idempotent` and `idempotentCall`.
   * @throws {TypeError} that names an unusable part of the actor.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function revokeFor(licensing: Licensing, userId: string, licenseId: string): Promise<void> {
   *   await licensing.as({ type: 'user', id: userId }).licenses.revoke('desktop-app', licenseId)
   * }
   * ```
   */
  as(actor: NamedActor): RestrictedLicensing
  /**
   * The same use cases for one request: the audit log keeps its id with every change.
   * @throws {TypeError} unless the id is 1 to 128 printable ASCII characters without blanks.
   */
  forRequest(requestId: string): RestrictedLicensing
  /**
   * Says why a program, or the server, refuses what a customer holds. The text is anything that a customer may send: a token,
   * also a part of one or the log line around it; a license key, also a mistyped one; an id, an e-mail address, an order number.
   *
   * It reads only, and keeps nothing of the text. It looks into the 200 newest apps that the caller sees, but a token names its
   * app.
   * @throws {LicensingError} `validation_error` if the text is longer than 64 KiB of UTF-8; `forbidden` without the right to
   * read licenses.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function explain(licensing: Licensing, text: string): Promise<string> {
   *   const { checks, remedy } = await licensing.diagnose({ text })
   *   const fault = checks.find(({ state }) => state === 'failed')
   *   return fault === undefined ? 'Nothing is wrong.' : `${fault.sentence} ${remedy}`
   * }
   * ```
   */
  diagnose(input: DiagnosisInput): Promise<Diagnosis>
  /**
   * Numbers of what happened in an app, by hour or day: verifications, renewals and activations by their outcome, and licenses
   * that were issued and revoked. Each server writes its numbers every minute, so the last minute is missing. Beside them
   * stand the numbers of licenses by tier, as they were last counted: at night, and every hour if they are few. No call counts
   * licenses.
   * @throws {LicensingError} `validation_error` for a period that is empty or has more than 400 steps; `not_found`.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function verificationsOfToday(licensing: Licensing): Promise<number> {
   *   const { series } = await licensing.stats('desktop-app', { step: 'day' })
   *   return series['verify.ok']?.at(-1) ?? 0
   * }
   * ```
   */
  stats(app: string, query?: StatsQuery): Promise<Stats>
  /**
   * The state of this process and of its storage, with the last requests that its servers refused. A key sees the apps of its
   * mode, and must be one that manages keys.
   * @throws {LicensingError} `forbidden`.
   */
  status(): Promise<Status>
  /** True if the caller has the permission. The host has all permissions. */
  may(permission: Permission): boolean
  /**
   * Begins a request, before its input is read: checks that the caller sees the app and has the permission. The resulting
   * licensing is for this request only, because it does not read the app again.
   * @throws {LicensingError} `not_found`, `forbidden`, in this order.
   */
  authorize(permission: Permission, app?: string): Promise<Authorized>
  /**
   * Does work once under a key. The same key within 24 hours gets the first result again, over restarts and between servers.
   * All writes of the work and its result are in one transaction. Work that throws leaves nothing, and its error comes out.
   *
   * Use only the given licensing inside `work`. The first write begins the transaction, and from then on other writers may
   * wait: do what takes long before it. A storage may run `work` again after a conflict. Nothing is signed inside, so a
   * license has the token `null`. If the key declares a license, the result gets its token after the commit. Work inside work
   * is a part of it, under a key of its own. A replay has what JSON keeps of the result.
   * @throws {LicensingError} `validation_error` if the key is malformed; `idempotency_mismatch` if it was used with another
   * request; `idempotency_in_progress` if the first request still runs after ten seconds; `unavailable` if the work holds its
   * transaction for four seconds; whatever `work` throws.
   * @throws {TypeError} if a call after the first write needs a key pair and none is given; if the result is no object.
   *
   * @example
   * ```ts
   * import type { Licensing, NewLicense, SignedLicense } from 'heartwood'
   *
   * type Bought = Omit<NewLicense, 'customerId'>
   *
   * async function sell(licensing: Licensing, order: string, email: string, bought: Bought): Promise<SignedLicense> {
   *   const key = { key: order, scope: 'orders', fingerprint: email, license: { app: 'desktop-app' } }
   *   const { result } = await licensing.idempotent(key, async ({ customers, licenses }) => {
   *     const { customer } = await customers.getOrCreate('desktop-app', { email })
   *     return licenses.create('desktop-app', { ...bought, customerId: customer.id })
   *   })
   *   return result
   * }
   * ```
   */
  idempotent<Result extends object>(
    key: IdempotencyKey,
    work: (licensing: RestrictedLicensing) => Promise<Result>,
  ): Promise<IdempotentResult<Result>>
  /**
   * Makes one call once under a key, as the HTTP API does for an `Idempotency-Key`. The call works as it does without a key:
   * it signs its token, a rotation makes its key pair, a bulk regeneration writes in pages. The result is stored in the
   * transaction of its writes, and that of a bulk regeneration after its last page.
   *
   * `call` calls one use case that writes and resolves to its result. For several use cases take `idempotent`.
   * @throws {LicensingError} as `idempotent`; whatever `call` throws.
   *
   * @example
   * ```ts
   * import type { Licensing, Rotation } from 'heartwood'
   *
   * async function rotateOnce(licensing: Licensing, ticket: string): Promise<Rotation> {
   *   const key = { key: ticket, scope: 'rotations', fingerprint: 'desktop-app' }
   *   const { result } = await licensing.idempotentCall(key, (each) => each.rotateKeys('desktop-app'))
   *   return result
   * }
   * ```
   */
  idempotentCall<Result extends object>(
    key: IdempotencyKey,
    call: (licensing: RestrictedLicensing) => Promise<Result>,
  ): Promise<IdempotentResult<Result>>
}

/** The result of {@link RestrictedLicensing.authorize}. */
export interface Authorized {
  readonly licensing: RestrictedLicensing
  /** The id of the app; `null` for a request outside any app. */
  readonly app: string | null
}

async function authorize(
  context: Context,
  permission: Permission,
  slug: string | undefined,
): Promise<Authorized> {
  if (slug === undefined) {
    requirePermission(context.principal, permission)
    return { licensing: bindRestricted(context), app: null }
  }
  const app = await requireApp(context, slug, permission)
  return { licensing: bindRestricted({ ...context, app }), app: app.id }
}

/** The ways to name actor and request, which `bind` binds to the named context. */
export function naming<Bound>(
  context: Context,
  bind: (named: Context) => Bound,
): { as(actor: NamedActor): Bound; forRequest(requestId: string): Bound } {
  return {
    as: (actor) => bind({ ...context, actor: namedActor(actor) }),
    forRequest: (requestId) => bind({ ...context, requestId: checkedRequestId(requestId) }),
  }
}

export function bindRestricted(context: Context): RestrictedLicensing {
  return {
    apps: bindApps(context),
    tiers: bindTiers(context),
    features: bindFeatures(context),
    customers: bindCustomers(context),
    licenses: bindLicenses(context),
    licenseKeys: bindLicenseKeys(context),
    verification: bindVerification(context),
    apiKeys: { ...bindApiKeys(context), ...bindInvitations(context) },
    webhooks: bindWebhooks(context),
    audit: bindAudit(context),
    search: (text, options) => search(context, text, options),
    rotateKeys: (app, rotation, keyPair) => rotateKeys(context, app, rotation, keyPair),
    ...naming(context, bindRestricted),
    diagnose: (given) => diagnose(context, given),
    stats: (app, query) => stats(context, app, query),
    status: () => status(context),
    may: (permission) => may(context.principal, permission),
    authorize: (permission, app) => authorize(context, permission, app),
    idempotent: (key, work) => idempotently(context, key, (within) => work(bindRestricted(within))),
    idempotentCall: (key, call) =>
      idempotentlyOnce(context, key, (recording) => call(bindRestricted(recording))),
  }
}
