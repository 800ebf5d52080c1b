import { Type } from '@sinclair/typebox'
import { type Act, actIn } from './acts/act.ts'
import { tierChanges as differences } from './acts/records.ts'
import { allItems } from './all-items.ts'
import type { Context } from './context.ts'
import { deleteAtOnce, deleteInPages } from './deletions.ts'
import { LicensingError } from './errors.ts'
import {
  featureCreated,
  featureRecord,
  newFeature,
  toFeature,
  type Feature,
  type NewFeature,
} from './features.ts'
import { description, integer, limits, name, nullable, slug, slugs } from './input/fields.ts'
import { input, invalidInput, type Input } from './input/parse.ts'
import { sortedLimits, type Limits } from './limits.ts'
import { requireApp, requireFeature, requireTier } from './lookup.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from './paging.ts'
import { updateRecord, type RecordUpdate } from './record-update.ts'
import { retryUntilWon } from './retry.ts'
import type { AppRecord, FeatureRecord, StorageSession, TierPatch, TierRecord } from './storage/index.ts'
import { inTransaction, type Note, unrecorded } from './transaction.ts'

/** A tier of an app, with the features that its licenses grant. Times are whole seconds since 1970. */
export type Tier = Omit<TierRecord, 'appId'>

/**
 * Input of `licensing.tiers.create`.
 *
 * @example
 * ```ts
 * import type { NewTier } from 'heartwood'
 *
 * const tier: NewTier = { name: 'Pro', slug: 'pro', features: ['export', 'sync'] }
 * ```
 */
export interface NewTier {
  /** 1 to 255 characters. */
  readonly name: string
  /** 1 to 63 lowercase letters, digits or underscores. It is unique in the app and never changes. */
  readonly slug: string
  /** At most 2,048 characters. */
  readonly description?: string | null
  /** Order in lists, lower first, 0 to 1,000,000. Default: after all others. */
  readonly position?: number
  /** At most 100 feature slugs, in the order in which tokens list them. A missing feature is created, named by its slug. */
  readonly features?: readonly string[]
  /** At most 20 limits by slug, 0 to 2^53 - 1, such as `{ projects: 5 }`. Licenses get them when they are issued. */
  readonly limits?: Limits
}

/** Changes to a tier. An absent field stays unchanged; `null` clears it. */
export interface TierChanges {
  readonly name?: string
  readonly description?: string | null
  readonly position?: number
  /** Replaces all limits. Licenses get them when they are regenerated. */
  readonly limits?: Limits | null
}

/** A feature of a tier. */
export interface AddedFeature {
  readonly feature: Feature
  /** False if the tier had the feature already. */
  readonly added: boolean
}

/**
 * The use cases of tiers: `licensing.tiers`. `tier` and `feature` are ids or slugs.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function offerPro(licensing: Licensing): Promise<void> {
 *   await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro', features: ['export'] })
 *   await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Sync', slug: 'sync' })
 * }
 * ```
 */
export interface Tiers {
  /** @throws {LicensingError} `validation_error`, `not_found`; `conflict` if the slug is taken. */
  create(app: string, tier: NewTier): Promise<Tier>
  /** @throws {LicensingError} `not_found`. */
  get(app: string, tier: string): Promise<Tier>
  /** By position. @throws {LicensingError} `validation_error`, `not_found`. */
  list(app: string, query?: Paging): Promise<Listing<Tier>>
  /** Every tier by position, for `for await`. @throws {LicensingError} `not_found`. */
  all(app: string): AsyncIterable<Tier>
  /** @throws {LicensingError} `validation_error`, `not_found`. */
  update(app: string, tier: string, changes: TierChanges): Promise<Tier>
  /**
   * Deletes the tier. Its licenses keep their tokens. They cannot be regenerated until they get another tier.
   * Many of them take several transactions: see {@link Licensing.finishDeletions}.
   * @throws {LicensingError} `not_found`.
   */
  delete(app: string, tier: string): Promise<void>
  /** A tier's features in the order in which they were added. @throws {LicensingError} `not_found`. */
  features(app: string, tier: string): Promise<readonly Feature[]>
  /**
   * Adds a feature to a tier. If its slug is new, the feature is created in the app's catalogue. Otherwise the existing
   * feature is added, under its own name. Licenses get it when they are regenerated.
   * @throws {LicensingError} `validation_error`, also if the tier has 100 features already; `not_found`.
   */
  addFeature(app: string, tier: string, feature: NewFeature): Promise<AddedFeature>
  /** Removes a feature from a tier. The catalogue keeps it. @throws {LicensingError} `not_found`. */
  removeFeature(app: string, tier: string, feature: string): Promise<void>
}

const maxFeatures = 100
const maxLimits = 20
const maxPosition = 1_000_000

const tierLimits = () => limits('Limits that its licenses get, by slug, in place of all before', maxLimits)

export const newTier: Input<NewTier> = input<NewTier>()(
  Type.Object({
    name: name(),
    slug: slug(),
    description: Type.Optional(description()),
    position: Type.Optional(integer('Order in lists, lower first', 0, maxPosition)),
    features: Type.Optional(slugs('Feature slugs, in the order in which tokens list them', maxFeatures)),
    limits: Type.Optional(tierLimits()),
  }),
)

export const tierChanges: Input<TierChanges> = input<TierChanges>()(
  Type.Object({
    name: Type.Optional(name()),
    description: Type.Optional(description()),
    position: Type.Optional(integer('Order in lists, lower first', 0, maxPosition)),
    limits: Type.Optional(nullable(tierLimits())),
  }),
)

export const tierQuery: Input<Paging> = input<Paging>()(Type.Object({ ...pagingFields }))

function toTier({ appId: _appId, ...tier }: TierRecord): Tier {
  return tier
}

async function nextPosition(storage: StorageSession, appId: string): Promise<number> {
  const count = await storage.countTiers(appId)
  if (count === 0) return 0
  const [last] = await storage.listTiers(appId, { limit: 1, offset: count - 1 })
  return Math.min((last?.position ?? count) + 1, maxPosition)
}

export async function tierRecord(context: Context, appId: string, given: NewTier): Promise<TierRecord> {
  const now = context.runtime.now()
  return {
    id: context.runtime.newId('tier'),
    appId,
    name: given.name,
    slug: given.slug,
    description: given.description ?? null,
    position: given.position ?? (await nextPosition(context.storage, appId)),
    features: [],
    limits: sortedLimits(given.limits ?? {}),
    createdAt: now,
    updatedAt: now,
  }
}

/** A transaction on the catalogue of an app, and the way to note its acts. */
export interface CatalogueTurn {
  readonly app: AppRecord
  readonly tx: StorageSession
  readonly note: Note
}

/** The feature of this slug, which a deletion now waits for. It is made if the app has none. */
async function heldFeature({ app, tx, note }: CatalogueTurn, fresh: FeatureRecord): Promise<FeatureRecord> {
  return retryUntilWon(async () => {
    if (await tx.insertFeature(fresh)) {
      note(featureCreated(app, fresh))
      return fresh
    }
    const found = await tx.findFeature(fresh.appId, fresh.slug)
    // An empty change takes the lock of the row.
    return found && tx.updateFeature(found.id, {})
  })
}

export async function linkFeature(
  turn: CatalogueTurn,
  tierId: string,
  fresh: FeatureRecord,
): Promise<{ feature: FeatureRecord; added: boolean }> {
  const feature = await heldFeature(turn, fresh)
  const outcome = await turn.tx.addTierFeature(tierId, feature.id, maxFeatures)
  if (outcome === 'full')
    throw invalidInput({ slug: [`is one too many: a tier has at most ${maxFeatures} features`] })
  return { feature, added: outcome === 'added' }
}

/** The act of making a tier with these features. */
export function tierCreated(app: AppRecord, tier: TierRecord): Act {
  return actIn(app, 'tier.created', ['tier', tier.id], differences(null, tier))
}

export function tierUpdate({ runtime }: Context, app: AppRecord, patch: TierPatch): RecordUpdate<TierRecord> {
  return {
    patch: { ...patch, updatedAt: runtime.now() },
    act: (before, after) => actIn(app, 'tier.updated', ['tier', after.id], differences(before, after)),
    verb: (tx, ...given) => tx.updateTier(...given),
  }
}

function slugTaken(): LicensingError {
  return new LicensingError('conflict', 'Tier slug is already taken', {
    details: { slug: ['is already taken'] },
  })
}

async function createTier(context: Context, app: string, tier: NewTier): Promise<Tier> {
  const given = newTier.parse(tier)
  const appRecord = await requireApp(context, app, 'catalogue:write')
  const record = await tierRecord(context, appRecord.id, given)
  const whole = { ...record, features: given.features ?? [] }
  return inTransaction(context, async (tx, _emit, note) => {
    if (!(await tx.insertTier(record))) throw slugTaken()
    const turn = { app: appRecord, tx, note }
    for (const feature of whole.features) {
      const fresh = featureRecord(context, appRecord.id, { name: feature, slug: feature })
      await linkFeature(turn, record.id, fresh)
    }
    note(tierCreated(appRecord, whole))
    return toTier(whole)
  })
}

async function listTiers(context: Context, app: string, query: Paging = {}): Promise<Listing<Tier>> {
  const paging = tierQuery.parse(query)
  const { id: appId } = await requireApp(context, app, 'catalogue:read')
  const listing = await readPage(paging, {
    prefix: 'tier',
    list: (page) => context.storage.listTiers(appId, page),
    count: () => context.storage.countTiers(appId),
    position: ({ id, position }) => ({ id, position }),
  })
  return mapListing(listing, toTier)
}

async function updateTier(context: Context, app: string, tier: string, changes: TierChanges): Promise<Tier> {
  const { limits: wanted, ...others } = tierChanges.parse(changes)
  const patch = { ...others, ...(wanted !== undefined && { limits: sortedLimits(wanted ?? {}) }) }
  const appRecord = await requireApp(context, app, 'catalogue:write')
  const known = await requireTier(context.storage, appRecord, tier)
  const updated = await updateRecord(context, known, tierUpdate(context, appRecord, patch))
  if (updated === null) throw new LicensingError('not_found', 'Tier not found')
  return toTier(updated)
}

async function deleteTier(context: Context, app: string, tier: string): Promise<void> {
  const record = await requireApp(context, app, 'catalogue:delete')
  const known = await requireTier(context.storage, record, tier)
  const { id } = known
  const act = actIn(record, 'tier.deleted', ['tier', id], differences(known, null))
  const isDeleted =
    (await deleteInPages(context, { id, appId: record.id, kind: 'tier' }, act)) ||
    (await deleteAtOnce(context, act, (tx) => tx.deleteTier(id)))
  if (!isDeleted) throw new LicensingError('not_found', 'Tier not found')
}

async function tierFeatures(context: Context, app: string, tier: string): Promise<readonly Feature[]> {
  const { id } = await requireTier(context.storage, await requireApp(context, app, 'catalogue:read'), tier)
  return (await context.storage.listTierFeatures(id)).map(toFeature)
}

async function addFeature(
  context: Context,
  app: string,
  tier: string,
  feature: NewFeature,
): Promise<AddedFeature> {
  const given = newFeature.parse(feature)
  const record = await requireApp(context, app, 'catalogue:write')
  const { id } = await requireTier(context.storage, record, tier)
  const fresh = featureRecord(context, record.id, given)
  return inTransaction(context, async (tx, _emit, note) => {
    const { feature: linked, added } = await linkFeature({ app: record, tx, note }, id, fresh)
    const changes = added ? { features: [null, linked.slug] as const } : {}
    note(actIn(record, 'tier.feature_added', ['tier', id], changes))
    return { feature: toFeature(linked), added }
  })
}

async function removeFeature(context: Context, app: string, tier: string, feature: string): Promise<void> {
  const record = await requireApp(context, app, 'catalogue:write')
  const { id: tierId } = await requireTier(context.storage, record, tier)
  const known = await requireFeature(context.storage, record, feature)
  await inTransaction(unrecorded(context), async (tx, _emit, note) => {
    if (!(await tx.removeTierFeature(tierId, known.id)))
      throw new LicensingError('not_found', 'Feature not found')
    note(actIn(record, 'tier.feature_removed', ['tier', tierId], { features: [known.slug, null] }))
    return {}
  })
}

export function bindTiers(context: Context): Tiers {
  return {
    create: (app, tier) => createTier(context, app, tier),
    get: async (app, tier) =>
      toTier(await requireTier(context.storage, await requireApp(context, app, 'catalogue:read'), tier)),
    list: (app, query) => listTiers(context, app, query),
    all: (app) => allItems((paging) => listTiers(context, app, paging)),
    update: (app, tier, changes) => updateTier(context, app, tier, changes),
    delete: (app, tier) => deleteTier(context, app, tier),
    features: (app, tier) => tierFeatures(context, app, tier),
    addFeature: (app, tier, feature) => addFeature(context, app, tier, feature),
    removeFeature: (app, tier, feature) => removeFeature(context, app, tier, feature),
  }
}
