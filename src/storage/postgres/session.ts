/** What a statement answered: its rows, and what it was (`COMMIT`, say). */
export interface Answer extends Iterable<unknown> {
  readonly command?: string | null
  readonly count?: number | null
}

/** Something that runs statements: a client of postgres.js, a transaction of it, a reserved connection. */
export interface Runner {
  unsafe(sql: string, parameters?: any[], options?: { readonly prepare?: boolean }): Promise<Answer>
}

/** One connection for the time between `acquire` and `release`, in a transaction or outside. */
export interface Session {
  /** Rejects with the driver's error; inside a transaction that was lost with its connection, with no other effect. */
  run(sql: string, parameters: readonly unknown[]): Promise<Answer>
  begin(mode: string): Promise<void>
  commit(): Promise<void>
  /** Never rejects: a server forgets a transaction whose connection it loses. */
  rollback(): Promise<void>
}

/** Where sessions come from. */
export interface Sessions {
  acquire(): Promise<Session>
  release(session: Session): void
  /** Called when no session is in use. */
  close(): Promise<void>
}

/** What the driver says when a connection is gone; the storage makes it `unavailable`. */
export function connectionLost(): Error {
  return Object.assign(new Error('The connection was lost'), { code: 'CONNECTION_CLOSED' })
}

/** Runs a statement, prepared once for each connection unless the client was told not to prepare. */
export function runOn(runner: Runner, sql: string, parameters: readonly unknown[]): Promise<Answer> {
  return runner.unsafe(sql, [...parameters], { prepare: true })
}

/** PostgreSQL answers `commit` with ROLLBACK when a statement of the transaction had failed. */
export function requireCommitted(answer: Answer): void {
  if (answer.command === 'COMMIT') return
  throw new Error('The transaction was rolled back: a statement in it had failed')
}
