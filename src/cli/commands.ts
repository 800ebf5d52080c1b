import {
  buildApplication,
  buildCommand,
  buildRouteMap,
  run,
  text_en,
  type Application,
  type Command,
  type CommandContext,
  type RouteMap,
  type StricliDynamicCommandContext,
} from '@stricli/core'
import { version } from '../adapters/version.ts'
import { readTime } from '../adapters/wire.ts'
import { withDatabase } from './database.ts'
import { doctor } from './doctor.ts'
import { explain } from './explain.ts'
import { exportRecords } from './export.ts'
import { importRecords } from './import.ts'
import { createKey, listKeys, revokeKey } from './keys.ts'
import { configureLog } from './log.ts'
import type { Output } from './output.ts'
import { serve } from './serve.ts'
import { readServerOptions } from './server-options.ts'
import {
  readAddress,
  readPort,
  readSettings,
  readSigning,
  readWebhooks,
  shownDatabase,
  type Environment,
  type Settings,
} from './settings.ts'

type Process = StricliDynamicCommandContext<CommandContext>['process']

interface Surroundings extends CommandContext {
  readonly environment: Environment
  readonly output: Output
}

interface DatabaseFlags {
  readonly database?: string
}

interface ServeFlags extends DatabaseFlags {
  readonly port?: number
  readonly host?: string
}

interface JsonFlags extends DatabaseFlags {
  readonly json: boolean
}

interface ImportFlags extends JsonFlags {
  readonly restore: boolean
}

interface CreateFlags extends JsonFlags {
  readonly type?: 'sk' | 'pk'
  readonly mode?: 'live' | 'test'
  readonly name?: string
  readonly app?: string
  readonly expires?: number
}

const database = {
  kind: 'parsed',
  parse: String,
  brief: 'SQLite file, or postgres://…; default heartwood.db',
  placeholder: 'database',
  optional: true,
} as const

const json = { kind: 'boolean', brief: 'Answer in JSON', default: false } as const

function parseTime(text: string): number {
  const time = readTime(text)
  if (time === null) throw new Error('a time is written as in 2027-01-31T00:00:00Z')
  return time
}

async function prepare(context: Surroundings, flags: DatabaseFlags): Promise<Settings> {
  const settings = readSettings(context.environment, flags)
  await configureLog(settings.log)
  return settings
}

const serveCommand: Command<Surroundings> = buildCommand({
  docs: {
    brief: 'Run the licensing server',
    fullDescription:
      'Runs the licensing server. The first start makes the database, its master key and one secret API key.',
  },
  parameters: {
    flags: {
      port: {
        kind: 'parsed',
        parse: readPort,
        brief: 'Port to listen on, 0 for any; default 4000',
        optional: true,
      },
      host: {
        kind: 'parsed',
        parse: String,
        brief: 'Address to listen on; default 127.0.0.1, which only this machine reaches',
        placeholder: 'address',
        optional: true,
      },
      database,
    },
  },
  async func(this: Surroundings, flags: ServeFlags) {
    const settings = await prepare(this, flags)
    const address = readAddress(this.environment, flags)
    const options = readServerOptions(this.environment)
    const signing = readSigning(this.environment)
    const webhooks = readWebhooks(this.environment)
    await serve(settings, { address, options, signing, webhooks }, this.output)
  },
})

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
      name: { kind: 'parsed', parse: String, brief: 'What it is for', placeholder: 'text', optional: true },
      app: {
        kind: 'parsed',
        parse: String,
        brief: 'The one app it sees',
        placeholder: 'slug',
        optional: true,
      },
      expires: {
        kind: 'parsed',
        parse: parseTime,
        brief: 'When it stops working, as in 2027-01-31T00:00:00Z',
        placeholder: 'time',
        optional: true,
      },
      json,
      database,
    },
  },
  async func(this: Surroundings, { json, database, expires, ...key }: CreateFlags) {
    const settings = await prepare(this, { ...(database !== undefined && { database }) })
    const given = { ...key, ...(expires !== undefined && { expiresAt: expires }) }
    await createKey(settings, given, this.output, { json })
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
  parameters: {
    flags: { json, database },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Id of the key, as listed', parse: String, placeholder: 'id' }],
    },
  },
  async func(this: Surroundings, flags: JsonFlags, id: string) {
    await revokeKey(await prepare(this, flags), id, this.output, flags)
  },
})

const migrateCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Bring the database to this version, making it where there is none' },
  parameters: { flags: { database } },
  async func(this: Surroundings, flags: DatabaseFlags) {
    const settings = await prepare(this, flags)
    const { made } = await withDatabase(settings, async (opened) => opened)
    if (made.length > 0) this.output.line(`Made ${made.join(' and ')}.`)
    this.output.line(`${shownDatabase(settings.database)} is of version ${version}.`)
  },
})

const exportCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Write every record to a file, secrets sealed, while servers go on' },
  parameters: {
    flags: { json, database },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A new file; - for standard output', parse: String, placeholder: 'file' }],
    },
  },
  async func(this: Surroundings, flags: JsonFlags, file: string) {
    await exportRecords(await prepare(this, flags), file, this.output, flags)
  },
})

const importCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Read what export wrote into an empty database, all of it or nothing' },
  parameters: {
    flags: {
      restore: {
        kind: 'boolean',
        brief: 'It is a backup of a database that was lost: tokens issued since keep a jti of their own',
        default: false,
      },
      json,
      database,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'The file; - for standard input', parse: String, placeholder: 'file' }],
    },
  },
  async func(this: Surroundings, flags: ImportFlags, file: string) {
    await importRecords(await prepare(this, flags), file, this.output, flags)
  },
})

const doctorCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Open every sealed key and hold every record against its rules, changing nothing' },
  parameters: { flags: { json, database } },
  async func(this: Surroundings, flags: JsonFlags) {
    await doctor(await prepare(this, flags), this.output, flags)
  },
})

const root: RouteMap<Surroundings> = buildRouteMap({
  docs: { brief: 'Heartwood: software licensing' },
  routes: {
    serve: serveCommand,
    keys: buildRouteMap({
      docs: { brief: 'Make, list and revoke API keys' },
      routes: { create: createCommand, list: listCommand, revoke: revokeCommand },
    }),
    migrate: migrateCommand,
    export: exportCommand,
    import: importCommand,
    doctor: doctorCommand,
  },
})

const application: Application<Surroundings> = buildApplication(root, {
  name: 'heartwood',
  versionInfo: { currentVersion: version },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { disableAnsiColor: true },
  localization: { text: { ...text_en, exceptionWhileRunningCommand: explain } },
})

/** Stricli's own codes are negative: the last two say that what was typed makes no sense. */
function exitCodeOf(code: number): number {
  if (code >= 0) return code
  return code <= -4 ? 2 : 1
}

/** Runs one command and answers its exit code: 0, 1 for refused, 2 for misspelt. */
export async function runCommand(
  inputs: readonly string[],
  environment: Environment,
  { stdout, stderr }: CommandContext['process'],
  output: Output,
): Promise<number> {
  const outcome: Process = { stdout, stderr, env: environment }
  await run(application, inputs, { process: outcome, environment, output })
  return exitCodeOf(Number(outcome.exitCode))
}
