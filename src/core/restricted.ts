import { bindApiKeys, type ApiKeys } from './api-keys/api-keys.ts'
import { bindApps, type Apps } from './apps.ts'
import type { Context } from './context.ts'
import { bindCustomers, type Customers } from './customers.ts'
import { bindFeatures, type Features } from './features.ts'
import { idempotently, idempotentlyOnce, type IdempotencyKey, type IdempotentResult } from './idempotency.ts'
import { rotateKeys, type Rotation, type RotationOptions } from './keys/rotation.ts'
import { bindLicenseKeys, type LicenseKeys } from './license-keys/license-keys.ts'
import { bindLicenses, type Licenses } from './licenses/licenses.ts'
import { bindVerification, type VerificationUseCases } from './licenses/verify.ts'
import { requireApp } from './lookup.ts'
import { may, requirePermission, type Permission } from './principal.ts'
import type { KeyPair } from './runtime/key-pool.ts'
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
    rotateKeys: (app, rotation, keyPair) => rotateKeys(context, app, rotation, keyPair),
    may: (permission) => may(context.principal, permission),
    authorize: (permission, app) => authorize(context, permission, app),
    idempotent: (key, work) => idempotently(context, key, (within) => work(bindRestricted(within))),
    idempotentCall: (key, call) =>
      idempotentlyOnce(context, key, (recording) => call(bindRestricted(recording))),
  }
}
