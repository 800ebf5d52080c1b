/**
 * Licensing on another server, over its HTTP API.
 *
 * @module
 */
export {
  LicensingError,
  type ErrorDetails,
  type LicensingErrorCode,
  type LicensingErrorOptions,
} from '../core/errors.ts'
export { createLicensingClient, type LicensingClient } from './licensing-client.ts'
export type {
  CallOptions,
  KeyClientOptions,
  LicensingClientOptions,
  SessionClientOptions,
} from './options.ts'
export { RemoteError, type RemoteErrorCode, type RemoteErrorOptions } from './remote-error.ts'
export type {
  RemoteApiKeys,
  RemoteApps,
  RemoteLicenseKeys,
  RemoteLicenses,
  RemoteLicensing,
  RemoteVerification,
} from './remote-licensing.ts'
