import { Type } from '@sinclair/typebox'
import { type Act, actIn, entryOf } from './acts/act.ts'
import { featureChanges as differences } from './acts/records.ts'
import { allItems } from './all-items.ts'
import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { description, name, slug } from './input/fields.ts'
import { input, type Input } from './input/parse.ts'
import { requireApp, requireFeature } from './lookup.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from './paging.ts'
import { updateRecord, type RecordUpdate } from './record-update.ts'
import type { AppRecord, FeaturePatch, FeatureRecord, StorageSession } from './storage/index.ts'
import { inTransaction, unrecorded } from './transaction.ts'

/** A feature in an app's catalogue. Times are whole seconds since 1970. */
export type Feature = Omit<FeatureRecord, 'appId'>

/**
 * Input of `licensing.features.create`, and of `licensing.tiers.addFeature`.
 *
 * @example
 * ```ts
 * import type { NewFeature } from 'heartwood'
 *
 * const feature: NewFeature = { name: 'Export to PDF', slug: 'pdf_export' }
 * ```
 */
export interface NewFeature {
  /** 1 to 255 characters. */
  readonly name: string
  /** 1 to 63 lowercase letters, digits or underscores. It is unique in the app and never changes. */
  readonly slug: string
  /** At most 2,048 characters. */
  readonly description?: string | null
}

/** Changes to a feature. An absent field stays unchanged; `null` clears it. */
export interface FeatureChanges {
  readonly name?: string
  readonly description?: string | null
}

/**
 * The use cases of features: `licensing.features`. `feature` is an id or a slug.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function describeExport(licensing: Licensing): Promise<void> {
 *   const { id } = await licensing.features.create('desktop-app', { name: 'Export', slug: 'export' })
 *   await licensing.features.update('desktop-app', id, { description: 'Export to PDF and SVG' })
 * }
 * ```
 */
export interface Features {
  /** @throws {LicensingError} `validation_error`, `not_found`; `conflict` if the slug is taken. */
  create(app: string, feature: NewFeature): Promise<Feature>
  /** @throws {LicensingError} `not_found`. */
  get(app: string, feature: string): Promise<Feature>
  /** Newest first. @throws {LicensingError} `validation_error`, `not_found`. */
  list(app: string, query?: Paging): Promise<Listing<Feature>>
  /** Every feature, newest first, for `for await`. @throws {LicensingError} `not_found`. */
  all(app: string): AsyncIterable<Feature>
  /** @throws {LicensingError} `validation_error`, `not_found`. */
  update(app: string, feature: string, changes: FeatureChanges): Promise<Feature>
  /**
   * Deletes the feature from the catalogue and from every tier. Tokens keep it until they are regenerated.
   * @throws {LicensingError} `not_found`.
   */
  delete(app: string, feature: string): Promise<void>
}

export const newFeature: Input<NewFeature> = input<NewFeature>()(
  Type.Object({ name: name(), slug: slug(), description: Type.Optional(description()) }),
)

export const featureChanges: Input<FeatureChanges> = input<FeatureChanges>()(
  Type.Object({ name: Type.Optional(name()), description: Type.Optional(description()) }),
)

export const featureQuery: Input<Paging> = input<Paging>()(Type.Object({ ...pagingFields }))

export function toFeature({ appId: _appId, ...feature }: FeatureRecord): Feature {
  return feature
}

export function featureRecord(context: Context, appId: string, given: NewFeature): FeatureRecord {
  const now = context.runtime.now()
  return {
    id: context.runtime.newId('feat'),
    appId,
    name: given.name,
    slug: given.slug,
    description: given.description ?? null,
    createdAt: now,
    updatedAt: now,
  }
}

/** The act of making a feature. */
export function featureCreated(app: AppRecord, feature: FeatureRecord): Act {
  return actIn(app, 'feature.created', ['feature', feature.id], differences(null, feature))
}

export function featureUpdate(
  { runtime }: Context,
  app: AppRecord,
  patch: FeaturePatch,
): RecordUpdate<FeatureRecord> {
  return {
    patch: { ...patch, updatedAt: runtime.now() },
    act: (before, after) => actIn(app, 'feature.updated', ['feature', after.id], differences(before, after)),
    verb: (tx, ...given) => tx.updateFeature(...given),
  }
}

function slugTaken(): LicensingError {
  return new LicensingError('conflict', 'Feature slug is already taken', {
    details: { slug: ['is already taken'] },
  })
}

async function createFeature(context: Context, app: string, feature: NewFeature): Promise<Feature> {
  const given = newFeature.parse(feature)
  const appRecord = await requireApp(context, app, 'catalogue:write')
  const record = featureRecord(context, appRecord.id, given)
  const insert = async (tx: StorageSession): Promise<Feature> => {
    if (!(await tx.insertFeature(record, entryOf(context, featureCreated(appRecord, record)))))
      throw slugTaken()
    return toFeature(record)
  }
  return inTransaction(context, insert, { isOneWrite: true })
}

async function listFeatures(context: Context, app: string, query: Paging = {}): Promise<Listing<Feature>> {
  const paging = featureQuery.parse(query)
  const { id: appId } = await requireApp(context, app, 'catalogue:read')
  const listing = await readPage(paging, {
    prefix: 'feat',
    list: (page) => context.storage.listFeatures(appId, page),
    count: () => context.storage.countFeatures(appId),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, toFeature)
}

async function updateFeature(
  context: Context,
  app: string,
  feature: string,
  changes: FeatureChanges,
): Promise<Feature> {
  const patch = featureChanges.parse(changes)
  const appRecord = await requireApp(context, app, 'catalogue:write')
  const known = await requireFeature(context.storage, appRecord, feature)
  const updated = await updateRecord(context, known, featureUpdate(context, appRecord, patch))
  if (updated === null) throw new LicensingError('not_found', 'Feature not found')
  return toFeature(updated)
}

async function deleteFeature(context: Context, app: string, feature: string): Promise<void> {
  const appRecord = await requireApp(context, app, 'catalogue:delete')
  const known = await requireFeature(context.storage, appRecord, feature)
  await inTransaction(unrecorded(context), async (tx, _emit, note) => {
    if (!(await tx.deleteFeature(known.id))) throw new LicensingError('not_found', 'Feature not found')
    note(actIn(appRecord, 'feature.deleted', ['feature', known.id], differences(known, null)))
    return {}
  })
}

export function bindFeatures(context: Context): Features {
  return {
    create: (app, feature) => createFeature(context, app, feature),
    get: async (app, feature) =>
      toFeature(
        await requireFeature(context.storage, await requireApp(context, app, 'catalogue:read'), feature),
      ),
    list: (app, query) => listFeatures(context, app, query),
    all: (app) => allItems((paging) => listFeatures(context, app, paging)),
    update: (app, feature, changes) => updateFeature(context, app, feature, changes),
    delete: (app, feature) => deleteFeature(context, app, feature),
  }
}
