import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { Feature, NewFeature } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { detailLines } from './terminal/columns.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'

/** The options of every feature command. `app` is a slug. */
export interface FeatureOptions extends AsJson {
  readonly app: string
}

export interface ListFeaturesOptions extends FeatureOptions {
  readonly limit?: number
}

const format: ListFormat<Feature> = {
  head: ['SLUG', 'CREATED', 'NAME'],
  row: ({ slug, createdAt, name }) => [slug, isoTime(createdAt), name],
  toJson: toWire,
}

function details(feature: Feature): string {
  return detailLines([
    ['id', feature.id],
    ['slug', feature.slug],
    ['name', feature.name],
    ['description', feature.description ?? ''],
    ['created', isoTime(feature.createdAt)],
  ])
}

/** Lists the catalogue of an app, newest first. */
export async function listFeatures(
  settings: CliSettings,
  { app, limit, json }: ListFeaturesOptions,
  output: Output,
): Promise<void> {
  await withExistingDatabase(settings, async ({ licensing }) => {
    const pages = pagesOf((paging) => licensing.features.list(app, paging), limit)
    await printList(pages, format, { json }, output)
  })
}

/** Adds a feature to the catalogue of an app. */
export async function createFeature(
  settings: CliSettings,
  feature: NewFeature,
  { app, json }: FeatureOptions,
  output: Output,
): Promise<void> {
  const created = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.features.create(app, feature),
  )
  output.line(json ? jsonOf(toWire(created)) : `Created feature ${created.slug} (${created.id}).`)
}

/** Shows a feature, by slug or id. */
export async function getFeature(
  settings: CliSettings,
  feature: string,
  { app, json }: FeatureOptions,
  output: Output,
): Promise<void> {
  const found = await withExistingDatabase(settings, ({ licensing }) => licensing.features.get(app, feature))
  output.line(json ? jsonOf(toWire(found)) : details(found))
}
