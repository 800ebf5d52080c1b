import type { SearchResult } from '../core/search.ts'
import { apiOf } from './api.ts'
import { makeCall, type Call } from './call.ts'
import {
  readCallOptions,
  readOptions,
  type CallOptions,
  type LicensingClientOptions,
  type Settings,
} from './options.ts'
import { recast } from './remote-error.ts'
import type { RemoteLicensing } from './remote-licensing.ts'
import { remoteApiKeys } from './resources/api-keys.ts'
import { remoteAudit } from './resources/audit.ts'
import { remoteApps, remoteRotation } from './resources/apps.ts'
import { remoteCustomers } from './resources/customers.ts'
import { remoteDiagnosis } from './resources/diagnosis.ts'
import { remoteFeatures } from './resources/features.ts'
import { remoteLicenseKeys } from './resources/license-keys.ts'
import { remoteLicenses } from './resources/licenses.ts'
import { remoteStatistics } from './resources/statistics.ts'
import { remoteTiers } from './resources/tiers.ts'
import { remoteVerification } from './resources/verification.ts'
import { remoteWebhooks } from './resources/webhooks.ts'
import { readItems, readJson } from './response.ts'

/** Licensing over HTTP, with what a single call may need. */
export interface LicensingClient extends RemoteLicensing {
  /**
   * The same licensing with options for its calls: a signal, a time limit, an Idempotency-Key of your own.
   * @throws {TypeError} that names an unusable option.
   *
   * @example
   * ```ts
   * import type { NewLicense } from 'heartwood'
   * import type { LicensingClient } from 'heartwood/sdk'
   *
   * export async function sell(licensing: LicensingClient, order: string, license: NewLicense): Promise<string | null> {
   *   const { licenses } = licensing.withOptions({ idempotencyKey: `order-${order}` })
   *   return (await licenses.create('desktop-app', license)).token
   * }
   * ```
   */
  withOptions(options: CallOptions): LicensingClient
}

type MakeCall = <Result>(call: Call<Result>) => Promise<Result>

/** The health check is no part of the API: a server without storage answers it in another form. */
async function ping(call: MakeCall): Promise<void> {
  try {
    await call({ method: 'GET', path: '/api/health', isOpen: true, read: readJson })
  } catch (error) {
    recast(error, ({ status }) => status === 503, 'unavailable', 'The storage of the server does not respond')
  }
}

/**
 * A resource is one file in `resources/`, which says what each use case of core is over HTTP. To add one: write that file,
 * name it here and in `RemoteLicensing`. `test/sdk/routes.test.ts` fails until every route of the server has its call.
 */
function bindResources(call: MakeCall): RemoteLicensing {
  const api = apiOf(call)
  return {
    apps: remoteApps(api),
    tiers: remoteTiers(api),
    features: remoteFeatures(api),
    customers: remoteCustomers(api),
    licenseKeys: remoteLicenseKeys(api),
    licenses: remoteLicenses(api),
    verification: remoteVerification(api),
    apiKeys: remoteApiKeys(api),
    webhooks: remoteWebhooks(api),
    audit: remoteAudit(api),
    search: (q) => api.get('/search', { q }, { read: readItems<SearchResult> }),
    ...remoteStatistics(api),
    rotateKeys: remoteRotation(api),
    diagnose: remoteDiagnosis(api),
    ping: () => ping(call),
  }
}

/** The settings stay in closures, so that no property of the client shows the key. */
export function bindClient(settings: Settings, options: CallOptions = {}): LicensingClient {
  return {
    ...bindResources((call) => makeCall(settings, call, options)),
    withOptions: (given) => bindClient(settings, { ...options, ...readCallOptions(given) }),
  }
}

/**
 * Makes licensing of a server's HTTP API. It has core's own use cases, types, times and errors, so a program moves between
 * licensing in its own process and licensing on a server by this one line.
 *
 * Each POST that writes carries an `Idempotency-Key`. A call is repeated if no response came, and after 429, 502, 503 and
 * 504: it waits as `Retry-After` asks, and a little more at random. No other refusal is repeated. The time limit is for all
 * attempts together. Redirects are never followed.
 *
 * @returns The client. It holds no connection open and needs no end.
 * @throws {TypeError} that names an unusable option, never its value.
 *
 * @example
 * ```ts
 * import { createLicensingClient } from 'heartwood/sdk'
 *
 * const licensing = createLicensingClient({ baseUrl: 'http://localhost:4000', apiKey: 'sk_live_…' })
 *
 * export async function countActive(app: string): Promise<number> {
 *   let count = 0
 *   for await (const _license of licensing.licenses.all(app, { status: 'active' })) count += 1
 *   return count
 * }
 * ```
 */
export function createLicensingClient(options: LicensingClientOptions): LicensingClient {
  return bindClient(readOptions(options))
}
