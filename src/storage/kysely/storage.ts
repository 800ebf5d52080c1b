import { sql, type CompiledQuery, type Kysely, type TransactionBuilder } from 'kysely'
import type { Storage, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import type { Access } from './session.ts'
import { apiKeyReads, apiKeyWrites } from './api-keys.ts'
import { appVerbs } from './apps.ts'
import { customerVerbs } from './customers.ts'
import { again, type Attempt, once } from './retry.ts'
import { deliveryVerbs } from './deliveries.ts'
import { isPostgres } from './dialect.ts'
import { translated } from './errors.ts'
import { featureVerbs, tierFeatureVerbs } from './features.ts'
import { type HotQueries, hotQueries } from './hot-queries.ts'
import { storedResponseVerbs } from './idempotency.ts'
import { licenseReads, licenseWrites } from './licenses.ts'
import { inSavepoint } from './savepoint.ts'
import { noticeVerbs } from './expiry-notices.ts'
import { anybody, presence, type Presence } from './in-flight.ts'
import { sealedVerbs } from './secrets.ts'
import { signingKeyVerbs } from './signing-keys.ts'
import { tierVerbs } from './tiers.ts'
import { atOnce, type InTurn } from './serialize.ts'
import { webhookVerbs } from './webhooks.ts'

/** What a storage over Kysely stands on. */
export interface Connections {
  /** Every write and every transaction. */
  readonly writer: Kysely<Database>
  /** Every read outside a transaction. */
  readonly reader: Kysely<Database>
  /** A shorter way to the first row of a compiled query than through the reader. */
  readonly first?: <Entry>(query: CompiledQuery<Entry>, parameters: readonly unknown[]) => Entry | undefined
  /** Called once a private key, an app or what an old master key opens is gone for good. */
  readonly erased?: () => Promise<void>
  readonly close: () => Promise<void>
  /** Lets writes wait for each other, where they share a transaction. */
  readonly inTurn?: InTurn
}

export function storageOver(connections: Connections): Storage {
  const { writer, reader, first, inTurn = atOnce } = connections
  const hot = hotQueries(writer)
  const present = presence()
  let closing: Promise<void> | undefined
  const atomically: Access['atomically'] = (work) =>
    writer.isTransaction ? work(writer) : begin(writer).execute(work)
  const access = { ...accessOver(reader, hot), write: writer, atomically }
  const session = sessionOver(first === undefined ? access : { ...access, first })
  // A transaction of the host's is gone as a whole after a conflict, so only the host can try again.
  const attempt = isPostgres(writer) && !writer.isTransaction ? again : once
  const outside = watched(guarded(session, present, attempt, inTurn), async () => connections.erased?.())
  return {
    ...outside,
    transaction: async (work) => {
      present.enter()
      try {
        return await inTurn(() => attempt(() => runTransaction(connections, hot, work)))
      } finally {
        present.leave()
      }
    },
    ping: guard(async () => void (await sql`select 1`.execute(reader)), present, attempt),
    close: () => (closing ??= present.close().then(connections.close)),
  }
}

/** Whatever a server is set to, each statement sees what was committed before it: the guarded verbs count on that. */
function begin(db: Kysely<Database>): TransactionBuilder<Database> {
  return isPostgres(db) ? db.transaction().setIsolationLevel('read committed') : db.transaction()
}

/** Everything through one handle: a transaction, or a database without a reader of its own. */
function accessOver(db: Kysely<Database>, hot: HotQueries): Access {
  return {
    read: db,
    write: db,
    hot,
    first: async <Entry>(query: CompiledQuery<Entry>, parameters: readonly unknown[]) =>
      (await db.executeQuery<Entry>({ ...query, parameters })).rows[0],
    atomically: (work) => work(db),
  }
}

function sessionOver(access: Access): StorageSession {
  return {
    ...appVerbs(access),
    ...signingKeyVerbs(access),
    ...tierVerbs(access),
    ...tierFeatureVerbs(access),
    ...featureVerbs(access),
    ...customerVerbs(access),
    ...licenseReads(access),
    ...licenseWrites(access),
    ...apiKeyReads(access),
    ...apiKeyWrites(access),
    ...storedResponseVerbs(access),
    ...webhookVerbs(access),
    ...deliveryVerbs(access),
    ...noticeVerbs(access),
    ...sealedVerbs(access),
  }
}

type Work<T> = (tx: StorageSession) => Promise<T>

async function runTransaction<T>(
  { writer, erased }: Connections,
  hot: HotQueries,
  work: Work<T>,
): Promise<T> {
  let hasErased = false
  let failure: { readonly error: unknown } | undefined
  const run = async (db: Kysely<Database>): Promise<T> => {
    const tx = guarded(sessionOver(accessOver(db, hot)), anybody, once, atOnce)
    try {
      return await work(watched(tx, async () => void (hasErased = true)))
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  try {
    const result = await (writer.isTransaction
      ? inSavepoint(writer, 'heartwood', run)
      : begin(writer).execute(run))
    if (hasErased) await erased?.()
    return result
  } catch (error) {
    throw failure === undefined ? translated(error) : failure.error
  }
}

type Verb = (...args: never[]) => Promise<unknown>

/** What only looks needs no turn. */
const looks = /^(find|list|count)/

/** The session with every driver's error in words of ours. */
function guarded(
  session: StorageSession,
  present: Presence,
  attempt: Attempt,
  inTurn: InTurn,
): StorageSession {
  const attemptInTurn: Attempt = (work) => inTurn(() => attempt(work))
  const verbs = Object.entries<Verb>({ ...session })
  return Object.fromEntries(
    verbs.map(([name, verb]) => [name, guard(verb, present, looks.test(name) ? attempt : attemptInTurn)]),
  ) as unknown as StorageSession
}

function guard<Args extends unknown[], T>(
  verb: (...args: Args) => Promise<T>,
  present: Presence,
  attempt: Attempt,
): (...args: Args) => Promise<T> {
  return async (...args) => {
    present.enter()
    try {
      return await attempt(() => verb(...args))
    } catch (error) {
      throw translated(error)
    } finally {
      present.leave()
    }
  }
}

/** The session with a word after each verb that destroyed what must leave no trace; a master key's last seal goes last. */
function watched(session: StorageSession, erased: () => Promise<void>): StorageSession {
  const telling = async (done: Promise<boolean>): Promise<boolean> => {
    const isDone = await done
    if (isDone) await erased()
    return isDone
  }
  return {
    ...session,
    swapActiveKey: (...args) => telling(session.swapActiveKey(...args)),
    deleteApp: (id) => telling(session.deleteApp(id)),
    reseal: (place, ...texts) => {
      const done = session.reseal(place, ...texts)
      return place.kind === 'keyCheck' ? telling(done) : done
    },
  }
}
