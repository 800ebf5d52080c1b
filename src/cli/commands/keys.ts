import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { createKey, listKeys, revokeKey } from '../keys.ts'
import { argument, database, json, optional, parseTime, text, type JsonFlags } from './flags.ts'
import { prepare, type Surroundings } from './context.ts'

interface CreateFlags extends JsonFlags {
  readonly type?: 'sk' | 'pk'
  readonly mode?: 'live' | 'test'
  readonly name?: string
  readonly app?: string
  readonly expires?: number
}

const createCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Make an API key and print its secret, this once' },
  parameters: {
    flags: {
      type: {
        kind: 'enum',
        values: ['sk', 'pk'],
        brief: 'sk may write, pk only read; default sk',
        optional: true,
      },
      mode: {
        kind: 'enum',
        values: ['live', 'test'],
        brief: 'Which apps it sees; default live',
        optional: true,
      },
      name: text('What it is for', 'text'),
      app: text('The one app it sees', 'slug'),
      expires: optional('When it stops working, as in 2027-01-31T00:00:00Z', 'time', parseTime),
      json,
      database,
    },
  },
  async func(this: Surroundings, flags: CreateFlags) {
    const { json: asJson, database: _database, expires, ...key } = flags
    const settings = await prepare(this, flags)
    const given = { ...key, ...(expires !== undefined && { expiresAt: expires }) }
    await createKey(settings, given, this.output, { json: asJson })
  },
})

const listCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'List the API keys, newest first' },
  parameters: { flags: { json, database } },
  async func(this: Surroundings, flags: JsonFlags) {
    await listKeys(await prepare(this, flags), this.output, flags)
  },
})

const revokeCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Refuse an API key from now on' },
  parameters: { flags: { json, database }, positional: argument('Id of the key, as listed', 'id') },
  async func(this: Surroundings, flags: JsonFlags, id: string) {
    await revokeKey(await prepare(this, flags), id, this.output, flags)
  },
})

export const keysCommands: RouteMap<Surroundings> = buildRouteMap({
  docs: { brief: 'Make, list and revoke API keys' },
  routes: { create: createCommand, list: listCommand, revoke: revokeCommand },
})
