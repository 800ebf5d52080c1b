import { LicensingError } from '../../src/core/errors.ts'

/** True for a `LicensingError` of code `unavailable` whose message matches. */
export function unavailable(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof LicensingError && error.code === 'unavailable' && message.test(error.message)
}
