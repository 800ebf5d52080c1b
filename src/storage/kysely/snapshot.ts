import type { StorageSession } from '../../core/storage/index.ts'
import { kyselyStorage } from '../kysely.ts'
import { findKeyCheck, isCurrent } from '../schema.ts'
import type { Writer } from './executor.ts'

/** A database as of one moment. */
export interface Snapshot {
  readonly session: StorageSession
  /** The check record of the master key; `null` if Heartwood has never used the database. */
  readonly keyCheck: string | null
  /** Resolves to `false` if migrations are missing. @throws {LicensingError} `unavailable` if the tables are of a newer version. */
  isCurrent(): Promise<boolean>
  /** The faults that the database finds in its own file. */
  faults(): Promise<readonly string[]>
}

/** The snapshot of an open transaction that only reads. */
export async function snapshotOf(db: Writer, faults: Snapshot['faults']): Promise<Snapshot> {
  return {
    session: kyselyStorage(db),
    keyCheck: await findKeyCheck(db),
    isCurrent: () => isCurrent(db),
    faults,
  }
}
