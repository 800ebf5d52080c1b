/**
 * The license inside the licensed program: verified offline, refreshed in the background, kept over outages.
 *
 * @module
 */
export { LicensingError } from '../core/errors.ts'
export type { LicenseClaims } from '../core/token/token.ts'
export { createLicenseClient, type LicenseClient } from './client.ts'
export type { ClientEvents, Refusal } from './events.ts'
export type { StoreCondition } from './keeper.ts'
export type { ClientLicense } from './license.ts'
export type {
  KeySource,
  LicenseClientOptions,
  PublicKeys,
  PublicKeySet,
  Schedule,
  Verdict,
} from './options.ts'
export type { Attempt } from './record.ts'
export type { ClientAction, ClientState, Standing } from './standing.ts'
export { memoryStore, type LicenseStore } from './store.ts'
export { indexedDbStore, localStorageStore } from './web-stores.ts'
