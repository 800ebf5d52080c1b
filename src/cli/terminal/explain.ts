import { wireDetails } from '../../adapters/http/wire.ts'
import { LicensingError, type ErrorDetails } from '../../core/errors.ts'
import { CliError } from '../errors.ts'
import { printable } from './columns.ts'
import { redact } from './redact.ts'

function rulesOf(details: ErrorDetails): string {
  return Object.entries(details)
    .map(([field, broken]) => `${field} ${broken.join(', ')}`)
    .join('; ')
}

/** The broken rules, by core's names of the fields. An error without rules gives its message. */
export function explainRules({ message, details = {} }: LicensingError): string {
  return rulesOf(details) || message
}

function explainLicensing({ message, details = {} }: LicensingError): string {
  const rules = rulesOf(wireDetails(details))
  return rules === '' ? message : `${message}: ${rules}`
}

/** Explains an error in one line. Only an unexpected error shows its stack. */
export function explain(error: unknown): string {
  if (error instanceof CliError) return `heartwood: ${printable(error.message)}`
  if (error instanceof LicensingError) return `heartwood: ${printable(explainLicensing(error))}`
  return `heartwood: ${redact(error instanceof Error ? (error.stack ?? error.message) : String(error))}`
}
