import { LicensingError } from '../../src/core/errors.ts'

/** Holds for a `LicensingError` of code `unavailable` that says why. */
export function unavailable(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof LicensingError && error.code === 'unavailable' && message.test(error.message)
}
