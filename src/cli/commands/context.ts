import type { CommandContext } from '@stricli/core'
import { configureLog } from '../terminal/log.ts'
import type { Output } from '../terminal/output.ts'
import { readSettings, type Environment, type Settings } from '../settings.ts'
import type { DatabaseFlags } from './flags.ts'

/** What a command is run in. */
export interface Surroundings extends CommandContext {
  readonly environment: Environment
  readonly output: Output
}

/** Reads the settings and begins the log. @throws {Refusal} saying which setting is wrong. */
export async function prepare({ environment }: Surroundings, { database }: DatabaseFlags): Promise<Settings> {
  const settings = readSettings(environment, { database })
  await configureLog(settings.log)
  return settings
}
