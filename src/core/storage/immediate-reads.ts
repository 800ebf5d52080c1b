import type { AppRecord } from './apps.ts'
import type { Storage } from './index.ts'
import type { LicenseRecord } from './licenses.ts'
import type { SigningKeyRecord } from './signing-keys.ts'

/** The fields of a license that its verification reads. */
export type LicenseStanding = Pick<
  LicenseRecord,
  | 'appId'
  | 'tier'
  | 'tierFeatures'
  | 'customFeatures'
  | 'tierLimits'
  | 'customLimits'
  | 'updatesUntil'
  | 'installationId'
  | 'expiresAt'
  | 'revokedAt'
  | 'revokedCause'
  | 'minRevision'
  | 'revision'
>

/** Reads that a storage makes at once, without a promise. They see what its other reads see. */
export interface ImmediateReads {
  /** As `findCurrentLicense`. @throws {LicensingError} `unavailable` */
  findCurrentStanding(appSlugOrId: string, installationId: string): LicenseStanding | null
  /** As `findLicense`. @throws {LicensingError} `unavailable` */
  findStanding(appId: string, id: string): LicenseStanding | null
  /** An app as `findApp` finds it, with its keys as `listSigningKeys` lists them. @throws {LicensingError} `unavailable` */
  findTokenIssuer(
    appSlugOrId: string,
  ): { readonly app: AppRecord; readonly keys: readonly SigningKeyRecord[] } | null
  /** Runs several of these reads at one moment of the storage, which costs less than one after another. */
  together<T>(reads: () => T): T
}

/**
 * By the very object: a wrapper around a storage inherits its verbs and may change each of them. So a wrapper has no immediate
 * reads, and all go through its verbs.
 */
const known = new WeakMap<Storage, ImmediateReads>()

/** Declares the immediate reads of a storage. */
export function declareImmediateReads(storage: Storage, reads: ImmediateReads): void {
  known.set(storage, reads)
}

/** The immediate reads that a storage has declared. `undefined`: every read of it is a promise. */
export function immediateReadsOf(storage: Storage): ImmediateReads | undefined {
  return known.get(storage)
}
