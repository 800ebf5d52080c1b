import { rotationView } from '../adapters/routes/apps.ts'
import { isoTime, toWire } from '../adapters/http/wire.ts'
import type {
  App,
  Licensing,
  Mode,
  NewApp,
  Rotation,
  RotationImpact,
  SeenWithin,
  WebhookOptions,
} from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import { recoverWith } from './recovery.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { CliError } from './errors.ts'
import type { CliSettings } from './settings.ts'
import { detailLines } from './terminal/columns.ts'

export interface ListAppsOptions extends AsJson {
  readonly mode?: Mode
  readonly limit?: number
}

export interface CreateAppOptions extends AsJson {
  readonly app: NewApp
  readonly mode: Mode | undefined
  readonly webhooks: WebhookOptions
}

export interface DeleteAppOptions extends AsJson {
  /** True if the user confirms the deletion. */
  readonly yes: boolean
}

export interface RotateKeysOptions extends AsJson {
  readonly gracePeriodDays?: number
  readonly compromised: boolean
  /** The files of recovery keys. */
  readonly recoveryKey?: readonly string[]
  readonly dryRun: boolean
}

const format: ListFormat<App> = {
  head: ['SLUG', 'MODE', 'CREATED', 'NAME'],
  row: ({ slug, mode, createdAt, name }) => [slug, mode, isoTime(createdAt), name],
  toJson: (app) => toWire(app),
}

function details(app: App): string {
  return detailLines([
    ['id', app.id],
    ['slug', app.slug],
    ['mode', app.mode],
    ['name', app.name],
    ['description', app.description ?? ''],
    ['webhook', app.webhookUrl ?? ''],
    ['issuer', app.issuer],
    ['created', isoTime(app.createdAt)],
  ])
}

function appJson(app: App): string {
  return jsonOf(format.toJson(app))
}

/** Lists apps, newest first. */
export async function listApps(
  settings: CliSettings,
  { mode, limit, json }: ListAppsOptions,
  output: Output,
): Promise<void> {
  const options = mode === undefined ? {} : { mode }
  await withExistingDatabase(settings, async ({ licensing }) => {
    const pages = pagesOf((paging) => licensing.apps.list(paging, options), limit)
    await printList(pages, format, { json }, output)
  })
}

/** Creates an app. */
export async function createApp(
  settings: CliSettings,
  { app, mode, webhooks, json }: CreateAppOptions,
  output: Output,
): Promise<void> {
  const options = mode === undefined ? {} : { mode }
  const created = await withExistingDatabase(
    settings,
    ({ licensing }) => licensing.apps.create(app, options),
    { webhooks },
  )
  output.line(json ? appJson(created) : `Created ${created.mode} app ${created.slug} (${created.id}).`)
}

/** Shows an app. */
export async function getApp(
  settings: CliSettings,
  slug: string,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  const app = await withExistingDatabase(settings, ({ licensing }) => licensing.apps.get(slug))
  output.line(json ? appJson(app) : details(app))
}

/** Prints the public key that verifies the tokens of an app. */
export async function printPublicKey(settings: CliSettings, slug: string, output: Output): Promise<void> {
  const pem = await withExistingDatabase(settings, ({ licensing }) => licensing.apps.publicKey(slug))
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

/** Deletes an app. @throws {CliError} unless the user has confirmed it. */
export async function deleteApp(
  settings: CliSettings,
  slug: string,
  { yes, json }: DeleteAppOptions,
  output: Output,
): Promise<void> {
  await withExistingDatabase(settings, async ({ licensing }) => {
    const app = await licensing.apps.get(slug)
    const contents = await contentsOf(licensing, slug)
    if (!yes)
      throw new CliError(
        `This would delete ${app.mode} app ${app.slug} for good, with ${contents}: add --yes to do it`,
      )
    await licensing.apps.delete(slug)
    output.line(json ? appJson(app) : `Deleted ${app.mode} app ${app.slug} with ${contents}.`)
  })
}

/** Prints the statements about the signing keys of an app, as `trust.json` has them. */
export async function printTrust(settings: CliSettings, slug: string, output: Output): Promise<void> {
  const trust = await withExistingDatabase(settings, ({ licensing }) => licensing.apps.trust(slug))
  output.line(JSON.stringify(trust))
}

function seenText(seenWithin: readonly SeenWithin[]): string {
  return seenWithin.map(({ days, licenses }) => `${licenses} within ${days} days`).join(', ')
}

function impactLines({ acceptedUntil, seenWithin, neverSeen, keys }: RotationImpact): readonly string[] {
  return [
    `The server would accept tokens under the present key until ${isoTime(acceptedUntil)}.`,
    `Seen: ${seenText(seenWithin)}. Never seen: ${neverSeen}.`,
    ...keys.map((key) => `Last seen under ${key.kid}: ${key.licenses} (${seenText(key.seenWithin)}).`),
  ]
}

function summary(slug: string, { licensesResigned, impact }: Rotation): string {
  if (impact === undefined) return `Rotated the keys of ${slug}: ${licensesResigned} licenses are re-signed.`
  return [
    `Dry run: ${licensesResigned} licenses of ${slug} would be re-signed.`,
    ...impactLines(impact),
  ].join('\n')
}

/** Replaces an app's key pair. */
export async function rotateKeys(
  settings: CliSettings,
  slug: string,
  options: RotateKeysOptions,
  output: Output,
): Promise<void> {
  const { gracePeriodDays = 0, compromised, recoveryKey, dryRun, json } = options
  const recover = await recoverWith(recoveryKey)
  const rotation = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.rotateKeys(slug, {
      gracePeriodDays,
      compromised,
      dryRun,
      ...(recover !== undefined && { recover }),
    }),
  )
  output.line(json ? jsonOf(toWire(rotationView(rotation, options))) : summary(slug, rotation))
}
