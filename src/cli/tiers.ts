import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { NewFeature, NewTier, Tier } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { detailLines } from './terminal/columns.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { termsOf } from './terms.ts'

/** The options of every tier command. `app` is a slug. */
export interface TierOptions extends AsJson {
  readonly app: string
}

export interface ListTiersOptions extends TierOptions {
  readonly limit?: number
}

const format: ListFormat<Tier> = {
  head: ['SLUG', 'FEATURES', 'NAME'],
  row: ({ slug, features, name }) => [slug, features.join(', '), name],
  toJson: toWire,
}

function details(tier: Tier): string {
  return detailLines([
    ['id', tier.id],
    ['slug', tier.slug],
    ['name', tier.name],
    ['description', tier.description ?? ''],
    ['features', tier.features.join(', ')],
    ...termsOf(tier.limits, null),
    ['created', isoTime(tier.createdAt)],
  ])
}

/** Lists the tiers of an app by position. */
export async function listTiers(
  settings: CliSettings,
  { app, limit, json }: ListTiersOptions,
  output: Output,
): Promise<void> {
  await withExistingDatabase(settings, async ({ licensing }) => {
    const pages = pagesOf((paging) => licensing.tiers.list(app, paging), limit)
    await printList(pages, format, { json }, output)
  })
}

/** Creates a tier. */
export async function createTier(
  settings: CliSettings,
  tier: NewTier,
  { app, json }: TierOptions,
  output: Output,
): Promise<void> {
  const created = await withExistingDatabase(settings, ({ licensing }) => licensing.tiers.create(app, tier))
  output.line(json ? jsonOf(toWire(created)) : `Created tier ${created.slug} (${created.id}).`)
}

/** Shows a tier, by slug or id. */
export async function getTier(
  settings: CliSettings,
  tier: string,
  { app, json }: TierOptions,
  output: Output,
): Promise<void> {
  const found = await withExistingDatabase(settings, ({ licensing }) => licensing.tiers.get(app, tier))
  output.line(json ? jsonOf(toWire(found)) : details(found))
}

/** Adds a feature to a tier, and to the catalogue if it is new. */
export async function addFeature(
  settings: CliSettings,
  tier: string,
  feature: NewFeature,
  { app, json }: TierOptions,
  output: Output,
): Promise<void> {
  const result = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.tiers.addFeature(app, tier, feature),
  )
  if (json) return output.line(jsonOf(toWire(result.feature)))
  const { slug } = result.feature
  output.line(
    result.added
      ? `Added feature ${slug} to tier ${tier}. Licenses get it when they are regenerated.`
      : `Tier ${tier} has feature ${slug} already.`,
  )
}
