import { Type } from '@sinclair/typebox'
import { actIn } from '../acts/act.ts'
import type { Changes } from '../acts/changes.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { flag, identifier, reference } from '../input/fields.ts'
import { input, invalidInput, type Input } from '../input/parse.ts'
import { requireApp, requireTier } from '../lookup.ts'
import type {
  AppRecord,
  LicensePatch,
  LicenseRecord,
  RegenerationPage,
  StorageSession,
} from '../storage/index.ts'
import type { Decision } from '../token/decision.ts'
import { type Emit, inTransaction, type Note, unrecorded } from '../transaction.ts'
import { changeLicense, type ChangePlan } from './changes.ts'
import { decideOwnToken, type AuthenticToken } from './check-token.ts'
import { signOfLife } from './seen.ts'
import type { SignedLicense } from './view.ts'

/** Options of `licensing.licenses.regenerate`. */
export interface Regeneration {
  /** Refuses every earlier token of the license. Set it if a token was stolen. */
  readonly invalidatePrevious?: boolean
}

/**
 * Filter of `licensing.licenses.regenerateAll`. By default it takes every active license.
 *
 * @example
 * ```ts
 * import type { BulkRegeneration } from 'heartwood'
 *
 * const proLicenses: BulkRegeneration = { tierId: 'pro', dryRun: true }
 * ```
 */
export interface BulkRegeneration {
  /** Id or slug. */
  readonly tierId?: string
  readonly customerId?: string
  /** Resolves to the counts and changes nothing. */
  readonly dryRun?: boolean
}

/** Options of `licensing.licenses.renew`. */
export interface RenewalOptions {
  /**
   * Called with the license's id as soon as its token is accepted. If it throws, the renewal ends with that error. It is the
   * place for a rate limit: a refused token, for example a stolen one, must not use up the limit of the license's holder.
   */
  readonly admit?: (licenseId: string) => void | Promise<void>
  /**
   * The program that renews, for example `desktop-app/2.3.1 (macos)`: the license's `seenClient`. It is ignored unless it is
   * 1 to 64 printable ASCII characters.
   */
  readonly client?: string
}

/** Result of `licensing.licenses.regenerateAll`. */
export interface BulkOutcome {
  readonly licensesRegenerated: number
  /** Numbers of matching active licenses that were left alone, by reason. */
  readonly skipped: { readonly missingTier: number }
}

export const regeneration: Input<Regeneration> = input<Regeneration>()(
  Type.Object({ invalidatePrevious: Type.Optional(flag('Refuse every earlier token of the license')) }),
)

export const bulkRegeneration: Input<BulkRegeneration> = input<BulkRegeneration>()(
  Type.Object({
    tierId: Type.Optional(reference('Only licenses of this tier, by id or slug')),
    customerId: Type.Optional(identifier('Only licenses of this customer')),
    dryRun: Type.Optional(flag('Answer the counts and change nothing')),
  }),
)

/** Licenses a page. Each page is one transaction of some 20 ms. */
const pageSize = 5_000

/** A renewal names no release date, so that every version is covered. @throws {LicensingError} the decision's code, if it refuses. */
function refuse(decision: Decision): void {
  if (decision.code !== null && decision.code !== 'version_not_covered')
    throw new LicensingError(decision.code, decision.reason)
}

/**
 * The patch that issues a license's claims anew, with its tier's present features and limits. `past` overrides the tier, and names the
 * revision of a token that may be newer than the record, as after a restored backup.
 *
 * @throws {LicensingError} `license_revoked`, `missing_tier`; `validation_error` if the overriding tier is gone.
 */
export async function nextRevision(
  context: Context,
  app: AppRecord,
  license: LicenseRecord,
  past: { readonly tierId?: string; readonly revision?: number; readonly invalidatePrevious?: boolean } = {},
): Promise<LicensePatch> {
  if (license.revokedAt !== null) throw new LicensingError('license_revoked', 'The license has been revoked')
  const tierId = past.tierId ?? license.tierId
  const tier = tierId === null ? null : await context.storage.findTier(app.id, tierId)
  if (tier === null && past.tierId !== undefined) throw invalidInput({ tierId: ['does not exist'] })
  if (tier === null) throw new LicensingError('missing_tier', 'The tier of the license was deleted')
  const revision = Math.max(license.revision, past.revision ?? 0) + 1
  return {
    tierId: tier.id,
    tier: tier.slug,
    tierFeatures: tier.features,
    tierLimits: tier.limits,
    revision,
    issuedAt: context.runtime.now(),
    ...(past.invalidatePrevious === true && { minRevision: revision }),
  }
}

/** Regenerates a license for its vendor. */
export async function regenerateLicense(
  context: Context,
  app: AppRecord,
  id: string,
  options: Regeneration,
): Promise<SignedLicense> {
  const { invalidatePrevious = false } = regeneration.parse(options)
  return changeLicense(context, app, id, async (license) => ({
    patch: await nextRevision(context, app, license, { invalidatePrevious }),
    event: 'license.regenerated',
  }))
}

/** A verified token for a renewal, with the license if that was read with it. */
export interface VerifiedRenewal {
  readonly token: AuthenticToken
  readonly license: LicenseRecord | null
}

/** Regenerates a license for the holder of its token. The order of refusals is documented. */
export async function renewLicense(
  context: Context,
  app: AppRecord,
  id: string | null,
  { token, license: known }: VerifiedRenewal,
  options: RenewalOptions = {},
): Promise<SignedLicense> {
  const { claims, jti } = token
  let isAdmitted = false
  const admitOnce = async (): Promise<void> => {
    if (!isAdmitted) await options.admit?.(jti.licenseId)
    isAdmitted = true
  }
  refuse(decideOwnToken(context, claims, jti.revision))
  if (jti.licenseId !== id) throw new LicensingError('token_mismatch', 'The token belongs to another license')
  const plan: ChangePlan = async (license) => {
    refuse(decideOwnToken(context, claims, jti.revision, license))
    await admitOnce()
    const patch = await nextRevision(context, app, license, { revision: jti.revision })
    const seen = signOfLife(context.runtime.now(), token.kid, options.client)
    return { patch: { ...patch, ...seen }, event: 'license.regenerated', isRenewal: true }
  }
  return changeLicense(context, app, jti.licenseId, plan, known)
}

type BulkFilter = Omit<RegenerationPage, 'after' | 'limit'>

async function bulkFilter(context: Context, app: AppRecord, given: BulkRegeneration): Promise<BulkFilter> {
  const { tierId, customerId } = given
  const tier = tierId === undefined ? undefined : await requireTier(context.storage, app, tierId)
  return { appId: app.id, tierId: tier?.id, customerId, now: context.runtime.now() }
}

function changesOf({ tierId, customerId }: RegenerationPage, count: number): Changes {
  return {
    licenses_regenerated: [null, count],
    ...(tierId !== undefined && { tier_id: [tierId, tierId] as const }),
    ...(customerId !== undefined && { customer_id: [customerId, customerId] as const }),
  }
}

/** Each page writes an entry, because it is a commit. The last page emits the one event, with the count of all. */
async function regeneratePage(
  context: Context,
  app: AppRecord,
  page: RegenerationPage,
  before: number,
): Promise<{ readonly total: number; readonly last: string | null }> {
  const { tierId = null, customerId = null } = page
  // No page holds the whole result: an idempotency key stores that after the last one.
  const regenerate = async (tx: StorageSession, emit: Emit, note: Note) => {
    const { count, last } = await tx.regenerateMany(page)
    const total = before + count
    if (count > 0) note(actIn(app, 'licenses.regenerated', ['app', app.id], changesOf(page, count)))
    if (last === null && total > 0)
      await emit(app, {
        type: 'licenses.regenerated',
        data: { licensesRegenerated: total, tierId, customerId },
      })
    return { total, last }
  }
  return inTransaction(unrecorded(context), regenerate, { alone: true })
}

async function regeneratePages(context: Context, app: AppRecord, filter: BulkFilter): Promise<number> {
  let total = 0
  let after: string | undefined
  for (;;) {
    const done = await regeneratePage(context, app, { ...filter, after, limit: pageSize }, total)
    total = done.total
    if (done.last === null) return total
    after = done.last
  }
}

/** Regenerates all matching active licenses in pages. Each page is one step, so the call may be repeated. */
export async function regenerateLicenses(
  context: Context,
  app: string,
  options: BulkRegeneration,
): Promise<BulkOutcome> {
  const { dryRun = false, ...given } = bulkRegeneration.parse(options)
  const record = await requireApp(context, app, 'licenses:write')
  const filter = await bulkFilter(context, record, given)
  const count = (tierId: string | null | undefined): Promise<number> =>
    context.storage.countLicenses({ ...filter, status: 'active', tierId })
  const missingTier = filter.tierId === undefined ? await count(null) : 0
  const licensesRegenerated = dryRun
    ? (await count(filter.tierId)) - missingTier
    : await regeneratePages(context, record, filter)
  return { licensesRegenerated, skipped: { missingTier } }
}
