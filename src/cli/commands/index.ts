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
import { auditExportCommand, auditVerifyCommand } from './audit-chain.ts'
import { auditListCommand } from './audit.ts'
import { dashboardCommand } from './dashboard.ts'
import { doctorCommand, exportCommand, importCommand, migrateCommand, rekeyCommand } from './database.ts'
import { customersCommands } from './customers.ts'
import { diagnoseCommand } from './diagnose.ts'
import { featuresCommands } from './features.ts'
import { healthCommand } from './health.ts'
import { keysCommands } from './keys.ts'
import { checkKeyCommand, licenseKeysCommands } from './license-keys.ts'
import { licensesCommands } from './licenses.ts'
import { searchCommand } from './search.ts'
import { secretCommand } from './secret.ts'
import { serveCommand } from './serve.ts'
import { statsCommand } from './stats.ts'
import { tiersCommands } from './tiers.ts'
import type { CliContext } from './context.ts'
import { verifyCommand } from './verify.ts'
import { webhooksCommands } from './webhooks.ts'
import { explain } from '../terminal/explain.ts'
import type { Output } from '../terminal/output.ts'
import { redact } from '../terminal/redact.ts'
import { UsageError } from '../errors.ts'
import { trimmed, type Environment } from '../settings.ts'

type Process = StricliDynamicCommandContext<CommandContext>['process']

const auditCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'Read, verify and export the audit log' },
  routes: { list: auditListCommand, verify: auditVerifyCommand, export: auditExportCommand },
})

const root: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'Heartwood: software licensing' },
  routes: {
    serve: serveCommand,
    health: healthCommand,
    secret: secretCommand,
    apps: appsCommands,
    tiers: tiersCommands,
    features: featuresCommands,
    customers: customersCommands,
    licenseKeys: licenseKeysCommands,
    checkKey: checkKeyCommand,
    licenses: licensesCommands,
    webhooks: webhooksCommands,
    keys: keysCommands,
    audit: auditCommands,
    search: searchCommand,
    stats: statsCommand,
    dashboard: dashboardCommand,
    verify: verifyCommand,
    diagnose: diagnoseCommand,
    migrate: migrateCommand,
    rekey: rekeyCommand,
    export: exportCommand,
    import: importCommand,
    doctor: doctorCommand,
  },
})

/** A misspelt command line may hold the address of a database with its password. */
const text: typeof text_en = {
  ...text_en,
  exceptionWhileRunningCommand: explain,
  exceptionWhileParsingArguments: (error, ansiColor) =>
    redact(text_en.exceptionWhileParsingArguments(error, ansiColor)),
  noCommandRegisteredForInput: (given) => redact(text_en.noCommandRegisteredForInput(given)),
}

const application: Application<CliContext> = buildApplication(root, {
  name: 'heartwood',
  versionInfo: { currentVersion: version },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { disableAnsiColor: true },
  determineExitCode: (error) => (error instanceof UsageError ? 2 : 1),
  localization: { text },
})

/** Puts the present name of a flag in place of the one that 0.1.0 had. */
function withPresentNames(inputs: readonly string[]): readonly string[] {
  const end = inputs.includes('--') ? inputs.indexOf('--') : inputs.length
  return inputs.map((given, at) =>
    at < end ? given.replace(/^--installation(-id|Id)(?==|$)/, '--installation') : given,
  )
}

/** Maps the negative codes of stricli: from -4 down they mean that the user mistyped a command or flag. */
function exitCodeOf(code: number): number {
  if (code >= 0) return code
  return code <= -4 ? 2 : 1
}

/** Runs one command. Resolves to its exit code: 0 for success, 1 for a failure, 2 for a mistyped command. */
export async function runCommand(
  inputs: readonly string[],
  variables: Environment,
  output: Output,
): Promise<number> {
  const environment = trimmed(variables)
  const process: Process = {
    stdout: { write: (text) => output.line(text.replace(/\n$/, '')) },
    stderr: { write: (text) => output.note(text.replace(/\n$/, '')) },
    env: environment,
  }
  await run(application, withPresentNames(inputs), { process, environment, output })
  return exitCodeOf(Number(process.exitCode))
}
