import { toLicensingError } from '../errors.ts'
import { type Snapshot, snapshotOf } from '../kysely/snapshot.ts'
import { kyselyOver } from './dialect.ts'
import { LentSessions } from './lent-sessions.ts'
import { requirePostgres } from './open.ts'

/**
 * Shows `work` a PostgreSQL database as of one moment, while other servers may write to it.
 *
 * @throws {LicensingError} `unavailable` if the server cannot be reached.
 */
export async function readPostgresSnapshot<T>(
  connectionString: string,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const postgres = await requirePostgres()
  const client = postgres(connectionString, {
    max: 1,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'heartwood', default_transaction_read_only: true },
  })
  try {
    const transaction = kyselyOver(new LentSessions(client)).transaction()
    return await transaction
      .setIsolationLevel('repeatable read')
      .execute(async (db) => work(await snapshotOf(db, async () => [])))
  } catch (error) {
    throw toLicensingError(error)
  } finally {
    await client.end({ timeout: 5 })
  }
}
