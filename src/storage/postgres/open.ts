import type { Storage } from '../../core/storage/index.ts'
import { toLicensingError } from '../errors.ts'
import { KyselyStorage } from '../kysely/storage.ts'
import { migrate } from '../schema.ts'
import type { Address } from './address.ts'
import { clientsOf } from './client.ts'
import { kyselyOver } from './dialect.ts'
import { LentSessions, type PostgresClient } from './lent-sessions.ts'
import { OwnSessions } from './own-sessions.ts'
import type { Sessions } from './session.ts'

export interface OwnOptions {
  readonly address: Address
  readonly connections: number
  readonly statementTimeoutMs: number
}

/** The server ends a statement that waits for a lock, and an idle transaction, after these times. */
const serverTimeoutsMs = { lock: 10_000, idle: 60_000 }

/** The server is out of reach if it has not ended a statement this long after its own time-out. */
const reachMs = 10_000

const noTimeoutMs = 2 ** 31 - 1

function limitsOf(statementTimeoutMs: number): Readonly<Record<string, number>> {
  return {
    statement_timeout: statementTimeoutMs,
    lock_timeout: statementTimeoutMs === 0 ? 0 : serverTimeoutsMs.lock,
    idle_in_transaction_session_timeout: serverTimeoutsMs.idle,
  }
}

/** Opens connections of our own. */
export async function openOwn({ address, connections, statementTimeoutMs }: OwnOptions): Promise<Storage> {
  const makeClient = await clientsOf(address)
  const connect = (timeoutMs: number) => (lost: () => void) =>
    makeClient({ limits: limitsOf(timeoutMs), lost })
  await migrateOn(new OwnSessions({ connect: connect(0), most: 1, patienceMs: noTimeoutMs }))
  return storageOn(
    new OwnSessions({
      connect: connect(statementTimeoutMs),
      most: connections,
      patienceMs: statementTimeoutMs + reachMs,
    }),
  )
}

/** Uses a client that a host has made and will close. */
export async function openLent(client: PostgresClient): Promise<Storage> {
  await migrateOn(new LentSessions(client))
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
