import { LicensingError } from '../../core/errors.ts'
import type { Storage } from '../../core/storage/index.ts'
import { toLicensingError } from '../errors.ts'
import { KyselyStorage } from '../kysely/storage.ts'
import { migrate } from '../schema.ts'
import { kyselyOver } from './dialect.ts'
import { LentSessions, pinnedSessions, type PostgresClient } from './lent-sessions.ts'
import { OwnSessions, type SingleClient } from './own-sessions.ts'
import type { Sessions } from './session.ts'

export interface OwnOptions {
  readonly connectionString: string
  readonly connections: number
  readonly statementTimeoutMs: number
}

/** The server ends a statement that waits for a lock, and an idle transaction, after these times. */
const serverTimeoutsMs = { lock: 10_000, idle: 60_000 }

/** The server is out of reach if it has not ended a statement this long after its own time-out. */
const reachMs = 10_000

const noTimeoutMs = 2 ** 31 - 1

/** Opens connections of our own. */
export async function openOwn(options: OwnOptions): Promise<Storage> {
  const connect = await connector(options.connectionString)
  const { statementTimeoutMs } = options
  await migrateOn(new OwnSessions({ connect: (lost) => connect(lost, 0), most: 1, patienceMs: noTimeoutMs }))
  return storageOn(
    new OwnSessions({
      connect: (lost) => connect(lost, statementTimeoutMs),
      most: options.connections,
      patienceMs: statementTimeoutMs + reachMs,
    }),
  )
}

/** Uses a client that a host has made and will close. */
export async function openLent(client: PostgresClient): Promise<Storage> {
  await migrateOn(await pinnedSessions(client))
  return storageOn(new LentSessions(client))
}

function storageOn(sessions: Sessions): Storage {
  const db = kyselyOver(sessions)
  return new KyselyStorage({ writer: db, reader: db, close: () => db.destroy() })
}

/** Migrates on a connection of its own, which has no time-out. */
async function migrateOn(sessions: Sessions): Promise<void> {
  const db = kyselyOver(sessions)
  try {
    await migrate(db)
  } catch (error) {
    throw toLicensingError(error)
  } finally {
    await db.destroy()
  }
}

/** The driver is an optional peer dependency. */
export async function requirePostgres(): Promise<typeof import('postgres')> {
  const { default: postgres } = await import('postgres').catch((cause: unknown) => {
    throw new LicensingError('unavailable', 'PostgreSQL needs the package "postgres" beside heartwood', {
      cause,
    })
  })
  return postgres
}

/** Makes clients of one connection each. */
async function connector(
  connectionString: string,
): Promise<(lost: () => void, statementTimeoutMs: number) => SingleClient> {
  const postgres = await requirePostgres()
  return (lost, statementTimeoutMs) =>
    postgres(connectionString, {
      max: 1,
      connect_timeout: 5,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      onclose: lost,
      onnotice: () => {},
      connection: {
        application_name: 'heartwood',
        statement_timeout: statementTimeoutMs,
        lock_timeout: statementTimeoutMs === 0 ? 0 : serverTimeoutsMs.lock,
        idle_in_transaction_session_timeout: serverTimeoutsMs.idle,
      },
    })
}
