import { allItems, type FilterOf } from '../all-items.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { isUuid } from '../ids.ts'
import { checkMetadata, invalidInput } from '../input/parse.ts'
import { withSigningSlot } from '../keys/signing-queue.ts'
import { sortedLimits } from '../limits.ts'
import { licenseId, requireApp, requireLicense } from '../lookup.ts'
import type { Listing } from '../paging.ts'
import type { AppRecord, LicensePatch, LicenseRecord, TierRecord } from '../storage/index.ts'
import { changeLicense, deleteLicense, writeNewLicense, type ChangePlan } from './changes.ts'
import type { TokenCredential } from './check-token.ts'
import {
  changedExpiryOf,
  customFeaturesOf,
  expiryOf,
  licenseChanges,
  newLicense,
  pageSizeOf,
  type LicenseChanges,
  type LicenseQuery,
  type NewLicense,
  type ParsedChanges,
  type ParsedLicense,
  type Reinstatement,
  type Revocation,
} from './input.ts'
import {
  regenerateLicense,
  regenerateLicenses,
  nextRevision,
  type BulkOutcome,
  type BulkRegeneration,
  type Regeneration,
  type RenewalOptions,
} from './regenerate.ts'
import { authenticate, renew, type HeldLicense } from './renewal.ts'
import { reinstateLicense, revokeLicense, unrevoked } from './revocation.ts'
import { licenseFile } from './license-file.ts'
import { listLicenses, permissionFor } from './list.ts'
import { refuseOfLicenseKey } from './seats.ts'
import {
  present,
  toSigned,
  withToken,
  type IncludeToken,
  type License,
  type LicenseStatus,
  type SignedLicense,
} from './view.ts'

/**
 * The use cases of licenses: `licensing.licenses`. `id` is the license's id or UUID.
 *
 * Every use case that signs a token throws `unavailable`, before it changes anything, if too many signatures are waiting.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function sell(licensing: Licensing, customerId: string, installationId: string): Promise<string | null> {
 *   const license = { installationId, customerId, tierId: 'pro', durationDays: 365 }
 *   const { token } = await licensing.licenses.create('desktop-app', license)
 *   return token
 * }
 *
 * async function refund(licensing: Licensing, id: string): Promise<void> {
 *   await licensing.licenses.revoke('desktop-app', id, { reason: 'Refunded' })
 * }
 * ```
 */
export interface Licenses {
  /**
   * Issues a license. It takes the installation slot of an expired or revoked license of the same installation.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` if the installation has an active license.
   */
  create(app: string, license: NewLicense): Promise<SignedLicense>
  /** @throws {LicensingError} `not_found`. */
  get(app: string, id: string): Promise<License>
  get(app: string, id: string, options: IncludeToken): Promise<SignedLicense>
  /** The license that occupies the installation slot. @throws {LicensingError} `not_found`. */
  getByInstallation(app: string, installationId: string): Promise<License>
  getByInstallation(app: string, installationId: string, options: IncludeToken): Promise<SignedLicense>
  /**
   * Newest first, unless `query` says otherwise: see {@link LicenseQuery.sort}.
   * @throws {LicensingError} `validation_error`, `not_found`; `forbidden` for `seenBefore` under a public key.
   */
  list(app: string, query?: LicenseQuery): Promise<Listing<License>>
  /**
   * Every matching license in the order of `list`, for `for await`. It reads page after page, so it holds at most 100 licenses.
   * @throws {LicensingError} `validation_error`, `not_found`.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function printHolders(licensing: Licensing): Promise<void> {
   *   for await (const license of licensing.licenses.all('desktop-app', { status: 'active' }))
   *     console.log(license.customerId)
   * }
   * ```
   */
  all(app: string, filter?: FilterOf<LicenseQuery>): AsyncIterable<License>
  /** The token as of now; `null` unless the license is active. @throws {LicensingError} `not_found`. */
  token(app: string, id: string): Promise<string | null>
  /**
   * A license file: the token as of now with the statements about the signing keys, as text of lines that survives mail. A
   * program reads it like a token, also without a network. Its media type is `application/heartwood-license`.
   * @throws {LicensingError} `not_found`; `license_revoked`; `token_expired` for an expired license; `forbidden` under
   * {@link Licensing.restrictedTo} a public key.
   */
  file(app: string, id: string): Promise<string>
  /**
   * Changes a license. A change to a claim regenerates it.
   * @throws {LicensingError} `validation_error`, `not_found`, `license_revoked`, `missing_tier`; `conflict` if another active
   * license occupies the installation slot. On a seat of a license key, what belongs to the license key is a
   * `validation_error`.
   */
  update(app: string, id: string, changes: LicenseChanges): Promise<SignedLicense>
  /** Deletes a license for good. @throws {LicensingError} `not_found`. */
  delete(app: string, id: string): Promise<void>
  /** Ends a license at once. To revoke it again changes nothing. @throws {LicensingError} `validation_error`, `not_found`. */
  revoke(app: string, id: string, revocation?: Revocation): Promise<License>
  /**
   * Undoes a revocation.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` if another active license occupies the installation
   * slot; `missing_tier`, only with `invalidatePrevious`. A seat also throws `license_key_revoked`, and `seat_limit_reached` if
   * its license key has no free seat.
   */
  reinstate(app: string, id: string, reinstatement?: Reinstatement): Promise<SignedLicense>
  /**
   * Regenerates a license: issues its claims anew, with the tier's present features. An expired license stays expired, and its
   * token is expired too.
   * @throws {LicensingError} `validation_error`, `not_found`, `license_revoked`, `missing_tier`.
   */
  regenerate(app: string, id: string, options?: Regeneration): Promise<SignedLicense>
  /**
   * Regenerates a license for the holder of its own token. The token must be unexpired, and signed under an accepted key.
   * Resolves to the fields that a holder may see.
   * @param currentToken The token, or the credential that `authenticate` made of it.
   * @throws {LicensingError} `invalid_token`, `token_expired`, `token_mismatch`, `not_found`, `license_revoked` or
   * `license_released`, `missing_tier`, in this order; `forbidden` under {@link Licensing.restrictedTo} a public key.
   */
  renew(app: string, id: string, currentToken: unknown, options?: RenewalOptions): Promise<HeldLicense>
  /**
   * Verifies a license token for a `renew` that follows at once. So a server can check the credential before it reads the
   * rest of a request.
   *
   * @param counts `renew` counts a refusal in the statistics of the app as that of a renewal; by default it is not counted.
   * @throws {LicensingError} `not_found` for the app; `invalid_token`.
   */
  authenticate(app: string, currentToken: unknown, counts?: 'renew'): Promise<TokenCredential>
  /**
   * Regenerates all matching active licenses. The call may be repeated.
   * @throws {LicensingError} `validation_error`, `not_found`.
   */
  regenerateAll(app: string, options?: BulkRegeneration): Promise<BulkOutcome>
}

/** A license that was read or written, and its app. */
type Found<Subject> = readonly [app: AppRecord, license: Subject]

async function existingTier(context: Context, app: AppRecord, tier: string): Promise<TierRecord> {
  const record = await context.storage.findTier(app.id, tier)
  if (record === null) throw invalidInput({ tierId: ['does not exist'] })
  return record
}

async function checkCustomer(context: Context, app: AppRecord, id: string | undefined): Promise<void> {
  if (id !== undefined && (await context.storage.findCustomer(app.id, id)) === null)
    throw invalidInput({ customerId: ['does not exist'] })
}

const unseen = { seenAt: null, seenKid: null, seenClient: null } as const

async function licenseRecord(context: Context, app: AppRecord, given: ParsedLicense): Promise<LicenseRecord> {
  const now = context.runtime.now()
  await checkCustomer(context, app, given.customerId)
  const tier = await existingTier(context, app, given.tierId)
  return {
    id: context.runtime.newId('lic'),
    appId: app.id,
    customerId: given.customerId,
    tierId: tier.id,
    tier: tier.slug,
    tierFeatures: tier.features,
    customFeatures: customFeaturesOf(given),
    tierLimits: tier.limits,
    customLimits: sortedLimits(given.customLimits ?? {}),
    installationId: given.installationId.toLowerCase(),
    current: true,
    expiresAt: expiryOf(given, now),
    updatesUntil: given.updatesUntil ?? null,
    ...unrevoked,
    issuedAt: now,
    revision: 1,
    minRevision: 1,
    version: 1,
    ...unseen,
    licenseKeyId: null,
    name: null,
    metadata: given.metadata ?? {},
    createdAt: now,
    updatedAt: now,
  }
}

async function createLicense(context: Context, app: string, license: NewLicense): Promise<Found<License>> {
  const given = newLicense.parse(license)
  checkMetadata(given.metadata)
  const record = await requireApp(context, app, 'licenses:write')
  return [record, await writeNewLicense(context, record, () => licenseRecord(context, record, given))]
}

type Claim =
  | 'installationId'
  | 'customerId'
  | 'tierId'
  | 'customFeatures'
  | 'customLimits'
  | 'expiresAt'
  | 'updatesUntil'

/** The claims that an update names; `undefined` leaves a claim alone. */
type WantedClaims = { readonly [Name in Claim]: LicenseRecord[Name] | undefined }

/** The claims that this update really changes. */
function changedClaims(license: LicenseRecord, wanted: WantedClaims): LicensePatch {
  const isChanged = (name: string, value: unknown): boolean =>
    value !== undefined && JSON.stringify(value) !== JSON.stringify(license[name as keyof WantedClaims])
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => isChanged(name, value)))
}

/** The claims that an update names, checked against the app. @throws {LicensingError} `validation_error`. */
async function wantedClaims(context: Context, app: AppRecord, given: ParsedChanges): Promise<WantedClaims> {
  await checkCustomer(context, app, given.customerId)
  const { tierId, customFeatures, customLimits } = given
  const expiresAt = changedExpiryOf(given, context.runtime.now())
  return {
    installationId: given.installationId?.toLowerCase(),
    customerId: given.customerId,
    tierId: tierId === undefined ? undefined : (await existingTier(context, app, tierId)).id,
    customFeatures: customFeatures === undefined ? undefined : (customFeatures ?? []),
    customLimits: customLimits === undefined ? undefined : sortedLimits(customLimits ?? {}),
    expiresAt,
    updatesUntil: given.updatesUntil,
  }
}

/** The fields that are no claims. */
function notesOf({ metadata, name }: ParsedChanges): LicensePatch {
  return {
    ...(metadata !== undefined && { metadata: metadata ?? {} }),
    ...(name !== undefined && { name }),
  }
}

async function updateLicense(
  context: Context,
  app: string,
  id: string,
  changes: LicenseChanges,
): Promise<Found<License>> {
  const given = licenseChanges.parse(changes)
  checkMetadata(given.metadata)
  const record = await requireApp(context, app, 'licenses:write')
  const key = licenseId(id)
  const event = 'license.updated'
  const plan: ChangePlan = async (license) => {
    if (license.licenseKeyId !== null) refuseOfLicenseKey(given)
    const wanted = await wantedClaims(context, record, given)
    const claims = changedClaims(license, wanted)
    const notes = notesOf(given)
    if (Object.keys(claims).length === 0)
      return Object.keys(notes).length === 0 ? null : { patch: notes, event }
    const { tierId } = claims
    const issued = await nextRevision(context, record, license, typeof tierId === 'string' ? { tierId } : {})
    return { patch: { ...notes, ...claims, ...issued }, event }
  }
  return [record, await changeLicense(context, record, key, plan)]
}

async function findLicense(
  context: Context,
  app: string,
  id: string,
  options?: IncludeToken,
): Promise<Found<LicenseRecord>> {
  const record = await requireApp(context, app, permissionFor(options))
  return [record, await requireLicense(context, record, licenseId(id))]
}

async function currentLicense(
  context: Context,
  app: string,
  installationId: string,
  options?: IncludeToken,
): Promise<Found<LicenseRecord>> {
  const record = await requireApp(context, app, permissionFor(options))
  const license = isUuid(installationId)
    ? await context.storage.findCurrentLicense(record.id, installationId.toLowerCase())
    : null
  if (license === null) throw new LicensingError('not_found', 'License not found')
  return [record, license]
}

/** The signing slot is taken before the write, so that "too busy" never follows a commit. */
function signed(
  context: Context,
  write: () => Promise<Found<License>>,
  signs?: readonly LicenseStatus[],
): Promise<SignedLicense> {
  return withSigningSlot(context, async (slot) => {
    const [app, license] = await write()
    return toSigned(context, app, license, slot, signs)
  })
}

/** A regeneration signs for an expired license too. */
function regenerated(
  context: Context,
  app: string,
  regenerate: (record: AppRecord) => Promise<License>,
): Promise<SignedLicense> {
  const write = async (): Promise<Found<License>> => {
    const record = await requireApp(context, app, 'licenses:write')
    return [record, await regenerate(record)]
  }
  return signed(context, write, ['active', 'expired'])
}

export function bindLicenses(context: Context): Licenses {
  return {
    create: (app, license) => signed(context, () => createLicense(context, app, license)),
    get: async (app: string, id: string, options?: IncludeToken) =>
      present(context, ...(await findLicense(context, app, id, options)), options),
    getByInstallation: async (app: string, installationId: string, options?: IncludeToken) =>
      present(context, ...(await currentLicense(context, app, installationId, options)), options),
    list: (app, query) => listLicenses(context, app, query),
    all: (app, filter) =>
      allItems((paging) => listLicenses(context, app, { ...filter, ...paging }), pageSizeOf(filter)),
    token: async (app, id) =>
      (await withToken(context, ...(await findLicense(context, app, id, { include: 'token' })))).token,
    file: async (app, id) =>
      licenseFile(context, ...(await findLicense(context, app, id, { include: 'token' }))),
    update: (app, id, changes) => signed(context, () => updateLicense(context, app, id, changes)),
    delete: async (app, id) =>
      deleteLicense(context, await requireApp(context, app, 'licenses:delete'), licenseId(id)),
    revoke: (app, id, options) => revokeLicense(context, app, id, options),
    reinstate: (app, id, options) => signed(context, () => reinstateLicense(context, app, id, options)),
    regenerate: (app, id, options = {}) =>
      regenerated(context, app, (record) => regenerateLicense(context, record, licenseId(id), options)),
    renew: (app, id, token, options) => renew(context, app, id, token, options),
    authenticate: (app, token, counts) => authenticate(context, app, token, counts),
    regenerateAll: (app, options = {}) => regenerateLicenses(context, app, options),
  }
}
