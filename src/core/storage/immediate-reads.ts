import type { Storage } from './index.ts'
import type { LicenseRecord } from './licenses.ts'

/** The fields of a license that its verification reads. */
export type LicenseStanding = Pick<
  LicenseRecord,
  | 'tier'
  | 'tierFeatures'
  | 'customFeatures'
  | 'tierLimits'
  | 'customLimits'
  | 'updatesUntil'
  | 'installationId'
  | 'expiresAt'
  | 'revokedAt'
  | 'minRevision'
  | 'revision'
>

/** Reads that a storage makes at once, without a promise. They see what its other reads see. */
export interface ImmediateReads {
  /** As `findCurrentLicense`. @throws {LicensingError} `unavailable` */
  findCurrentStanding(appSlugOrId: string, installationId: string): LicenseStanding | null
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
