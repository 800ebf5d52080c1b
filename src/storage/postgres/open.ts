import { Kysely } from 'kysely'
import type { Storage } from '../../core/storage/index.ts'
import { translated } from '../kysely/errors.ts'
import { storageOver } from '../kysely/storage.ts'
import { migrate, type Database } from '../schema.ts'
import { SessionDialect } from './dialect.ts'
import { LentSessions, pinnedSessions, type PostgresClient } from './lent-sessions.ts'
import { OwnSessions, type SingleClient } from './own-sessions.ts'
import type { Sessions } from './session.ts'

export interface OwnOptions {
  readonly connectionString: string
  readonly connections: number
  readonly statementTimeoutMs: number
}

/** What a server does with a statement that cannot get a lock, and with a transaction that its client forgot. */
const serverPatienceMs = { lock: 10_000, idle: 60_000 }

/** So much longer than the server we wait ourselves: then it is out of reach. */
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

/** Stands on a client that somebody else made and closes. */
export async function openLent(client: PostgresClient): Promise<Storage> {
  await migrateOn(await pinnedSessions(client))
  return storageOn(new LentSessions(client))
}

function storageOn(sessions: Sessions): Storage {
  const db = new Kysely<Database>({ dialect: new SessionDialect(sessions) })
  return storageOver({ writer: db, reader: db, close: () => db.destroy() })
}

/** On a connection of its own, which no time-out of a statement ends. */
async function migrateOn(sessions: Sessions): Promise<void> {
  const db = new Kysely<Database>({ dialect: new SessionDialect(sessions) })
  try {
    await migrate(db)
  } catch (error) {
    throw translated(error)
  } finally {
    await db.destroy()
  }
}

/** Makes clients of one connection each. */
async function connector(
  connectionString: string,
): Promise<(lost: () => void, statementTimeoutMs: number) => SingleClient> {
  const { default: postgres } = await import('postgres').catch((cause: unknown) => {
    throw new Error('postgresStorage needs the package "postgres" beside heartwood', { cause })
  })
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
        lock_timeout: statementTimeoutMs === 0 ? 0 : serverPatienceMs.lock,
        idle_in_transaction_session_timeout: serverPatienceMs.idle,
      },
    })
}
