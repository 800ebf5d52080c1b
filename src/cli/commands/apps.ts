import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import {
  createApp,
  deleteApp,
  getApp,
  listApps,
  printPublicKey,
  printTrust,
  rotateKeys,
  type RotateKeysOptions,
} from '../apps.ts'
import {
  createRecovery,
  mendChain,
  revokeKeys,
  type CreateRecoveryOptions,
  type MendChainOptions,
  type RevokeKeysOptions,
} from '../recovery.ts'
import { readWebhooks } from '../settings.ts'
import {
  argument,
  database,
  json,
  optional,
  parseCount,
  parseLimit,
  several,
  severalOptional,
  text,
  toggle,
  type DatabaseFlags,
  type JsonFlags,
} from './flags.ts'
import { prepare, type CliContext } from './context.ts'

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

type RotateFlags = RotateKeysOptions & DatabaseFlags
type CreateRecoveryFlags = CreateRecoveryOptions & DatabaseFlags
type RevokeKeysFlags = RevokeKeysOptions & DatabaseFlags
type MendChainFlags = MendChainOptions & DatabaseFlags

const slug = argument('The slug of the app', 'slug')

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the apps, newest first' },
  parameters: {
    flags: {
      mode: { kind: 'enum', values: ['live', 'test'], brief: 'List only apps of this mode', optional: true },
      limit: optional('The maximum number of apps; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listApps(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Create an app with its own key pair' },
  parameters: {
    flags: {
      name: text('The name of the app; default its slug', 'text'),
      description: text('A description of the app', 'text'),
      webhookUrl: text('The https address that receives its license events', 'url'),
      mode: {
        kind: 'enum',
        values: ['live', 'test'],
        brief: 'Its mode: API keys of the same mode can see it; default live',
        optional: true,
      },
      json,
      database,
    },
    positional: argument('Its permanent slug: lowercase letters, digits, hyphens', 'slug'),
  },
  async func(this: CliContext, flags: CreateFlags, slug: string) {
    const { json: asJson, database: _database, mode, name = slug, ...rest } = flags
    const settings = await prepare(this, flags)
    const webhooks = readWebhooks(this.environment)
    await createApp(settings, { app: { name, slug, ...rest }, mode, webhooks, json: asJson }, this.output)
  },
})

const getCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show an app' },
  parameters: { flags: { json, database }, positional: slug },
  async func(this: CliContext, flags: JsonFlags, slug: string) {
    await getApp(await prepare(this, flags), slug, flags, this.output)
  },
})

const publicKeyCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Print the public key of an app as PEM' },
  parameters: { flags: { database }, positional: slug },
  async func(this: CliContext, flags: DatabaseFlags, slug: string) {
    await printPublicKey(await prepare(this, flags), slug, this.output)
  },
})

const deleteCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Delete an app and everything in it, including its licenses' },
  parameters: {
    flags: {
      yes: toggle('Confirm the deletion; otherwise the command only says what it would delete'),
      json,
      database,
    },
    positional: slug,
  },
  async func(this: CliContext, flags: DeleteFlags, slug: string) {
    await deleteApp(await prepare(this, flags), slug, flags, this.output)
  },
})

const rotateCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Replace the key pair of an app and re-sign every active license',
    fullDescription:
      'Replaces the key pair of an app and re-signs every active license. Tokens under the old key fail at once, unless you set --grace-period-days. Never set it if the old key may have leaked: set --compromised, which revokes the old key for every program.',
  },
  parameters: {
    flags: {
      gracePeriodDays: optional(
        'The days for which tokens under the old key stay valid, 0 to 90; default 0',
        'days',
        parseCount,
      ),
      compromised: toggle('Revoke the old key, because it may have leaked; ends every grace period'),
      recoveryKey: severalOptional(
        'A file with a recovery key; needed with --compromised if the app has some',
        'file',
      ),
      dryRun: toggle('Count the licenses and change nothing'),
      json,
      database,
    },
    positional: slug,
  },
  async func(this: CliContext, flags: RotateFlags, slug: string) {
    await rotateKeys(await prepare(this, flags), slug, flags, this.output)
  },
})

const trustCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Print the statements about the signing keys of an app: trust.json',
    fullDescription:
      'Prints the statements about the signing keys of an app. Build your program with this file instead of the public key: it then follows every later rotation.',
  },
  parameters: { flags: { database }, positional: slug },
  async func(this: CliContext, flags: DatabaseFlags, slug: string) {
    await printTrust(await prepare(this, flags), slug, this.output)
  },
})

const presentKey = severalOptional('A file with a present recovery key; needed if the app has some', 'file')

const createRecoveryCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Make recovery keys, which lead programs past a thief of the signing key',
    fullDescription:
      'Makes a private key for each --out, and gives the app their thumbprints. The database never has the private keys: move the files to a safe place. If the app has recovery keys already, enough of them must sign.',
  },
  parameters: {
    flags: {
      out: several('The new file of a private key; repeat it for several keys', 'file'),
      threshold: optional('The number of keys that must sign; default 1', 'number', parseLimit),
      recoveryKey: presentKey,
      json,
      database,
    },
    positional: slug,
  },
  async func(this: CliContext, flags: CreateRecoveryFlags, slug: string) {
    await createRecovery(await prepare(this, flags), slug, flags, this.output)
  },
})

const signingKey = several('A file with a recovery key; repeat it for several keys', 'file')

const revokeKeysCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Revoke retired signing keys: programs refuse every token under them',
    fullDescription:
      'Revokes retired signing keys by a statement that recovery keys sign, and ends their grace periods. Programs that a thief of such a key has led away come back. To revoke the active key, run apps rotate-keys --compromised.',
  },
  parameters: {
    flags: {
      kid: several('The thumbprint of a retired signing key, as --kid=…; repeat it for several keys', 'kid'),
      recoveryKey: signingKey,
      json,
      database,
    },
    positional: slug,
  },
  async func(this: CliContext, flags: RevokeKeysFlags, slug: string) {
    await revokeKeys(await prepare(this, flags), slug, flags, this.output)
  },
})

const mendCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Lead programs to the active key again, if heartwood doctor finds a gap before it',
    fullDescription:
      'Writes a statement that recovery keys sign and that names the active key. A server of a version without statements leaves a gap when it rotates the keys; heartwood doctor reports it.',
  },
  parameters: { flags: { recoveryKey: signingKey, json, database }, positional: slug },
  async func(this: CliContext, flags: MendChainFlags, slug: string) {
    await mendChain(await prepare(this, flags), slug, flags, this.output)
  },
})

const recoveryCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'Make recovery keys, and sign with them after a theft' },
  routes: { create: createRecoveryCommand, revoke: revokeKeysCommand, mend: mendCommand },
})

export const appsCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List, create and delete apps, and rotate their keys' },
  routes: {
    list: listCommand,
    create: createCommand,
    get: getCommand,
    publicKey: publicKeyCommand,
    delete: deleteCommand,
    rotateKeys: rotateCommand,
    trust: trustCommand,
    recovery: recoveryCommands,
  },
})
