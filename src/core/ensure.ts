import { patchApp } from './app-changes.ts'
import { checkNewApp, insertApp, newApp, prepareApp, toApp } from './apps.ts'
import type { App, NewApp, NewAppOptions } from './apps.ts'
import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { actIn } from './acts/act.ts'
import { featureCreated, featureRecord, featureUpdate, newFeature, type NewFeature } from './features.ts'
import { invalidInput, type Input } from './input/parse.ts'
import { sortedLimits } from './limits.ts'
import { updateWithin } from './record-update.ts'
import { retryUntilWon } from './retry.ts'
import type { AppRecord, StorageSession, TierRecord } from './storage/index.ts'
import {
  type CatalogueTurn,
  linkFeature,
  newTier,
  tierCreated,
  tierRecord,
  tierUpdate,
  type NewTier,
} from './tiers.ts'
import { type Emit, inTransaction, lostIfGone, type Note, unrecorded } from './transaction.ts'

/**
 * Input of `licensing.ensure`: an app with its features and tiers.
 *
 * @example
 * ```ts
 * import type { Catalogue } from 'heartwood'
 *
 * const catalogue: Catalogue = {
 *   app: { name: 'My Desktop App', slug: 'desktop-app' },
 *   features: [{ name: 'Export to PDF', slug: 'pdf_export' }],
 *   tiers: [
 *     { name: 'Basic', slug: 'basic', features: [] },
 *     { name: 'Pro', slug: 'pro', features: ['pdf_export'] },
 *   ],
 * }
 * ```
 */
export interface Catalogue {
  readonly app: NewApp
  /** Features with a name of their own. A feature that only a tier names is created, named by its slug. */
  readonly features?: readonly NewFeature[]
  /** Tiers in their order. A tier without `position` gets its place in this list, from 0. */
  readonly tiers?: readonly NewTier[]
}

/** A write that the catalogue still needs. Resolves to `false` if another request was faster. */
type Step = (turn: CatalogueTurn) => Promise<boolean>

const maxEntries = 1_000

/** @throws {LicensingError} `validation_error`, with `place` before the name of each field. */
function parseAt<Shape>(input: Input<Shape>, place: string, value: unknown): Shape {
  try {
    return input.parse(value)
  } catch (error) {
    if (!(error instanceof LicensingError) || error.details === undefined) throw error
    const named = Object.entries(error.details).map(([field, rules]) => [
      field === '(body)' ? place : `${place}.${field}`,
      rules,
    ])
    throw invalidInput(Object.fromEntries(named))
  }
}

function parseList<Shape extends { readonly slug: string }>(
  input: Input<Shape>,
  place: string,
  list: unknown = [],
): readonly Shape[] {
  if (!Array.isArray(list) || list.length > maxEntries)
    throw invalidInput({ [place]: [`must be a list of at most ${maxEntries}`] })
  const entries = list.map((each, at) => parseAt(input, `${place}.${at}`, each))
  if (new Set(entries.map(({ slug }) => slug)).size < entries.length)
    throw invalidInput({ [place]: ['must not name a slug twice'] })
  return entries
}

function parse(context: Context, catalogue: Catalogue): Required<Catalogue> {
  const { app, features, tiers, ...unknown } = catalogue
  const [field] = Object.keys(unknown)
  if (field !== undefined) throw invalidInput({ [field]: ['is not a known field'] })
  const given = parseAt(newApp, 'app', app)
  checkNewApp(context, given)
  return {
    app: given,
    features: parseList(newFeature, 'features', features),
    tiers: parseList(newTier, 'tiers', tiers).map((tier, position) => ({ position, ...tier })),
  }
}

/** The fields of `wanted` that the record does not have yet; `null` if it has all. */
function difference<Wanted extends object>(record: object, wanted: Wanted): Wanted | null {
  const changed = Object.entries(wanted).filter(
    ([field, value]) =>
      value !== undefined && JSON.stringify(value) !== JSON.stringify(Reflect.get(record, field)),
  )
  return changed.length === 0 ? null : (Object.fromEntries(changed) as Wanted)
}

async function planFeature(
  context: Context,
  session: StorageSession,
  appId: string,
  { slug, ...wanted }: NewFeature,
): Promise<readonly Step[]> {
  const found = await session.findFeature(appId, slug)
  if (found === null) {
    const feature = featureRecord(context, appId, { slug, ...wanted })
    return [
      async ({ app, tx, note }) => {
        if (!(await tx.insertFeature(feature))) return false
        note(featureCreated(app, feature))
        return true
      },
    ]
  }
  const patch = difference(found, wanted)
  return patch === null
    ? []
    : [
        async ({ app, tx }) =>
          (await updateWithin(context, tx, found, featureUpdate(context, app, patch))) !== null,
      ]
}

/** Links from the first difference on, so that the order becomes the given one. */
async function relink(
  context: Context,
  turn: CatalogueTurn,
  { id, appId, features: had }: TierRecord,
  wanted: readonly string[],
): Promise<boolean> {
  const { app, tx, note } = turn
  const same = wanted.findIndex((slug, at) => had[at] !== slug)
  const from = same < 0 ? wanted.length : same
  for (const feature of (await tx.listTierFeatures(id)).slice(from))
    await tx.removeTierFeature(id, feature.id)
  for (const slug of wanted.slice(from))
    await linkFeature(turn, id, featureRecord(context, appId, { name: slug, slug }))
  note(actIn(app, 'tier.updated', ['tier', id], { features: [had, wanted] }))
  return true
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((each, at) => each === right[at])
}

async function planTier(
  context: Context,
  session: StorageSession,
  appId: string,
  given: NewTier,
): Promise<readonly Step[]> {
  const { slug, features, limits, ...others } = given
  const wanted = { ...others, ...(limits !== undefined && { limits: sortedLimits(limits) }) }
  const found = await session.findTier(appId, slug)
  const tier = found ?? (await tierRecord(context, appId, given))
  const patch = found === null ? null : difference(found, wanted)
  const steps: Step[] = []
  if (found === null)
    steps.push(async ({ app, tx, note }) => {
      if (!(await tx.insertTier(tier))) return false
      note(tierCreated(app, tier))
      return true
    })
  if (patch !== null)
    steps.push(
      async ({ app, tx }) =>
        (await updateWithin(context, tx, tier, tierUpdate(context, app, patch))) !== null,
    )
  if (features !== undefined && !isSame(tier.features, features))
    steps.push((turn) => relink(context, turn, tier, features))
  return steps
}

/** The writes that make features and tiers as the catalogue says, after the state that the session reads. */
async function plan(
  context: Context,
  session: StorageSession,
  appId: string,
  { features, tiers }: Required<Catalogue>,
): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const feature of features) steps.push(...(await planFeature(context, session, appId, feature)))
  for (const tier of tiers) steps.push(...(await planTier(context, session, appId, tier)))
  return steps
}

async function carryOut(turn: CatalogueTurn, steps: readonly Step[]): Promise<boolean> {
  for (const step of steps) if (!(await step(turn))) return false
  return true
}

async function create(
  context: Context,
  catalogue: Required<Catalogue>,
  options: NewAppOptions,
): Promise<App | null> {
  const prepared = await prepareApp(context, catalogue.app, options)
  const make = async (tx: StorageSession, _emit: Emit, note: Note): Promise<App | null> => {
    const { record } = prepared
    if (!(await insertApp(tx, prepared, note))) return null
    const steps = await plan(context, tx, record.id, catalogue)
    return (await carryOut({ app: record, tx, note }, steps)) ? prepared.app : null
  }
  return inTransaction(context, make, { alone: true })
}

async function adjust(context: Context, app: AppRecord, catalogue: Required<Catalogue>): Promise<App | null> {
  const { slug: _slug, ...wanted } = catalogue.app
  const steps = await plan(context, context.storage, app.id, catalogue)
  if (difference(app, wanted) === null && steps.length === 0) return toApp(context, app)
  const change = async (tx: StorageSession, _emit: Emit, note: Note): Promise<AppRecord | null> => {
    // This write is the lock that several servers queue for. The plan is made anew behind it.
    const locked = await tx.updateApp(app.id, {})
    if (locked === null) return null
    const patch = difference(locked, wanted)
    const record = patch === null ? locked : await patchApp(context, tx, locked, patch, note)
    const left = await plan(context, tx, app.id, catalogue)
    return (await carryOut({ app: locked, tx, note }, left)) ? record : null
  }
  // Under an idempotency key the record must not be stored, because it has a sealed secret.
  const updated = await inTransaction(unrecorded(context), change, { alone: true })
  return updated === null ? null : toApp(context, updated)
}

/** Makes what is missing of an app, its features and its tiers: see `Licensing.ensure`. */
export async function ensure(context: Context, given: Catalogue, options: NewAppOptions = {}): Promise<App> {
  const catalogue = parse(context, given)
  const lost = (): LicensingError => new LicensingError('conflict', 'Other requests changed the app first')
  const attempt = async (): Promise<App | null> => {
    const app = await context.storage.findApp(catalogue.app.slug)
    const made = app === null ? create(context, catalogue, options) : adjust(context, app, catalogue)
    return lostIfGone(context, made)
  }
  return retryUntilWon(attempt, { lost })
}
