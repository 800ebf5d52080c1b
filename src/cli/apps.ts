import { appView, rotationView } from '../adapters/routes/apps.ts'
import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { App, Licensing, Mode, NewApp, Rotation, WebhookOptions } from '../core/index.ts'
import { withStandingDatabase } from './database.ts'
import { pagesOf, printList, type Table } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { Refusal } from './refusal.ts'
import type { Settings } from './settings.ts'
import { columns, shown } from './terminal/table.ts'

/** Which apps are listed. */
export interface AppListing extends AsJson {
  readonly mode?: Mode
  readonly limit?: number
}

/** What is created, and how. */
export interface AppCreation extends AsJson {
  readonly app: NewApp
  readonly mode: Mode | undefined
  readonly webhooks: WebhookOptions
}

/** Whether it is meant. */
export interface AppDeletion extends AsJson {
  readonly yes: boolean
}

/** How the keys are rotated. */
export interface KeyRotation extends AsJson {
  readonly gracePeriodDays?: number
  readonly dryRun: boolean
}

const table: Table<App> = {
  head: ['SLUG', 'MODE', 'CREATED', 'NAME'],
  row: ({ slug, mode, createdAt, name }) => [slug, mode, isoTime(createdAt), shown(name)],
  answer: (app) => toWire(appView(app)),
}

function details(app: App): string {
  const rows = [
    ['id', app.id],
    ['slug', app.slug],
    ['mode', app.mode],
    ['name', shown(app.name)],
    ['description', shown(app.description)],
    ['webhook', shown(app.webhookUrl)],
    ['issuer', shown(app.issuer)],
    ['created', isoTime(app.createdAt)],
  ]
  return columns(rows.filter(([, value]) => value !== ''))
}

function answered(app: App): string {
  return jsonOf(table.answer(app))
}

/** Lists apps, newest first. */
export async function listApps(
  settings: Settings,
  { mode, limit, json }: AppListing,
  output: Output,
): Promise<void> {
  const options = mode === undefined ? {} : { mode }
  await withStandingDatabase(settings, ({ licensing }) =>
    printList(
      pagesOf((paging) => licensing.apps.list(paging, options), limit),
      table,
      { json },
      output,
    ),
  )
}

/** Creates an app. */
export async function createApp(
  settings: Settings,
  { app, mode, webhooks, json }: AppCreation,
  output: Output,
): Promise<void> {
  const options = mode === undefined ? {} : { mode }
  const created = await withStandingDatabase(
    settings,
    ({ licensing }) => licensing.apps.create(app, options),
    { webhooks },
  )
  output.line(json ? answered(created) : `Created ${created.mode} app ${created.slug} (${created.id}).`)
}

/** Shows an app. */
export async function getApp(
  settings: Settings,
  slug: string,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  const app = await withStandingDatabase(settings, ({ licensing }) => licensing.apps.get(slug))
  output.line(json ? answered(app) : details(app))
}

/** Prints the public key that tokens are verified with. */
export async function printPublicKey(settings: Settings, slug: string, output: Output): Promise<void> {
  const pem = await withStandingDatabase(settings, ({ licensing }) => licensing.apps.publicKey(slug))
  output.line(pem.trimEnd())
}

async function contentsOf({ licenses, customers, tiers }: Licensing, slug: string): Promise<string> {
  const one = { perPage: 1 }
  const { total: active = 0 } = await licenses.list(slug, { ...one, status: 'active' })
  const { total: all = 0 } = await licenses.list(slug, one)
  const { total: people = 0 } = await customers.list(slug, one)
  const { total: sold = 0 } = await tiers.list(slug, one)
  return `its licenses (${all}, active ${active}), customers (${people}) and tiers (${sold})`
}

/** Deletes an app. @throws {Refusal} unless it is said that this is meant. */
export async function deleteApp(
  settings: Settings,
  slug: string,
  { yes, json }: AppDeletion,
  output: Output,
): Promise<void> {
  await withStandingDatabase(settings, async ({ licensing }) => {
    const app = await licensing.apps.get(slug)
    const contents = await contentsOf(licensing, slug)
    if (!yes)
      throw new Refusal(
        `This would delete ${app.mode} app ${app.slug} for good, with ${contents}: say --yes to do it`,
      )
    await licensing.apps.delete(slug)
    output.line(json ? answered(app) : `Deleted ${app.mode} app ${app.slug} with ${contents}.`)
  })
}

function told(slug: string, { licensesResigned }: Rotation, { dryRun }: KeyRotation): string {
  return dryRun
    ? `Nothing is changed. ${licensesResigned} licenses of ${slug} would be re-signed.`
    : `Rotated the keys of ${slug}: ${licensesResigned} licenses are re-signed.`
}

/** Replaces an app's key pair. */
export async function rotateKeys(
  settings: Settings,
  slug: string,
  rotation: KeyRotation,
  output: Output,
): Promise<void> {
  const { gracePeriodDays = 0, dryRun, json } = rotation
  const done = await withStandingDatabase(settings, ({ licensing }) =>
    licensing.rotateKeys(slug, { gracePeriodDays, dryRun }),
  )
  output.line(json ? jsonOf(toWire(rotationView(done, rotation))) : told(slug, done, rotation))
}
