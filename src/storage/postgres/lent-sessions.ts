import {
  type Result,
  connectionLost,
  requireCommitted,
  runOn,
  type Runner,
  type Session,
  type Sessions,
} from './session.ts'

/** The part of a host's client of postgres.js that the storage uses. */
export interface PostgresClient extends Runner {
  begin(options: string, work: (transaction: Runner) => Promise<unknown>): Promise<unknown>
}

/** Sessions over a client that a host has made and configured, and will close. */
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

  async run(sql: string, parameters: readonly unknown[]): Promise<Result> {
    // Otherwise the client would run the statement on another connection, outside the transaction.
    if (this.#isLost) throw connectionLost()
    return runOn(this.#transaction ?? this.#client, sql, parameters)
  }

  /**
   * Only the client's own `begin` tells when the connection of a transaction is lost. It takes a callback, which here just
   * hands the transaction out. Our `commit` or `rollback` ends the transaction, and then the client takes the connection back.
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
    const result = await this.run('commit', [])
    this.#transaction = undefined
    requireCommitted(result)
  }

  async rollback(): Promise<void> {
    if (this.#isLost || this.#transaction === undefined) return
    await this.run('rollback', []).catch(() => {})
    this.#transaction = undefined
  }
}
