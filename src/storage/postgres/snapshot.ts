import { toLicensingError } from '../errors.ts'
import { type Snapshot, snapshotOf } from '../kysely/snapshot.ts'
import { readAddress } from './address.ts'
import { clientsOf } from './client.ts'
import { kyselyOver } from './dialect.ts'
import { LentSessions } from './lent-sessions.ts'

/**
 * Shows `work` a PostgreSQL database as of one moment, while other servers may write to it.
 *
 * @throws {LicensingError} `unavailable` if the server cannot be reached.
 */
export async function readPostgresSnapshot<T>(
  connectionString: string,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const client = (await clientsOf(readAddress(connectionString)))({ limits: {} })
  try {
    const transaction = kyselyOver(new LentSessions(client)).transaction()
    return await transaction
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (db) => work(await snapshotOf(db, async () => [])))
  } catch (error) {
    throw toLicensingError(error)
  } finally {
    await client.end({ timeout: 5 })
  }
}
