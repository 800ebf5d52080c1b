import {
  buildApplication,
  buildRouteMap,
  run,
  text_en,
  type Application,
  type CommandContext,
  type RouteMap,
  type StricliDynamicCommandContext,
} from '@stricli/core'
import { version } from '../../adapters/version.ts'
import { appsCommands } from './apps.ts'
import { doctorCommand, exportCommand, importCommand, migrateCommand, rekeyCommand } from './database.ts'
import { keysCommands } from './keys.ts'
import { licensesCommands } from './licenses.ts'
import { serveCommand } from './serve.ts'
import type { Surroundings } from './context.ts'
import { verifyCommand } from './verify.ts'
import { explain } from '../terminal/explain.ts'
import type { Output } from '../terminal/output.ts'
import { Misuse } from '../refusal.ts'
import type { Environment } from '../settings.ts'

type Process = StricliDynamicCommandContext<CommandContext>['process']

const root: RouteMap<Surroundings> = buildRouteMap({
  docs: { brief: 'Heartwood: software licensing' },
  routes: {
    serve: serveCommand,
    apps: appsCommands,
    licenses: licensesCommands,
    keys: keysCommands,
    verify: verifyCommand,
    migrate: migrateCommand,
    rekey: rekeyCommand,
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
  determineExitCode: (error) => (error instanceof Misuse ? 2 : 1),
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
