import { wireDetails } from '../adapters/wire.ts'
import { LicensingError } from '../core/errors.ts'
import { Refusal } from './refusal.ts'

function explainLicensing({ message, details = {} }: LicensingError): string {
  const rules = Object.entries(wireDetails(details)).map(([field, broken]) => `${field} ${broken.join(', ')}`)
  return rules.length === 0 ? message : `${message}: ${rules.join('; ')}`
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
