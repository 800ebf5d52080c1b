import type { Context } from '../context.ts'
import { entryOf } from '../acts/act.ts'
import { customerCreated, customerRecord } from '../customers.ts'
import { LicensingError } from '../errors.ts'
import { checkEmail, foldEmail } from '../input/email.ts'
import { checkMetadata } from '../input/parse.ts'
import { retryUntilWon } from '../retry.ts'
import { licenseKeyEvent } from '../runtime/events.ts'
import type {
  AppRecord,
  CustomerRecord,
  LicenseKeyPatch,
  LicenseKeyRecord,
  SaleEnding,
  StorageSession,
} from '../storage/index.ts'
import { inTransaction, lostIfGone } from '../transaction.ts'
import { checkTaken, licenseKeyAct, writeHeld, type LicenseKeyChange, type Session } from './changes.ts'
import { aliasFields } from './credential.ts'
import { sale as saleInput, type ParsedSale, type Sale, type SaleCustomer } from './input.ts'
import { changedAlias, changesClaims, existingTier, newRecord, realChanges, reissue } from './terms.ts'
import { toLicenseKey, withoutText, type LicenseKey } from './view.ts'

/** Result of `licensing.licenseKeys.sync`. */
export interface SyncedLicenseKey extends LicenseKey {
  /** False if the shop has said something newer before. */
  readonly applied: boolean
  /** True if this call made the license key. Then `key` is present. */
  readonly created: boolean
  /**
   * True if the e-mail and the external id of the sale belong to two customers. The one with the external id holds the license
   * key then, because a payment must not fail over it.
   */
  readonly customerConflict: boolean
}

/** The customer of a sale: one that was there, or a new one. */
interface Found {
  readonly customer: CustomerRecord
  readonly isNew: boolean
  readonly isConflict: boolean
}

function lostTooOften(): LicensingError {
  return new LicensingError('conflict', 'Other requests changed the license key first')
}

async function findCustomer(
  context: Context,
  app: AppRecord,
  { email, name, externalId }: SaleCustomer,
  session: StorageSession,
): Promise<Found> {
  const byName = externalId ? await session.findCustomerByExternalId(app.id, externalId) : null
  const byEmail = await session.findCustomerByEmail(app.id, foldEmail(email))
  const found = byName ?? byEmail
  const isConflict = byName !== null && byEmail !== null && byName.id !== byEmail.id
  if (found !== null) return { customer: found, isNew: false, isConflict }
  const given = { email, name: name ?? null, externalId: externalId ?? null }
  return { customer: customerRecord(context, app.id, given), isNew: true, isConflict }
}

function revokes(ended: SaleEnding | null): ended is 'refund' | 'dispute' {
  return ended === 'refund' || ended === 'dispute'
}

/** The sale revokes and reinstates only by what it says anew. It never undoes what the vendor did by hand. */
function endingOf(context: Context, key: LicenseKeyRecord, ended: SaleEnding | null): LicenseKeyPatch {
  if (ended === key.externalEnded) return {}
  const isOurs = key.revokedAt === null || key.revokedCause !== null
  if (revokes(ended) && isOurs)
    return {
      externalEnded: ended,
      revokedAt: key.revokedAt ?? context.runtime.now(),
      revokedReason: ended,
      revokedCause: ended,
    }
  const isUndone = key.revokedCause !== null && !revokes(ended)
  return {
    externalEnded: ended,
    ...(isUndone && { revokedAt: null, revokedReason: null, revokedCause: null }),
  }
}

/** The fields of a license key that a sale changes. A sale that is not the newest brings at most its key. */
async function patchOf(
  context: Context,
  app: AppRecord,
  [sale, customerId]: readonly [ParsedSale, string],
  key: LicenseKeyRecord,
  session: StorageSession,
): Promise<LicenseKeyPatch> {
  const { key: alias = null } = sale
  const aliased = alias === null ? {} : await changedAlias(context, app, key, alias)
  // A shop's key may come behind newer news. The customer has it in the mail.
  if (sale.asOf < (key.externalAsOf ?? 0)) return key.aliasHash === null ? aliased : {}
  const tier = await existingTier(session, app, sale.tierId)
  const time = key.starts === 'activation' && key.activatedAt === null ? { starts: 'creation' as const } : {}
  return realChanges(key, {
    ...aliased,
    customerId,
    tierId: tier.id,
    tier: tier.slug,
    seats: sale.seats,
    expiresAt: sale.expiresAt,
    ...time,
    updatesUntil: sale.updatesUntil ?? null,
    externalAsOf: sale.asOf,
    ...(sale.metadata && { metadata: sale.metadata }),
    ...endingOf(context, key, sale.ended ?? null),
  })
}

/** A sale and the customer who has it. */
interface Bought {
  readonly sale: ParsedSale
  readonly found: Found
}

/** A change of the customer's standing alone is no news. */
const silent = ['externalAsOf', 'externalEnded', 'aliasHash', 'aliasLastFour', 'aliasUntil']

function changeOf(context: Context, key: LicenseKeyRecord, patch: LicenseKeyPatch): LicenseKeyChange {
  const now = context.runtime.now()
  const isReinstated = key.revokedAt !== null && patch.revokedAt === null
  const isRevoked = key.revokedAt === null && typeof patch.revokedAt === 'number'
  const isNews = Object.keys(patch).some((name) => !silent.includes(name))
  const plain = isNews ? 'license_key.updated' : null
  return {
    patch,
    event: isRevoked ? 'license_key.revoked' : isReinstated ? 'license_key.reinstated' : plain,
    seats: async (tx, changed) => {
      if (isReinstated) await tx.reinstateSeats(changed.id, now)
      // The license key may have changed while it was revoked.
      if (isReinstated) await reissue(context, tx, changed)
      else if (changesClaims(patch)) await reissue(context, tx, changed, patch)
      return isRevoked ? tx.revokeSeats(changed.id, now) : 0
    },
  }
}

async function newSaleRecord(
  context: Context,
  app: AppRecord,
  { sale, found }: Bought,
): Promise<LicenseKeyRecord> {
  const tier = await existingTier(context.storage, app, sale.tierId)
  const alias = await aliasFields(context, app, sale.key)
  const given = { ...sale, customerId: found.customer.id }
  const time = { starts: 'creation', expiresAt: sale.expiresAt, durationDays: null } as const
  const record = newRecord(context, app, given, { tier, ...time, ...alias })
  return { ...record, externalAsOf: sale.asOf, ...endingOf(context, record, sale.ended ?? null) }
}

async function insertCustomer(
  context: Context,
  app: AppRecord,
  tx: StorageSession,
  { customer, isNew }: Found,
): Promise<boolean> {
  return !isNew || tx.insertCustomer(customer, entryOf(context, customerCreated(app, customer)))
}

function findSale(
  { storage }: Context,
  { id }: AppRecord,
  { externalId }: ParsedSale,
): Promise<LicenseKeyRecord | null> {
  return storage.findLicenseKeyByExternalId(id, externalId)
}

/** Resolves to `null` after a lost race. */
async function create(context: Context, app: AppRecord, sale: ParsedSale): Promise<SyncedLicenseKey | null> {
  const found = await findCustomer(context, app, sale.customer, context.storage)
  const key = await newSaleRecord(context, app, { sale, found })
  const view = await toLicenseKey(context, app, key)
  const result = { ...view, applied: true, created: true, customerConflict: found.isConflict }
  const insert = async (...[tx, emit]: Session): Promise<SyncedLicenseKey | null> => {
    const entry = entryOf(context, licenseKeyAct(app, 'license_key.created', null, key))
    if (!(await insertCustomer(context, app, tx, found)) || !(await tx.insertLicenseKey(key, entry)))
      return null
    await emit(app, licenseKeyEvent('license_key.created', key, 0, context.runtime.now()))
    return result
  }
  const done = await lostIfGone(context, inTransaction(context, insert))
  if (done !== null || (await findSale(context, app, sale)) !== null) return done
  // If the same sale is there by now, the next attempt finds it, and the key is its own.
  await checkTaken(context, app, key.id, { aliasHash: key.aliasHash })
  return done
}

/** The effect of a sale on a license key that is there. */
interface Effect {
  readonly patch: LicenseKeyPatch
  readonly applied: boolean
  readonly found: Found | null
}

async function effectOf(
  context: Context,
  app: AppRecord,
  sale: ParsedSale,
  key: LicenseKeyRecord,
  session: StorageSession,
): Promise<Effect> {
  const applied = sale.asOf >= (key.externalAsOf ?? 0)
  const found = applied ? await findCustomer(context, app, sale.customer, session) : null
  const patch = await patchOf(context, app, [sale, found?.customer.id ?? key.customerId], key, session)
  return { patch, applied, found }
}

function resultOf(view: LicenseKey, { applied, found }: Effect): SyncedLicenseKey {
  return { ...view, applied, created: false, customerConflict: found?.isConflict ?? false }
}

/** Resolves to `null` after a lost race. */
async function change(
  context: Context,
  app: AppRecord,
  sale: ParsedSale,
  known: LicenseKeyRecord,
): Promise<SyncedLicenseKey | null> {
  const show = async (key: LicenseKeyRecord, effect: Effect, session: StorageSession) =>
    resultOf(withoutText(await toLicenseKey(context, app, key, session)), effect)
  const intended = await effectOf(context, app, sale, known, context.storage)
  if (Object.keys(intended.patch).length === 0) return show(known, intended, context.storage)
  const work = async (...session: Session): Promise<SyncedLicenseKey | null> => {
    const [tx] = session
    const held = await tx.holdLicenseKey(known.id)
    if (held === null) return null
    const effect = await effectOf(context, app, sale, held, tx)
    if (Object.keys(effect.patch).length === 0) return show(held, effect, tx)
    if (effect.found !== null && !(await insertCustomer(context, app, tx, effect.found))) return null
    const written = await writeHeld(context, app, held, changeOf(context, held, effect.patch), session)
    return written && show(written, effect, tx)
  }
  const done = await lostIfGone(context, inTransaction(context, work))
  if (done === null) await checkTaken(context, app, known.id, { aliasHash: intended.patch.aliasHash ?? null })
  return done
}

/**
 * Brings a license key to the state of a sale. It may be called twice, late and in any order: the newest statement of the shop
 * holds.
 */
export async function syncSale(context: Context, app: AppRecord, given: Sale): Promise<SyncedLicenseKey> {
  const sale = saleInput.parse(given)
  checkMetadata(sale.metadata)
  checkEmail(sale.customer.email)
  const attempt = async (): Promise<SyncedLicenseKey | null> => {
    const known = await findSale(context, app, sale)
    return known === null ? create(context, app, sale) : change(context, app, sale, known)
  }
  return retryUntilWon(attempt, { lost: lostTooOften })
}
