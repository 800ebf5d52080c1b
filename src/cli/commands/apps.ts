import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { createApp, deleteApp, getApp, listApps, printPublicKey, rotateKeys } from '../apps.ts'
import { readWebhooks } from '../settings.ts'
import {
  argument,
  database,
  json,
  optional,
  parseCount,
  parseLimit,
  text,
  toggle,
  type DatabaseFlags,
  type JsonFlags,
} from './flags.ts'
import { prepare, type Surroundings } from './context.ts'

interface ListFlags extends JsonFlags {
  readonly mode?: 'live' | 'test'
  readonly limit?: number
}

interface CreateFlags extends JsonFlags {
  readonly name?: string
  readonly description?: string
  readonly webhookUrl?: string
  readonly mode?: 'live' | 'test'
}

interface DeleteFlags extends JsonFlags {
  readonly yes: boolean
}

interface RotateFlags extends JsonFlags {
  readonly gracePeriodDays?: number
  readonly dryRun: boolean
}

const slug = argument('Slug of the app', 'slug')

const listCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'List the apps, newest first' },
  parameters: {
    flags: {
      mode: { kind: 'enum', values: ['live', 'test'], brief: 'Only apps of this mode', optional: true },
      limit: optional('At most so many; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: Surroundings, flags: ListFlags) {
    await listApps(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Create an app with a key pair of its own' },
  parameters: {
    flags: {
      name: text('Its name; default the slug', 'text'),
      description: text('What it is', 'text'),
      webhookUrl: text('Where its license events are sent to; https only', 'url'),
      mode: {
        kind: 'enum',
        values: ['live', 'test'],
        brief: 'Which API keys see it; default live',
        optional: true,
      },
      json,
      database,
    },
    positional: argument('Its slug, which never changes: lowercase letters, digits, hyphens', 'slug'),
  },
  async func(this: Surroundings, flags: CreateFlags, slug: string) {
    const { json: asJson, database: _database, mode, name = slug, ...rest } = flags
    const settings = await prepare(this, flags)
    const webhooks = readWebhooks(this.environment)
    await createApp(settings, { app: { name, slug, ...rest }, mode, webhooks, json: asJson }, this.output)
  },
})

const getCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Show an app' },
  parameters: { flags: { json, database }, positional: slug },
  async func(this: Surroundings, flags: JsonFlags, slug: string) {
    await getApp(await prepare(this, flags), slug, flags, this.output)
  },
})

const publicKeyCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Print the public key of an app in PEM' },
  parameters: { flags: { database }, positional: slug },
  async func(this: Surroundings, flags: DatabaseFlags, slug: string) {
    await printPublicKey(await prepare(this, flags), slug, this.output)
  },
})

const deleteCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Delete an app with everything in it, its licenses above all' },
  parameters: {
    flags: { yes: toggle('Do it; without, it only says what would go'), json, database },
    positional: slug,
  },
  async func(this: Surroundings, flags: DeleteFlags, slug: string) {
    await deleteApp(await prepare(this, flags), slug, flags, this.output)
  },
})

const rotateCommand: Command<Surroundings> = buildCommand({
  docs: {
    brief: 'Replace the key pair of an app; every active license is re-signed',
    fullDescription:
      'Replaces the key pair of an app by a fresh one and re-signs every active license. Tokens under the old key fail from then on, unless --grace-period-days is given; never give it after a suspected leak.',
  },
  parameters: {
    flags: {
      gracePeriodDays: optional(
        'For so many days tokens under the old key are still accepted, 0 to 90; default 0',
        'days',
        parseCount,
      ),
      dryRun: toggle('Count and change nothing'),
      json,
      database,
    },
    positional: slug,
  },
  async func(this: Surroundings, flags: RotateFlags, slug: string) {
    await rotateKeys(await prepare(this, flags), slug, flags, this.output)
  },
})

export const appsCommands: RouteMap<Surroundings> = buildRouteMap({
  docs: { brief: 'List, create and delete apps, and rotate their keys' },
  routes: {
    list: listCommand,
    create: createCommand,
    get: getCommand,
    publicKey: publicKeyCommand,
    delete: deleteCommand,
    rotateKeys: rotateCommand,
  },
})
