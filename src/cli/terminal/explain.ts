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

/** The fields at fault that the message does not name. Its words and theirs are the same, so they are said once. */
function unnamedFields(message: string, details: ErrorDetails): string {
  const fields = Object.keys(details).filter((field) => !message.includes(field))
  return fields.length === 0 ? '' : ` (${fields.join(', ')})`
}

/** Every broken rule of an input; of another error, its message and the fields at fault. */
function explainLicensing({ code, message, details: given = {} }: LicensingError): string {
  const details = wireDetails(given)
  if (code === 'validation_error') return `The request is not valid: ${rulesOf(details)}`
  return message + unnamedFields(message, details)
}

/** Explains an error in one line. Only an unexpected error shows its stack. */
export function explain(error: unknown): string {
  if (error instanceof CliError) return `heartwood: ${printable(error.message)}`
  if (error instanceof LicensingError) return `heartwood: ${printable(explainLicensing(error))}`
  return `heartwood: ${redact(error instanceof Error ? (error.stack ?? error.message) : String(error))}`
}
