/**
 * Holds the license inside the licensed program: verifies it offline, refreshes it in the background, keeps it over outages.
 *
 * @module
 */
export { LicensingError } from '../core/errors.ts'
export { checkLicenseKey, type LicenseKeyCheck } from '../core/license-keys/text.ts'
export type { LicenseClaims } from '../core/token/token.ts'
export type { LicenseKeyError, LicenseSeat } from './activation.ts'
export { createLicenseClient } from './client.ts'
export type { LicenseClient } from './license-client.ts'
export type { ClientAction, ClientState, LicenseAssessment } from './assessment.ts'
export type { ClientEvents, RenewalRefusal, TrustConflict } from './events.ts'
export type { ClientLicense } from './license.ts'
export type {
  KeySource,
  LicenseClientOptions,
  PlainKeys,
  PublicKeys,
  PublicKeySet,
  PublicTrustFile,
  Schedule,
  TrustSource,
  Verdict,
} from './options.ts'
export type { RefreshAttempt } from './record.ts'
export type { StoreCondition } from './state-store.ts'
export { memoryStore, type LicenseStore } from './store.ts'
export type { ClientClaims } from './trusted-keys.ts'
export { indexedDbStore, localStorageStore } from './web-stores.ts'
