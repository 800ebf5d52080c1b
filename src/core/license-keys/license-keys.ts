import { recordReads } from '../acts/act.ts'
import { allItems, type FilterOf } from '../all-items.ts'
import type { Context } from '../context.ts'
import { isTypeId } from '../ids.ts'
import { isText } from '../input/parse.ts'
import { revocation, type Revocation } from '../licenses/input.ts'
import { requireApp } from '../lookup.ts'
import { countRefusal } from '../outcomes.ts'
import { may, type Permission } from '../principal.ts'
import { mapListing, readPage, type Listing } from '../paging.ts'
import type { AppRecord, LicenseKeyFilter, LicenseKeyRecord } from '../storage/index.ts'
import { day } from '../time.ts'
import { unrecorded } from '../transaction.ts'
import { activate, type Activation, type ActivationOptions } from './activation.ts'
import {
  changeLicenseKey,
  findKnown,
  insertLicenseKey,
  licenseKeyNotFound,
  type LicenseKeyPlan,
  revealed,
} from './changes.ts'
import { requireLicenseKey, type LicenseKeyCredential } from './credential.ts'
import { deleteLicenseKey } from './deletion.ts'
import {
  seatsOf,
  verifyLicenseKey,
  type LicenseKeyVerification,
  type Seat,
  type SeatsOptions,
} from './holder.ts'
import {
  checkTerms,
  licenseKeyChanges,
  licenseKeyQuery,
  licenseKeyRoll,
  newLicenseKey,
  type LicenseKeyChanges,
  type LicenseKeyQuery,
  type LicenseKeyRoll,
  type NewActivation,
  type NewLicenseKey,
  type Sale,
  type SeatExceptions,
} from './input.ts'
import { release, releaseAll, type BulkRelease, type HolderCredential, type Release } from './release.ts'
import { syncSale, type SyncedLicenseKey } from './sales.ts'
import { changePlan, recordOf, reissue } from './terms.ts'
import {
  toLicenseKey,
  withoutText,
  type IncludeKey,
  type LicenseKey,
  type LicenseKeyWithText,
} from './view.ts'

/**
 * The use cases of license keys: `licensing.licenseKeys`. A license key is what somebody buys. Each installation that is
 * activated with it is a license, a _seat_. `id` is the id of the license key.
 *
 * `licenseKey` is always the text of a license key as somebody typed it, or the credential that `authenticate` made of it.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function sell(licensing: Licensing, customerId: string): Promise<string> {
 *   const sale = { customerId, tierId: 'pro', seats: 2, durationDays: 365 }
 *   const { key } = await licensing.licenseKeys.create('desktop-app', sale)
 *   return key
 * }
 *
 * async function start(licensing: Licensing, typed: string, installationId: string): Promise<string | null> {
 *   const { license } = await licensing.licenseKeys.activate('desktop-app', typed, { installationId })
 *   return license.token
 * }
 * ```
 */
export interface LicenseKeys {
  /**
   * Makes a license key, with its text.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` if the external id or the shop's key is taken.
   */
  create(app: string, licenseKey: NewLicenseKey): Promise<LicenseKeyWithText>
  /** @throws {LicensingError} `not_found`. */
  get(app: string, id: string): Promise<LicenseKey>
  /** @throws {LicensingError} `not_found`; `forbidden` under {@link Licensing.restrictedTo} a public key. */
  get(app: string, id: string, options: IncludeKey): Promise<LicenseKeyWithText>
  /** @throws {LicensingError} `not_found`. */
  getByExternalId(app: string, externalId: string): Promise<LicenseKey>
  getByExternalId(app: string, externalId: string, options: IncludeKey): Promise<LicenseKeyWithText>
  /** Newest first. Its seats: `licenses.list` with `licenseKeyId`. @throws {LicensingError} `validation_error`, `not_found`. */
  list(app: string, query?: LicenseKeyQuery): Promise<Listing<LicenseKey>>
  /** Every license key that a filter finds, as `list` has them. @throws {LicensingError} as `list`, while it is walked. */
  all(app: string, filter?: FilterOf<LicenseKeyQuery>): AsyncIterable<LicenseKey>
  /**
   * Changes a license key. A change to a claim issues all its seats anew, in the same step.
   *
   * Fewer seats than are taken throw nobody out: new installations are refused until enough seats were given back.
   * @throws {LicensingError} `validation_error`, `not_found`, `license_key_revoked`, `missing_tier`; `conflict` if the external
   * id or the shop's key is taken.
   */
  update(app: string, id: string, changes: LicenseKeyChanges): Promise<LicenseKey>
  /**
   * Brings the license key of a sale to the state in which the sale stands, and makes it and its customer if need be. It may be
   * called twice, late and in any order, because the newest statement holds. Its text is in the result only if it was made.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` if another license key has the shop's key.
   */
  sync(app: string, sale: Sale): Promise<SyncedLicenseKey>
  /**
   * Gives a license key another text, for example because the old one leaked. The old one, and the shop's key, die at once or
   * after the overlap. No installation notices.
   * @throws {LicensingError} `validation_error`, `not_found`.
   */
  roll(app: string, id: string, options?: LicenseKeyRoll): Promise<LicenseKeyWithText>
  /**
   * Ends a license key and all its seats at once. To revoke it again changes nothing.
   * @throws {LicensingError} `validation_error`, `not_found`.
   */
  revoke(app: string, id: string, revocation?: Revocation): Promise<LicenseKey>
  /**
   * Undoes a revocation. Its seats come back, except those whose installation has another license by now, and those that the
   * vendor revoked by themselves.
   * @throws {LicensingError} `not_found`.
   */
  reinstate(app: string, id: string): Promise<LicenseKey>
  /**
   * Deletes a license key and its seats for good. With more than 1,000 seats it is revoked first, and the seats go in several
   * transactions. Repeat the call if it fails.
   * @throws {LicensingError} `not_found`.
   */
  delete(app: string, id: string): Promise<void>
  /**
   * Gives all seats back, except those of some licenses. It does so in pages, and the call may be repeated.
   * @throws {LicensingError} `validation_error`, `not_found`.
   */
  releaseAll(app: string, id: string, options?: SeatExceptions): Promise<BulkRelease>
  /**
   * Gives the seat of one installation back. Repeated, it resolves to the same. Without `holder` the vendor does it, and it does
   * not count as one of the year's releases.
   * @param licenseId The id or UUID of the seat.
   * @throws {LicensingError} `invalid_license_key`, `invalid_token`, `token_mismatch`; `not_found`, also for a seat of another
   * license key; `conflict` for a license without a license key; `release_limit_reached`.
   */
  release(app: string, licenseId: string, holder?: HolderCredential): Promise<Release>
  /**
   * Gives an installation a seat, or the one that it has, and resolves to it with a fresh token. So a lost response costs
   * nothing: call it again. Of several installations that want the last seat at once, exactly one gets it.
   * @throws {LicensingError} `not_found`, `invalid_license_key`, `validation_error`, `license_key_revoked`,
   * `license_key_expired`, `missing_tier`; `license_revoked` if the vendor revoked the seat; `seat_limit_reached`; `conflict` if
   * the installation has an active license that `currentToken` is not of; `unavailable` if too many signatures are waiting.
   */
  activate(
    app: string,
    licenseKey: unknown,
    activation: NewActivation,
    options?: ActivationOptions,
  ): Promise<Activation>
  /** Verifies a license key. A bad one is a result, not an error: see `valid` and `code`. @throws {LicensingError} `not_found`. */
  verify(app: string, licenseKey: unknown): Promise<LicenseKeyVerification>
  /** The taken seats, newest first. @throws {LicensingError} `not_found`, `invalid_license_key`. */
  seats(app: string, licenseKey: unknown, options?: SeatsOptions): Promise<readonly Seat[]>
  /**
   * Recognises the text of a license key for a call that follows at once. So a server can check the credential before it reads
   * the rest of a request.
   * @throws {LicensingError} `not_found` for the app; `invalid_license_key`, the same for every cause.
   */
  authenticate(app: string, licenseKey: unknown, counts?: 'activate'): Promise<LicenseKeyCredential>
}

/** @throws {LicensingError} `not_found` for text that is no id of a license key. */
function knownId(id: string): string {
  if (!isTypeId('lkey', id)) throw licenseKeyNotFound()
  return id
}

async function create(context: Context, app: string, given: NewLicenseKey): Promise<LicenseKeyWithText> {
  const parsed = newLicenseKey.parse(given)
  checkTerms(parsed)
  const record = await requireApp(context, app, 'license_keys:write')
  return insertLicenseKey(context, record, () => recordOf(context, record, parsed))
}

async function shown(
  context: Context,
  app: AppRecord,
  key: LicenseKeyRecord,
  include: 'key' | undefined,
): Promise<LicenseKeyWithText> {
  const whole = await toLicenseKey(context, app, key)
  if (include === 'key') return whole
  const view = withoutText(whole)
  const { aliasLastFour: _lastFour, ...rest } = view
  // The overloads of `get` promise a text only with `options`, so the cast is safe.
  return (may(context.principal, 'license_keys:reveal') ? view : rest) as LicenseKeyWithText
}

/** Shows one license key. If its text is shown, the audit log has that first. */
async function showOne(
  context: Context,
  app: AppRecord,
  key: LicenseKeyRecord,
  include: 'key' | undefined,
): Promise<LicenseKeyWithText> {
  if (include === 'key') await recordReads(context, [revealed(app, key)])
  return shown(context, app, key, include)
}

function permissionFor(include: 'key' | undefined): Permission {
  return include === 'key' ? 'license_keys:reveal' : 'license_keys:read'
}

async function get(
  context: Context,
  app: string,
  id: string,
  options?: IncludeKey,
): Promise<LicenseKeyWithText> {
  const record = await requireApp(context, app, permissionFor(options?.include))
  return showOne(context, record, await findKnown(context, record, knownId(id)), options?.include)
}

async function getByExternalId(
  context: Context,
  app: string,
  externalId: string,
  options?: IncludeKey,
): Promise<LicenseKeyWithText> {
  const record = await requireApp(context, app, permissionFor(options?.include))
  const key = isText(externalId)
    ? await context.storage.findLicenseKeyByExternalId(record.id, externalId)
    : null
  if (key === null) throw licenseKeyNotFound()
  return showOne(context, record, key, options?.include)
}

async function filterOf(
  context: Context,
  app: AppRecord,
  { status, customerId, tierId }: LicenseKeyQuery,
): Promise<LicenseKeyFilter | null> {
  const tier = tierId === undefined ? undefined : await context.storage.findTier(app.id, tierId)
  if (tier === null) return null
  return { appId: app.id, now: context.runtime.now(), status, customerId, tierId: tier?.id }
}

async function list(
  context: Context,
  app: string,
  query: LicenseKeyQuery = {},
): Promise<Listing<LicenseKey>> {
  const given = licenseKeyQuery.parse(query)
  const record = await requireApp(context, app, permissionFor(given.include))
  const filter = await filterOf(context, record, given)
  const listing = await readPage(given, {
    prefix: 'lkey',
    list: async (wanted) => (filter === null ? [] : context.storage.listLicenseKeys(filter, wanted)),
    count: async () => (filter === null ? 0 : context.storage.countLicenseKeys(filter)),
    position: ({ id }) => ({ id }),
  })
  if (given.include === 'key')
    await recordReads(
      context,
      listing.data.map((key) => revealed(record, key)),
    )
  return mapListing(listing, (key) => shown(context, record, key, given.include))
}

async function change(
  context: Context,
  app: string,
  id: string,
  planFor: (record: AppRecord) => LicenseKeyPlan,
): Promise<LicenseKeyWithText> {
  const record = await requireApp(context, app, 'license_keys:write')
  return changeLicenseKey(context, record, knownId(id), planFor(record))
}

async function update(
  context: Context,
  app: string,
  id: string,
  changes: LicenseKeyChanges,
): Promise<LicenseKey> {
  const given = licenseKeyChanges.parse(changes)
  checkTerms(given)
  return withoutText(await change(context, app, id, (record) => changePlan(context, record, given)))
}

/** The shop's key of before the roll ends with the old text, or earlier if another roll has said so. */
function aliasEnd(key: LicenseKeyRecord, end: number): number | null {
  if (key.aliasHash === null) return null
  return key.aliasUntil === null ? end : Math.min(key.aliasUntil, end)
}

async function roll(
  context: Context,
  app: string,
  id: string,
  options: LicenseKeyRoll = {},
): Promise<LicenseKeyWithText> {
  const { overlapDays = 0 } = licenseKeyRoll.parse(options)
  const end = context.runtime.now() + overlapDays * day
  return change(context, app, id, () => async (key) => ({
    patch: {
      keyRevision: key.keyRevision + 1,
      previousUntil: overlapDays === 0 ? null : end,
      aliasUntil: aliasEnd(key, end),
    },
    event: 'license_key.rolled',
  }))
}

/** A revocation by the vendor takes over one by a sale, so that the shop does not undo it. */
async function revoke(
  context: Context,
  app: string,
  id: string,
  options: Revocation = {},
): Promise<LicenseKey> {
  const { reason = null } = revocation.parse(options)
  const now = context.runtime.now()
  const plan: LicenseKeyPlan = async ({ revokedAt, revokedCause }) => {
    if (revokedAt !== null && revokedCause === null) return null
    return {
      patch: { revokedAt: revokedAt ?? now, revokedReason: reason, revokedCause: null },
      event: 'license_key.revoked',
      seats: (tx, { id: keyId }) => tx.revokeSeats(keyId, now),
    }
  }
  return withoutText(await change(context, app, id, () => plan))
}

async function reinstate(context: Context, app: string, id: string): Promise<LicenseKey> {
  const plan: LicenseKeyPlan = async ({ revokedAt }) => {
    if (revokedAt === null) return null
    return {
      patch: { revokedAt: null, revokedReason: null, revokedCause: null },
      event: 'license_key.reinstated',
      // Their license key may have changed meanwhile.
      seats: async (tx, changed) => {
        await tx.reinstateSeats(changed.id, context.runtime.now())
        await reissue(context, tx, changed)
      },
    }
  }
  return withoutText(await change(context, app, id, () => plan))
}

async function remove(context: Context, app: string, id: string): Promise<void> {
  const record = await requireApp(context, app, 'license_keys:delete')
  const end = () => revoke(unrecorded(context), record.id, id)
  await deleteLicenseKey(context, record, knownId(id), end)
}

export function bindLicenseKeys(context: Context): LicenseKeys {
  return {
    create: (app, licenseKey) => create(context, app, licenseKey),
    get: (app: string, id: string, options?: IncludeKey) => get(context, app, id, options),
    getByExternalId: (app: string, externalId: string, options?: IncludeKey) =>
      getByExternalId(context, app, externalId, options),
    list: (app, query) => list(context, app, query),
    all: (app, filter) => allItems((paging) => list(context, app, { ...filter, ...paging })),
    update: (app, id, changes) => update(context, app, id, changes),
    sync: async (app, sale) => syncSale(context, await requireApp(context, app, 'license_keys:sync'), sale),
    roll: (app, id, options) => roll(context, app, id, options),
    revoke: (app, id, options) => revoke(context, app, id, options),
    reinstate: (app, id) => reinstate(context, app, id),
    delete: (app, id) => remove(context, app, id),
    releaseAll: async (app, id, options = {}) =>
      releaseAll(context, await requireApp(context, app, 'license_keys:write'), knownId(id), options),
    release: (app, licenseId, holder) => release(context, app, licenseId, holder),
    activate: (app, licenseKey, activation, options) =>
      activate(context, app, licenseKey, activation, options),
    verify: (app, licenseKey) => verifyLicenseKey(context, app, licenseKey),
    seats: (app, licenseKey, options) => seatsOf(context, app, licenseKey, options),
    authenticate: (app, licenseKey, counts) =>
      counts === undefined
        ? requireLicenseKey(context, app, licenseKey)
        : countRefusal(context, counts, (onApp) =>
            requireLicenseKey(context, app, licenseKey, 'public', onApp),
          ),
  }
}
