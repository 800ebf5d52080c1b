import { wireDetails } from '../adapters/wire.ts'
import { LicensingError } from '../core/errors.ts'
import { Refusal } from './refusal.ts'

function explainLicensing({ message, details = {} }: LicensingError): string {
  const rules = Object.entries(wireDetails(details)).map(([field, broken]) => `${field} ${broken.join(', ')}`)
  return rules.length === 0 ? message : `${message}: ${rules.join('; ')}`
}

/** What went wrong, in one line; only what nobody foresaw comes with its stack. */
export function explain(error: unknown): string {
  if (error instanceof Refusal) return `heartwood: ${error.message}`
  if (error instanceof LicensingError) return `heartwood: ${explainLicensing(error)}`
  return `heartwood: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
