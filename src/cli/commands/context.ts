import type { CommandContext } from '@stricli/core'
import { configureLog } from '../terminal/log.ts'
import type { Output } from '../terminal/output.ts'
import { readSettings, type Environment, type CliSettings } from '../settings.ts'
import type { DatabaseFlags } from './flags.ts'

/** The context that stricli passes to every command. */
export interface CliContext extends CommandContext {
  readonly environment: Environment
  readonly output: Output
}

/** Reads the settings and configures the log. @throws {CliError} that names the wrong setting. */
export async function prepare(
  { environment }: CliContext,
  { database }: DatabaseFlags,
): Promise<CliSettings> {
  const settings = readSettings(environment, { database })
  await configureLog(settings.log)
  return settings
}
