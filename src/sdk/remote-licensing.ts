import type { ApiKeys } from '../core/api-keys/api-keys.ts'
import type { App, Apps, NewApp } from '../core/apps.ts'
import type { AuditEntry, AuditQuery } from '../core/audit/log.ts'
import type { FilterOf } from '../core/all-items.ts'
import type { Customers } from '../core/customers.ts'
import type { Diagnosis, DiagnosisInput } from '../core/diagnosis/diagnosis.ts'
import type { Features } from '../core/features.ts'
import type { Activation, ActivationOptions } from '../core/license-keys/activation.ts'
import type { NewActivation } from '../core/license-keys/input.ts'
import type { LicenseKeys } from '../core/license-keys/license-keys.ts'
import type { Rotation, RotationFields } from '../core/keys/rotation.ts'
import type { Licenses } from '../core/licenses/licenses.ts'
import type { RenewalOptions } from '../core/licenses/regenerate.ts'
import type { HeldLicense } from '../core/licenses/renewal.ts'
import type { VerificationUseCases } from '../core/licenses/verify.ts'
import type { Listing, Paging } from '../core/paging.ts'
import type { SearchResult } from '../core/search.ts'
import type { Stats, StatsQuery } from '../core/statistics/stats.ts'
import type { Status } from '../core/statistics/status.ts'
import type { Invitations } from '../core/sessions/invitation.ts'
import type { Tiers } from '../core/tiers.ts'
import type { Webhooks } from '../core/webhooks/webhooks.ts'

/** The use cases of apps over HTTP. A new app has the mode of the API key, and the server makes its key pair. */
export interface RemoteApps extends Omit<Apps, 'create' | 'list' | 'all' | 'trust'> {
  /** Creates an app with its own RSA-4096 key pair. It takes the mode of the API key. */
  create(app: NewApp): Promise<App>
  /** The apps that the API key may see, newest first. */
  list(query?: Paging): Promise<Listing<App>>
  /** Every app that the API key may see. */
  all(): AsyncIterable<App>
}

/** The use cases of licenses over HTTP. `renew` takes the token itself, and the server applies its own limits. */
export interface RemoteLicenses extends Omit<Licenses, 'authenticate' | 'file' | 'renew'> {
  /** Regenerates a license for the holder of its token. The client shows no API key with it. */
  renew(
    app: string,
    id: string,
    currentToken: string,
    options?: Pick<RenewalOptions, 'client'>,
  ): Promise<HeldLicense>
}

/**
 * The use cases of license keys over HTTP. `licenseKey` is the text of a license key. The client shows no API key with it, and
 * the server applies its own limits.
 */
export interface RemoteLicenseKeys extends Omit<LicenseKeys, 'authenticate' | 'activate'> {
  /** Gives an installation a seat, or the one that it has, and resolves to it with a fresh token. */
  activate(
    app: string,
    licenseKey: unknown,
    activation: NewActivation,
    options?: Pick<ActivationOptions, 'client'>,
  ): Promise<Activation>
}

/** The use cases of verification over HTTP. They are public, so the client shows no credential. */
export type RemoteVerification = Omit<VerificationUseCases, 'verifyDirectly' | 'verifyTokenDirectly'>

/** The use cases of the audit log over HTTP. */
export interface RemoteAudit {
  /** The entries of an app, newest first. `null` reads those of all apps in the mode of the API key. */
  list(app: string | null, query?: AuditQuery): Promise<Listing<AuditEntry>>
  /** Every matching entry, newest first. */
  all(app: string | null, filter?: FilterOf<AuditQuery>): AsyncIterable<AuditEntry>
}

/** The use cases of API keys over HTTP. */
export interface RemoteApiKeys extends Omit<ApiKeys, 'createFirst' | 'authenticate' | 'revoke'>, Invitations {
  /** Ends a key. Over HTTP it resolves to nothing; in process it resolves to the key. */
  revoke(id: string): Promise<unknown>
}

/**
 * The part of core's `Licensing` that HTTP reaches, by core's own types. A function that takes it works in process and over
 * HTTP.
 *
 * Transactions stay in process, because no request spans several writes: `with`, `idempotent`, `idempotentCall` and
 * `ensure`. So do `on`, `outbox`, `rekey` and whatever else needs the storage or the master key.
 *
 * @example
 * ```ts
 * import type { RemoteLicensing } from 'heartwood/sdk'
 *
 * export async function refund(licensing: RemoteLicensing, id: string): Promise<void> {
 *   await licensing.licenses.revoke('desktop-app', id, { reason: 'Refunded' })
 * }
 * ```
 */
export interface RemoteLicensing {
  readonly apps: RemoteApps
  readonly tiers: Tiers
  readonly features: Features
  readonly customers: Customers
  readonly licenseKeys: RemoteLicenseKeys
  readonly licenses: RemoteLicenses
  readonly verification: RemoteVerification
  readonly apiKeys: RemoteApiKeys
  readonly webhooks: Webhooks
  readonly audit: RemoteAudit
  /** Finds records in all apps that the API key sees. The call is a GET, so the text is in the URL. */
  search(text: string): Promise<readonly SearchResult[]>
  /** Numbers of what happened in an app, by hour or day, and its licenses by tier. */
  stats(app: string, query?: StatsQuery): Promise<Stats>
  /** The state of the server that responds, and the last requests that it refused. */
  status(): Promise<Status>
  /** Replaces an app's key pair by one that the server makes. */
  rotateKeys(app: string, options?: RotationFields): Promise<Rotation>
  /** Says why a program, or the server, refuses what a customer holds. The server never logs or keeps the text. */
  diagnose(input: DiagnosisInput): Promise<Diagnosis>
  /** Resolves if the server and its storage respond. @throws {LicensingError} `unavailable` if the storage does not. */
  ping(): Promise<void>
}
