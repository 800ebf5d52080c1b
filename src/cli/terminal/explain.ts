import { wireDetails } from '../../adapters/http/wire.ts'
import { LicensingError, type ErrorDetails } from '../../core/errors.ts'
import { Refusal } from '../refusal.ts'

function rulesOf(details: ErrorDetails): string {
  return Object.entries(details)
    .map(([field, broken]) => `${field} ${broken.join(', ')}`)
    .join('; ')
}

/** The rules that input broke, by the core's own names of the fields; else what the error says. */
export function explainRules({ message, details = {} }: LicensingError): string {
  return rulesOf(details) || message
}

function explainLicensing({ message, details = {} }: LicensingError): string {
  const rules = rulesOf(wireDetails(details))
  return rules === '' ? message : `${message}: ${rules}`
}

/** A driver's error may repeat the address it was given, with its password. */
function withoutAddresses(text: string): string {
  return text.replace(/postgres(ql)?:\/\/[^\s"'`]*/gi, 'postgres://[redacted]')
}

/** What went wrong, in one line; only what nobody foresaw comes with its stack. */
export function explain(error: unknown): string {
  if (error instanceof Refusal) return `heartwood: ${error.message}`
  if (error instanceof LicensingError) return `heartwood: ${explainLicensing(error)}`
  return `heartwood: ${withoutAddresses(error instanceof Error ? (error.stack ?? error.message) : String(error))}`
}
