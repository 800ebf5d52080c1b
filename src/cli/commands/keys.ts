import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { presets, scopes, type Preset, type Scope } from '../../core/scopes.ts'
import { createKey, listKeys, revokeKey } from '../keys.ts'
import { argument, database, json, optional, parseTime, text, type JsonFlags } from './flags.ts'
import { prepare, type CliContext } from './context.ts'

interface CreateFlags extends JsonFlags {
  readonly type?: 'sk' | 'pk'
  readonly mode?: 'live' | 'test'
  readonly name?: string
  readonly app?: string
  readonly scope?: readonly Scope[]
  readonly preset?: Preset
  readonly expires?: number
}

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Create an API key and print its secret, only this once' },
  parameters: {
    flags: {
      type: {
        kind: 'enum',
        values: ['sk', 'pk'],
        brief: 'sk can write, pk can only read; default sk, or the type of the preset',
        optional: true,
      },
      mode: {
        kind: 'enum',
        values: ['live', 'test'],
        brief: 'The mode of the apps that it can see; default live',
        optional: true,
      },
      name: text('The purpose of the key', 'text'),
      app: text('The only app that it can see', 'slug'),
      scope: {
        kind: 'enum',
        values: scopes,
        brief: 'A right of the key, which then has no others; repeat it for several',
        optional: true,
        variadic: true,
      },
      preset: {
        kind: 'enum',
        values: Object.keys(presets) as Preset[],
        brief: 'The rights for one kind of work, in place of --scope',
        optional: true,
      },
      expires: optional('The time when the key expires, as in 2027-01-31T00:00:00Z', 'time', parseTime),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: CreateFlags) {
    const { json: asJson, database: _database, expires, scope, ...key } = flags
    const settings = await prepare(this, flags)
    const wanted = {
      ...key,
      ...(scope !== undefined && { scopes: scope }),
      ...(expires !== undefined && { expiresAt: expires }),
    }
    await createKey(settings, wanted, this.output, { json: asJson })
  },
})

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the API keys, newest first' },
  parameters: { flags: { json, database } },
  async func(this: CliContext, flags: JsonFlags) {
    await listKeys(await prepare(this, flags), this.output, flags)
  },
})

const revokeCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Revoke an API key: every server refuses it at once' },
  parameters: { flags: { json, database }, positional: argument('The id of the key, as listed', 'id') },
  async func(this: CliContext, flags: JsonFlags, id: string) {
    await revokeKey(await prepare(this, flags), id, this.output, flags)
  },
})

export const keysCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'Create, list and revoke API keys' },
  routes: { create: createCommand, list: listCommand, revoke: revokeCommand },
})
