import {
  type Answer,
  connectionLost,
  requireCommitted,
  runOn,
  type Runner,
  type Session,
  type Sessions,
} from './session.ts'

/** What is needed of a lent client of postgres.js. */
export interface PostgresClient extends Runner {
  begin(options: string, work: (transaction: Runner) => Promise<unknown>): Promise<unknown>
  reserve(): Promise<Runner & { release(): void }>
}

/** Sessions over a client that somebody else made, configured and closes. */
export class LentSessions implements Sessions {
  readonly #client: PostgresClient

  constructor(client: PostgresClient) {
    this.#client = client
  }

  async acquire(): Promise<Session> {
    return new LentSession(this.#client)
  }

  release(): void {}

  async close(): Promise<void> {}
}

class LentSession implements Session {
  readonly #client: PostgresClient
  #transaction: Runner | undefined
  #isLost = false

  constructor(client: PostgresClient) {
    this.#client = client
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    // Past this point the client would run the statement on another connection, outside of the transaction.
    if (this.#isLost) throw connectionLost()
    return runOn(this.#transaction ?? this.#client, sql, parameters)
  }

  /**
   * `begin` of the client is the one thing that tells when a transaction's connection is lost. It takes a callback, which
   * here only hands the transaction out: it is ended by our own `commit` or `rollback`, after which the client takes the
   * connection back.
   */
  async begin(mode: string): Promise<void> {
    this.#transaction = await new Promise<Runner>((resolve, reject) => {
      const over = this.#client.begin(mode, (transaction) => {
        resolve(transaction)
        return new Promise(() => {})
      })
      over.catch((error: unknown) => {
        this.#isLost = true
        reject(error)
      })
    })
  }

  async commit(): Promise<void> {
    const answer = await this.run('commit', [])
    this.#transaction = undefined
    requireCommitted(answer)
  }

  async rollback(): Promise<void> {
    if (this.#isLost || this.#transaction === undefined) return
    await this.run('rollback', []).catch(() => {})
    this.#transaction = undefined
  }
}

/** A single session of a lent client, for what must stay on one connection outside of transactions as well. */
export async function pinnedSessions(client: PostgresClient): Promise<Sessions> {
  const reserved = await client.reserve()
  const session: Session = {
    run: (sql, parameters) => runOn(reserved, sql, parameters),
    begin: async (mode) => void (await reserved.unsafe(`begin ${mode}`)),
    commit: async () => requireCommitted(await reserved.unsafe('commit')),
    rollback: async () => void (await reserved.unsafe('rollback').catch(() => {})),
  }
  return { acquire: async () => session, release: () => {}, close: async () => reserved.release() }
}
